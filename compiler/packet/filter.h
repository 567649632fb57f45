// Filter expressions of libpcap, as tcpdump takes them.
#pragma once

#include "compiler/base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace xdpc::packet {

class Filter {
public:
    /// For Ethernet frames. The Error says what libpcap does not understand.
    static Result<Filter> compile(const std::string& expression);
    /// `frame` may be the first bytes of one of `length`.
    [[nodiscard]] bool matches(std::span<const uint8_t> frame, uint32_t length) const;

private:
    struct Program;
    std::shared_ptr<const Program> program_;
};

} // namespace xdpc::packet
