// Raw bytes: whole files into memory, and bytes as hex digits.
#pragma once

#include "compiler/base/result.h"

#include <cstdint>
#include <span>
#include <string>

namespace xdpc {

/// "0a1b": two digits a byte.
std::string hex_text(std::span<const uint8_t> bytes);

/// All bytes of a file, a pipe, or standard input ("-"). Directories and what is longer than `limit` are
/// refused.
Result<std::string> read_bytes(const std::string& path, size_t limit);

} // namespace xdpc
