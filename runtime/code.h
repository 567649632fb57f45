// The instructions of programs between libbpf and the kernel: taken at loading, kept beside the pins, loaded
// once more when somebody begins or ends to listen (STATE.md, "Events").
#pragma once

#include "runtime/hooks.h"
#include "runtime/pins.h"

namespace xdpc::rt {

/// While it lives, programs that this thread loads lose their hooks, unless they are to be kept.
class CodeTaker {
public:
    explicit CodeTaker(bool keep_hooks);
    ~CodeTaker();
    CodeTaker(const CodeTaker&) = delete;
    CodeTaker& operator=(const CodeTaker&) = delete;
    /// All programs as compiled, if any has hooks; with ids of maps in the place of descriptors.
    [[nodiscard]] std::vector<Code> taken() const;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

/// A frozen map of all that it takes to load them again; lines are left out.
Result<Fd> make_code_map(const std::vector<Code>& programs);
Result<std::vector<Code>> read_code_map(const std::string& path);
/// Loads one with its hooks. `like` is a program of the same object, whose types and maps it uses.
Result<Fd> load_hooked(const Code& code, const Fd& like);

} // namespace xdpc::rt
