// Failures of the environment (files, kernel, devices). Mistakes of the user are Diagnostics instead; bugs
// assert.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace xdpc {

struct Error {
    std::string message; // what was seen, lower case, no full stop
    std::string hint;    // what to do, may be empty
};

template<class T> using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message, std::string hint = {}) {
    return tl::unexpected<Error>({std::move(message), std::move(hint)});
}

} // namespace xdpc
