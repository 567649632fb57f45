#include "compiler/policy/scalars.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <ctime>

namespace xdpc {

namespace {

constexpr u128 ns_per_second = 1'000'000'000;

int digit_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return 99;
}

std::optional<u128> digits(std::string_view text, unsigned base) {
    if (text.empty()) {
        return {};
    }
    u128 value = 0;
    for (const char c : text) {
        const int digit = digit_of(c);
        if (digit >= static_cast<int>(base)) {
            return {};
        }
        const u128 room = (~u128{0} - static_cast<unsigned>(digit)) / base;
        if (value > room) {
            return {};
        }
        value = value * base + static_cast<unsigned>(digit);
    }
    return value;
}

bool is_hex(std::string_view text) {
    return text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}
bool is_octal(std::string_view text) {
    return text.size() > 1 && text[0] == '0' && !is_hex(text);
}

/// All digits, so a number even if it does not fit.
bool looks_like_number(std::string_view text) {
    const std::string_view body = is_hex(text) ? text.substr(2) : text;
    const int base = is_hex(text) ? 16 : 10;
    for (const char c : body) {
        if (digit_of(c) >= base) {
            return false;
        }
    }
    return !body.empty();
}

std::optional<u128> read_ipv4(std::string_view text) {
    u128 value = 0;
    unsigned octets = 0;
    size_t at = 0;
    while (octets < 4) {
        unsigned octet = 0;
        const size_t begin = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 3) {
            octet = octet * 10 + static_cast<unsigned>(text[at++] - '0');
        }
        const bool leading_zero = at - begin > 1 && text[begin] == '0';
        if (at == begin || octet > 255 || leading_zero) {
            return {};
        }
        value = value << 8 | octet;
        ++octets;
        if (octets < 4 && (at >= text.size() || text[at++] != '.')) {
            return {};
        }
    }
    return at == text.size() ? std::optional(value) : std::nullopt;
}

std::optional<u128> read_ipv6(std::string_view text) {
    std::array<char, 64> buffer{};
    std::array<uint8_t, 16> bytes{};
    if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
        return {};
    }
    std::memcpy(buffer.data(), text.data(), text.size());
    if (inet_pton(AF_INET6, buffer.data(), bytes.data()) != 1) {
        return {};
    }
    u128 value = 0;
    for (const uint8_t byte : bytes) {
        value = value << 8 | byte;
    }
    return value;
}

std::optional<u128> read_mac(std::string_view text) {
    u128 value = 0;
    for (unsigned group = 0; group < 6; ++group) {
        const size_t end = group < 5 ? text.find(':') : text.size();
        if (end == std::string_view::npos || end > 2) {
            return {};
        }
        const auto byte = digits(text.substr(0, end), 16);
        if (!byte) {
            return {};
        }
        value = value << 8 | *byte;
        text.remove_prefix(group < 5 ? end + 1 : end);
    }
    return value;
}

bool looks_like_ipv4(std::string_view text) {
    return text.find('.') != std::string_view::npos &&
           text.find_first_not_of("0123456789.") == std::string_view::npos;
}
bool looks_like_ipv6(std::string_view text) {
    return text.find(':') != std::string_view::npos && read_ipv6(text).has_value();
}

/// `eth0`, or `eth*`: all names that begin so; a backslash before the star takes its meaning away.
Scalar read_interface(std::string_view text) {
    const bool escaped = text.size() >= 2 && text.substr(text.size() - 2) == "\\*";
    const bool wildcard = !escaped && !text.empty() && text.back() == '*';
    std::string name(wildcard ? text.substr(0, text.size() - 1) : text);
    if (escaped) {
        name.erase(name.size() - 2, 1);
    }
    if (name.size() > 15 || (name.empty() && !wildcard) || name.find('\0') != std::string::npos ||
        name.find_first_of("/ \t") != std::string::npos) {
        return {};
    }
    u128 value = 0;
    for (size_t i = 0; i < 16; ++i) {
        value = value << 8 | static_cast<uint8_t>(i < name.size() ? name[i] : 0);
    }
    const u128 rest = wildcard ? max_of_width(static_cast<unsigned>(8 * (16 - name.size()))) : 0;
    return {ScalarStatus::Ok, {value, value | rest}, false};
}

/// `count` digits at the front of `text`, taken off.
std::optional<unsigned> take(std::string_view& text, size_t least, size_t most) {
    size_t length = 0;
    unsigned value = 0;
    while (length < most && length < text.size() && text[length] >= '0' && text[length] <= '9') {
        value = value * 10 + static_cast<unsigned>(text[length++] - '0');
    }
    if (length < least) {
        return {};
    }
    text.remove_prefix(length);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text[0] != c) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// "12:00", "12:00:30"; in seconds.
std::optional<unsigned> read_clock(std::string_view& text) {
    const auto hour = take(text, 1, 2);
    if (!hour || *hour > 23 || !take(text, ':')) {
        return {};
    }
    const auto minute = take(text, 2, 2);
    if (!minute || *minute > 59) {
        return {};
    }
    unsigned second = 0;
    if (take(text, ':')) {
        const auto read = take(text, 2, 2);
        if (!read || *read > 59) {
            return {};
        }
        second = *read;
    }
    return *hour * 3600 + *minute * 60 + second;
}

/// "2026-01-31", "2026-01-31 12:00[:00[.000000000]]", UTC.
std::optional<u128> read_date(std::string_view text) {
    const auto year = take(text, 4, 4);
    const auto month = year && take(text, '-') ? take(text, 1, 2) : std::nullopt;
    const auto day = month && take(text, '-') ? take(text, 1, 2) : std::nullopt;
    if (!day || *year < 1970) {
        return {};
    }
    unsigned seconds = 0;
    u128 fraction = 0;
    if (!text.empty()) {
        const bool separated = take(text, ' ') || take(text, 'T');
        const auto clock = separated ? read_clock(text) : std::nullopt;
        if (!clock) {
            return {};
        }
        seconds = *clock;
        if (take(text, '.')) {
            const size_t length = text.size();
            const auto read = take(text, 1, 9);
            if (!read) {
                return {};
            }
            fraction = *read;
            for (size_t i = length - text.size(); i < 9; ++i) {
                fraction *= 10;
            }
        }
    }
    tm parts{};
    parts.tm_year = static_cast<int>(*year) - 1900;
    parts.tm_mon = static_cast<int>(*month) - 1;
    parts.tm_mday = static_cast<int>(*day);
    const time_t midnight = timegm(&parts);
    const bool real = parts.tm_mon == static_cast<int>(*month) - 1 && parts.tm_mday == static_cast<int>(*day);
    if (!text.empty() || !real || midnight < 0) {
        return {};
    }
    const u128 ns = (static_cast<u128>(midnight) + seconds) * ns_per_second + fraction;
    return ns <= ~uint64_t{0} ? std::optional(ns) : std::nullopt;
}

Scalar exactly(std::optional<u128> value) {
    return value ? Scalar{ScalarStatus::Ok, {*value, *value}, false} : Scalar{};
}

Scalar bounded_number(std::string_view text, u128 most, u128 unit = 1) {
    const auto value = read_number(text);
    if (!value) {
        return {looks_like_number(text) && !is_octal(text) ? ScalarStatus::TooLarge : ScalarStatus::Wrong,
                {},
                false};
    }
    if (*value > most / unit) {
        return {ScalarStatus::TooLarge, {}, false};
    }
    return {ScalarStatus::Ok, {*value * unit, *value * unit}, is_octal(text)};
}

Scalar read_address(TypeId type, std::string_view text) {
    const auto value = type == TypeId::Ipv4Addr ? read_ipv4(text) : read_ipv6(text);
    if (value) {
        return exactly(value);
    }
    if (is_hex(text) ||
        (type == TypeId::Ipv4Addr && looks_like_number(text))) { // as nft: the address as a number
        return bounded_number(text, max_of_width(type == TypeId::Ipv4Addr ? 32 : 128));
    }
    const bool other =
        type == TypeId::Ipv4Addr ? looks_like_ipv6(text) : looks_like_ipv4(text) && read_ipv4(text);
    return {other ? ScalarStatus::OtherFamily : ScalarStatus::Wrong, {}, false};
}

} // namespace

std::optional<u128> read_number(std::string_view text) {
    if (is_hex(text)) {
        return digits(text.substr(2), 16);
    }
    return is_octal(text) ? digits(text.substr(1), 8) : digits(text, 10);
}

Scalar read_scalar(TypeId type, uint16_t width, std::string_view text) {
    switch (type) {
    case TypeId::Ipv4Addr:
    case TypeId::Ipv6Addr:
        return read_address(type, text);
    case TypeId::EtherAddr:
        return exactly(read_mac(text));
    case TypeId::IfaceName:
        return read_interface(text);
    case TypeId::Time:
        return looks_like_number(text) ? bounded_number(text, ~uint64_t{0}, ns_per_second)
                                       : exactly(read_date(text));
    case TypeId::Hour: {
        if (const auto seconds = read_number(text)) {
            return *seconds < 86400 ? exactly(seconds) : Scalar{};
        }
        const auto clock = read_clock(text);
        return clock && text.empty() ? exactly(u128{*clock}) : Scalar{};
    }
    case TypeId::Fragment:
        if (text == "any") {
            return {ScalarStatus::Ok, {1, 2}, false};
        }
        break;
    case TypeId::Integer:
    case TypeId::Boolean:
    case TypeId::EtherType:
    case TypeId::InetProto:
    case TypeId::InetService:
    case TypeId::ArpOp:
    case TypeId::Dscp:
    case TypeId::Ecn:
    case TypeId::IcmpType:
    case TypeId::IcmpCode:
    case TypeId::Icmpv6Type:
    case TypeId::Icmpv6Code:
    case TypeId::IgmpType:
    case TypeId::TcpFlag:
    case TypeId::MhType:
    case TypeId::RtType:
    case TypeId::DccpType:
    case TypeId::IfaceIndex:
    case TypeId::Day:
        break;
    }
    if (const auto symbol = find_symbol(type, text)) {
        return exactly(u128{*symbol});
    }
    Scalar number = bounded_number(text, max_of_width(width));
    const u128 most = type == TypeId::Day ? 6 : type == TypeId::Fragment ? 2 : max_of_width(width);
    if (number.value.hi > most) {
        number.status = ScalarStatus::Wrong;
    }
    return number;
}

std::optional<uint64_t> read_duration(std::string_view text) {
    static constexpr auto units = std::to_array<std::pair<std::string_view, uint64_t>>({
        {"ns", 1},
        {"us", 1'000},
        {"ms", 1'000'000},
        {"s", 1'000'000'000},
        {"m", 60'000'000'000},
        {"h", 3'600'000'000'000},
        {"d", 86'400'000'000'000},
    });
    u128 total = 0;
    if (text.empty()) {
        return {};
    }
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto number = end <= 18 ? digits(text.substr(0, end), 10) : std::nullopt;
        text.remove_prefix(end);
        const size_t letters = std::min(text.find_first_of("0123456789"), text.size());
        uint64_t unit = text.empty() && total == 0 ? 1'000'000'000 : 0;
        for (const auto& [name, ns] : units) {
            unit = text.substr(0, letters) == name ? ns : unit;
        }
        if (!number || unit == 0) {
            return {};
        }
        total += *number * unit;
        text.remove_prefix(letters);
        if (total > u128{1} << 62) {
            return {};
        }
    }
    return static_cast<uint64_t>(total);
}

std::vector<std::string> symbols_of(TypeId type) {
    std::vector<std::string> names;
    for (const Symbol& symbol : all_symbols()) {
        if (symbol.type == type) {
            names.emplace_back(symbol.name);
        }
    }
    return names;
}

} // namespace xdpc
