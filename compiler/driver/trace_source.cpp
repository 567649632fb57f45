#include "compiler/driver/trace_source.h"

#include "compiler/driver/command.h"
#include "runtime/attach.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::driver {

namespace {

namespace fs = std::filesystem;

/// A directory that is gone at the end, and the working directory while it lives.
class Workspace {
public:
    Workspace() : before_(fs::current_path(error_)) {
        std::string name = (fs::temp_directory_path(error_) / "xdpc-XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) {
            root_ = name;
        }
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace() {
        if (!before_.empty()) {
            fs::current_path(before_, error_);
        }
        if (!root_.empty()) {
            fs::remove_all(root_, error_);
        }
    }
    [[nodiscard]] const fs::path& root() const { return root_; }

private:
    std::error_code error_;
    fs::path before_;
    fs::path root_;
};

/// How deep the policies stand in the workspace, so that `../` in a stored path stays inside.
constexpr int depth = 16;

/// The stored path, relative; absolute ones lose their root.
fs::path relative_of(const std::string& path) {
    return fs::path(path).lexically_normal().relative_path();
}

bool stays_inside(const fs::path& path) {
    int level = depth;
    for (const fs::path& part : path) {
        level += part == ".." ? -1 : 1;
        if (level <= 0) {
            return false;
        }
    }
    return true;
}

} // namespace

Result<std::optional<Policy>> policy_to_trace(const std::string& file, const std::string& iface,
                                              Sources& sources, Diagnostics& diagnostics) {
    if (iface.empty()) {
        return load_policy(file, sources, diagnostics);
    }
    const Result<Artifact> attached = rt::attached_metadata(iface);
    if (!attached) {
        return tl::unexpected(attached.error());
    }
    if (attached->sources.empty()) {
        return fail(fmt::format("the text of the policy on {} was not stored", iface),
                    "trace the policy's file instead");
    }
    const Workspace workspace;
    if (workspace.root().empty()) {
        return fail("cannot make a temporary directory");
    }
    fs::path base = workspace.root();
    for (int i = 0; i < depth; ++i) {
        base /= "d";
    }
    std::error_code error;
    for (const auto& [path, text] : attached->sources) {
        const fs::path relative = relative_of(path);
        if (!stays_inside(relative)) {
            return fail(fmt::format("the stored policy names an odd path: `{}`", path));
        }
        fs::create_directories((base / relative).parent_path(), error);
        if (const Result<void> written = write_file(base / relative, text); !written) {
            return tl::unexpected(written.error());
        }
    }
    fs::create_directories(base, error);
    fs::current_path(base, error); // so that messages name the files as they were named
    if (error) {
        return fail(fmt::format("cannot use `{}`: {}", base.string(), error.message()));
    }
    return load_policy(relative_of(attached->sources.front().first).string(), sources, diagnostics);
}

} // namespace xdpc::driver
