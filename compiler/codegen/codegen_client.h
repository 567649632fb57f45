// Runs generate() in a forked child that loads libxdpc-codegen.so: an abort inside LLVM becomes an Error
// here.
#pragma once

#include "compiler/codegen/codegen.h"

#include <memory>

namespace xdpc {

/// A child that generates. Ended, if need be, when this is destroyed.
class Generating {
public:
    struct Child;
    explicit Generating(std::unique_ptr<Child> child);
    Generating(Generating&&) noexcept;
    Generating& operator=(Generating&&) noexcept;
    ~Generating();
    /// Waits for the child; once.
    Result<std::vector<uint8_t>> finish();

private:
    std::unique_ptr<Child> child_;
};

/// Loads the code generator in a thread, for a command that is going to ask for it while this is there; one
/// at a time. Ends with the thread: were it still loading when the process exits, LLVM's globals would be
/// destroyed under it.
class Preloading {
public:
    Preloading();
    Preloading(const Preloading&) = delete;
    Preloading& operator=(const Preloading&) = delete;
    ~Preloading();
};
/// `input` is the child's from here on: it may change meanwhile.
Result<Generating> start_generating(const CodegenInput& input, CodegenForm form);
Result<std::vector<uint8_t>> generate_isolated(const CodegenInput& input, CodegenForm form);

} // namespace xdpc
