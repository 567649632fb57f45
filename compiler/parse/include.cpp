// Files that include others.
#include "compiler/parse/parse.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace xdpc {
namespace {

constexpr size_t max_include_depth = 16;

class Loader {
public:
    Loader(Sources& sources, Diagnostics& diagnostics) : sources_(sources), diagnostics_(diagnostics) {}

    ast::File load(FileId id, const std::string& identity) {
        ast::File file = parse(sources_.get(id), diagnostics_);
        open_.push_back(identity);
        seen_.insert(identity);
        resolve(file.items, id);
        open_.pop_back();
        return file;
    }

    /// One name for a file, however it is written.
    static std::string identity_of(const std::string& path) {
        std::error_code error;
        const auto canonical = std::filesystem::weakly_canonical(path, error);
        return error ? path : canonical.string();
    }

private:
    void resolve(std::vector<ast::Item>& items, FileId id) {
        for (ast::Item& item : items) {
            if (auto* include = std::get_if<ast::Include>(&item.node)) {
                resolve(*include, id);
            } else if (auto* table = std::get_if<ast::Table>(&item.node)) {
                resolve(table->items, id);
            }
        }
    }

    void resolve(ast::Include& include, FileId id) {
        const std::string path = beside(sources_.get(id).path, include.path.text);
        const std::string identity = identity_of(path);
        if (std::find(open_.begin(), open_.end(), identity) != open_.end()) {
            diagnostics_.add(Diag::IncludeCycle, include.path.span, include.path.text);
            return;
        }
        if (seen_.contains(identity)) {
            return; // its contents are there already
        }
        if (open_.size() > max_include_depth) {
            diagnostics_.add(Diag::IncludeTooDeep, include.path.span, max_include_depth);
            return;
        }
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (!std::filesystem::is_regular_file(status)) { // a device would never end
            const char* why = std::filesystem::exists(status) ? "it is not a regular file" : "no such file";
            diagnostics_.add(Diag::IncludeUnreadable, include.path.span, path, why);
            return;
        }
        const auto loaded = sources_.load(path);
        if (!loaded) {
            diagnostics_.add(Diag::IncludeUnreadable, include.path.span, path, loaded.error().message);
            return;
        }
        include.file = std::make_shared<const ast::File>(load(*loaded, identity));
    }

    static std::string beside(const std::string& naming, const std::string& named) {
        if (naming.empty() || naming[0] == '<' || naming == "-") {
            return named;
        }
        return (std::filesystem::path(naming).parent_path() / named).string();
    }

    Sources& sources_;
    Diagnostics& diagnostics_;
    std::vector<std::string> open_; // the files that include each other down to here
    std::set<std::string> seen_;
};

} // namespace

Result<ast::File> parse_file(const std::string& path, Sources& sources, Diagnostics& diagnostics) {
    const auto id = sources.load(path);
    if (!id) {
        return tl::unexpected(id.error());
    }
    return parse_with_includes(*id, sources, diagnostics);
}

ast::File parse_with_includes(FileId file, Sources& sources, Diagnostics& diagnostics) {
    return Loader(sources, diagnostics).load(file, Loader::identity_of(sources.get(file).path));
}

} // namespace xdpc
