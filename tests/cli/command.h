// Runs the built `xdpc` as a user does, and looks at what it prints and how it ends.
#pragma once

#include <string>
#include <vector>

namespace xdpc::cli {

struct Ran {
    int code = 0; // 128 + signal when killed
    std::string out;
    std::string err;
    [[nodiscard]] std::string both() const { return out + err; }
};

struct Command {
    std::vector<std::string> words;            // arguments; the program before them unless `program` is given
    std::string program;                       // default: the built xdpc
    std::vector<std::string> environment = {}; // NAME=VALUE, added
    std::string input = {};
    bool as_nobody = false;    // drops all privileges
    std::string netns = {};    // network namespace to run in
    bool close_output = false; // nobody reads standard output
    unsigned timeout_seconds = 120;
};
Ran run(const Command& command);
Ran xdpc(std::vector<std::string> words);

/// A directory for one test, readable by all, gone at its end.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string path(const std::string& name = "") const;
    /// Writes a file and gives its path.
    std::string write(const std::string& name,
                      const std::string& text) const; // NOLINT(modernize-use-nodiscard)

private:
    std::string path_;
};

std::string read(const std::string& path);
/// Examples that are whole policies, with their paths.
std::vector<std::string> examples();
bool is_root();

} // namespace xdpc::cli
