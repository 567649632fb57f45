// Runs generate() in a forked child that loads libxdpc-codegen.so: an abort inside LLVM becomes an Error
// here.
#pragma once

#include "compiler/codegen/codegen.h"

namespace xdpc {

Result<std::vector<uint8_t>> generate_isolated(const CodegenInput& input, CodegenForm form);

} // namespace xdpc
