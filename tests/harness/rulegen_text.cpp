// Rule sets as policies and in ClassBench's text format.
#include "compiler/fields/fields.h"
#include "tests/harness/rulegen.h"

#include <charconv>
#include <fmt/format.h>

namespace xdpc::test {

namespace {

bool is_any(const Interval& side, unsigned width) {
    return side.lo == 0 && side.hi == max_of_width(width);
}

std::string ports_text(const char* field, const Interval& ports) {
    if (is_any(ports, 16)) {
        return {};
    }
    const auto low = static_cast<unsigned>(ports.lo);
    const auto high = static_cast<unsigned>(ports.hi);
    return low == high ? fmt::format(" {} {}", field, low) : fmt::format(" {} {}-{}", field, low, high);
}

unsigned length_of(const Interval& prefix) {
    unsigned host = 0;
    for (u128 size = prefix.hi - prefix.lo; size; size >>= 1) {
        ++host;
    }
    return 32 - host;
}

std::string quad(u128 address) {
    const auto a = static_cast<uint32_t>(address);
    return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/// Takes the first line off.
std::string_view next_line(std::string_view& text) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// Reads a line of the format piece by piece.
class LineReader {
public:
    explicit LineReader(std::string_view text) : rest_(text) {}
    bool fine() const { return fine_; }

    void literal(char c) {
        blanks();
        fine_ = fine_ && !rest_.empty() && rest_.front() == c;
        if (fine_) {
            rest_.remove_prefix(1);
        }
    }
    uint64_t number(int base, uint64_t most) {
        blanks();
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
        fine_ = fine_ && error == std::errc() && value <= most;
        rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
        return value;
    }
    Interval prefix() {
        u128 address = 0;
        for (int i = 0; i < 4; ++i) {
            if (i) {
                literal('.');
            }
            address = address << 8 | number(10, 255);
        }
        literal('/');
        const auto length = static_cast<unsigned>(number(10, 32));
        const u128 host = length > 32 ? 0 : max_of_width(32 - length);
        return {address & ~host, address | host};
    }
    Interval range() {
        const u128 low = number(10, 65535);
        literal(':');
        const u128 high = number(10, 65535);
        fine_ = fine_ && low <= high;
        return {low, high};
    }
    uint64_t hex() {
        literal('0');
        literal('x');
        return number(16, 255);
    }

private:
    void blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
            rest_.remove_prefix(1);
        }
    }
    std::string_view rest_;
    bool fine_ = true;
};

} // namespace

std::string policy_text(const std::vector<FiveFieldRule>& rules, bool ip6) {
    const unsigned width = ip6 ? 128 : 32;
    const TypeId type = ip6 ? TypeId::Ipv6Addr : TypeId::Ipv4Addr;
    const char* family = ip6 ? "ip6" : "ip";
    std::string text = "chain ingress {\n    policy pass\n";
    for (const FiveFieldRule& rule : rules) {
        std::string line;
        for (const auto& [field, side] : {std::pair{"saddr", rule.saddr}, std::pair{"daddr", rule.daddr}}) {
            if (!is_any(side, width)) {
                line += fmt::format(" {} {} {}", family, field,
                                    format_interval(type, side, static_cast<uint16_t>(width)));
            }
        }
        const bool tcp_or_udp = rule.protocol && (*rule.protocol == 6 || *rule.protocol == 17);
        const char* transport = !rule.protocol ? "th" : *rule.protocol == 6 ? "tcp" : "udp";
        const std::string ports = ports_text((std::string(transport) + " sport").c_str(), rule.sport) +
                                  ports_text((std::string(transport) + " dport").c_str(), rule.dport);
        line += ports;
        if (rule.protocol && (ports.empty() || !tcp_or_udp)) {
            line += fmt::format(" meta l4proto {}", *rule.protocol);
        }
        if (line.empty()) {
            line = fmt::format(" meta protocol {}", ip6 ? "ip6" : "ip");
        }
        text += "   " + line + (rule.drop ? " drop\n" : " pass\n");
    }
    return text + "}\n";
}

std::string classbench_text(const std::vector<FiveFieldRule>& rules) {
    std::string text;
    for (const FiveFieldRule& rule : rules) {
        text += fmt::format("@{}/{}\t{}/{}\t{} : {}\t{} : {}\t0x{:02x}/0x{:02X}\n", quad(rule.saddr.lo),
                            length_of(rule.saddr), quad(rule.daddr.lo), length_of(rule.daddr),
                            static_cast<unsigned>(rule.sport.lo), static_cast<unsigned>(rule.sport.hi),
                            static_cast<unsigned>(rule.dport.lo), static_cast<unsigned>(rule.dport.hi),
                            rule.protocol.value_or(0), rule.protocol ? 0xff : 0);
    }
    return text;
}

std::optional<std::vector<FiveFieldRule>> read_classbench(std::string_view text, size_t& wrong_line) {
    std::vector<FiveFieldRule> rules;
    for (wrong_line = 1; !text.empty(); ++wrong_line) {
        const std::string_view line = next_line(text);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
            continue;
        }
        LineReader reader(line);
        FiveFieldRule rule;
        reader.literal('@');
        rule.saddr = reader.prefix();
        rule.daddr = reader.prefix();
        rule.sport = reader.range();
        rule.dport = reader.range();
        const uint64_t protocol = reader.hex();
        reader.literal('/');
        const uint64_t mask = reader.hex();
        if (!reader.fine() || (mask != 0 && mask != 0xff)) {
            return {};
        }
        if (mask) {
            rule.protocol = static_cast<uint8_t>(protocol);
        }
        rule.drop = rules.size() % 2 == 0; // the format has no verdicts
        rules.push_back(rule);
    }
    return rules;
}

std::optional<std::vector<FiveFieldHeader>> read_headers(std::string_view text, size_t& wrong_line) {
    std::vector<FiveFieldHeader> headers;
    for (wrong_line = 1; !text.empty(); ++wrong_line) {
        const std::string_view line = next_line(text);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
            continue;
        }
        LineReader reader(line);
        FiveFieldHeader header;
        header.saddr = reader.number(10, UINT32_MAX);
        header.daddr = reader.number(10, UINT32_MAX);
        header.sport = static_cast<uint16_t>(reader.number(10, 65535));
        header.dport = static_cast<uint16_t>(reader.number(10, 65535));
        header.protocol = static_cast<uint8_t>(reader.number(10, 255));
        if (!reader.fine()) {
            return {};
        }
        headers.push_back(header);
    }
    return headers;
}

} // namespace xdpc::test
