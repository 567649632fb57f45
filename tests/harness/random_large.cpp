#include "tests/harness/random_large.h"

#include "tests/harness/random_limits.h"
#include "tests/harness/random_text_values.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace xdpc::test {

namespace {

/// Of many values, so that rules can be told apart: written over addresses and ports, wherever they are.
void vary(Rng& rng, std::vector<uint8_t>& frame) {
    if (chance(rng, 70)) {
        frame[10] = static_cast<uint8_t>(below(rng, 40)); // of the source's address
    }
    size_t at = 12;
    const auto word = [&](size_t from) {
        return from + 2 > frame.size() ? 0 : frame[from] << 8 | frame[from + 1];
    };
    const auto put = [&](size_t from, uint64_t value) {
        if (from + 2 <= frame.size()) {
            frame[from] = static_cast<uint8_t>(value >> 8);
            frame[from + 1] = static_cast<uint8_t>(value);
        }
    };
    while (word(at) == 0x8100 || word(at) == 0x88a8 || word(at) == 0x9100) {
        at += 4;
    }
    const bool ip6 = word(at) == 0x86dd;
    if (word(at) != 0x0800 && !ip6) {
        return;
    }
    const size_t source = at + 2 + (ip6 ? 22 : 14);
    put(source, below(rng, 400) * 37);
    put(source + (ip6 ? 16 : 4), below(rng, 200) * 53);
    const size_t ports = at + 2 + (ip6 ? 40 : 20);
    const size_t protocol = at + 2 + (ip6 ? 6 : 9);
    if (protocol < frame.size() && (frame[protocol] == 6 || frame[protocol] == 17) && chance(rng, 80)) {
        put(ports, 1024 + below(rng, 300) * 97);
        put(ports + 2, below(rng, 300) * 3);
    }
}

class LargeGenerator {
public:
    LargeGenerator(Rng& rng, const Frames& samples, const LargeTextOptions& options)
        : rng_(rng), samples_(samples), options_(options), values_(rng, samples) {}
    std::string run();

private:
    std::optional<u128> read(const KeySource& key, const std::vector<uint8_t>& frame) const;
    std::string around(const KeySource& key, u128 value);
    std::string one(const std::vector<uint8_t>& frame, FieldId field);
    std::string narrow(const std::vector<uint8_t>& frame);
    std::string odd(const std::vector<uint8_t>& frame);
    std::string vmap(const std::vector<uint8_t>& frame, size_t index);
    std::string verdict(size_t index);
    std::string leading(size_t index);
    std::string plain_rule(size_t index);
    std::string odd_rule(size_t index);
    std::string chain(size_t index);
    static std::string name_of_chain(size_t index) {
        return index == 0 ? "ingress" : fmt::format("c{}", index);
    }

    Rng& rng_;
    const Frames& samples_;
    const LargeTextOptions& options_;
    ValueSource values_;
    size_t jumps_ = 0; // that the chain may still have
};

std::optional<u128> LargeGenerator::read(const KeySource& key, const std::vector<uint8_t>& frame) const {
    static const Policy empty;
    static const State state(empty);
    PacketView view;
    view.frame = frame;
    return read_key(key, view, state);
}

/// The value, or a small set that it lies in or just beside.
std::string LargeGenerator::around(const KeySource& key, u128 value) {
    const u128 top = max_of_width(width_of(key));
    const TypeId type = type_of(key);
    const bool address = type == TypeId::Ipv4Addr || type == TypeId::Ipv6Addr;
    const auto text = [&](u128 number) { return ValueSource::worded(key, number); };
    if (type == TypeId::TcpFlag) {
        return values_.relation(key);
    }
    switch (below(rng_, 12)) {
    case 0: // a near miss
        return " " + text(value == top ? value - 1 : value + 1);
    case 1:
        return fmt::format(" {{ {}, {}, {} }}", text(value), text(values_.value(key)),
                           text(values_.value(key)));
    case 2:
        return chance(rng_, 20) ? " != " + text(value) : " " + text(value);
    case 3:
    case 4:
    case 5: {
        if (address) {
            const auto host = static_cast<unsigned>(below(rng_, 12));
            const u128 mask = max_of_width(host);
            return fmt::format(" {}/{}", format_value(type, value & ~mask), width_of(key) - host);
        }
        const u128 low = value - std::min<u128>(value, below(rng_, 40));
        const u128 high = value + std::min<u128>(top - value, below(rng_, 40));
        return low == high ? " " + text(low) : fmt::format(" {}-{}", text(low), text(high));
    }
    default:
        return " " + text(value);
    }
}

/// "" if the frame lacks it.
std::string LargeGenerator::one(const std::vector<uint8_t>& frame, FieldId field) {
    const auto value = read(FieldKey{field}, frame);
    return value ? name_of(KeySource(FieldKey{field})) + around(FieldKey{field}, *value) : "";
}

/// Some of what is usual, and now and then something rare besides.
std::string LargeGenerator::narrow(const std::vector<uint8_t>& frame) {
    static const std::vector<FieldId> usual{
        FieldId::IpSaddr,  FieldId::IpDaddr,  FieldId::Ip6Saddr, FieldId::Ip6Daddr,  FieldId::TcpDport,
        FieldId::TcpSport, FieldId::UdpDport, FieldId::UdpSport, FieldId::IcmpType,  FieldId::IcmpCode,
        FieldId::TcpFlags, FieldId::VlanId,   FieldId::IpTtl,    FieldId::EtherSaddr};
    constexpr size_t telling =
        8; // the first ones: without one of them, a rule would hold half of all packets
    std::vector<std::string> parts;
    std::set<std::string> used;
    for (size_t i = 0; i < usual.size(); ++i) {
        if (i == telling) {
            std::erase(parts, "");
            if (parts.empty()) {
                return {};
            }
        }
        if (chance(rng_, i < 4 ? 60 : i < telling ? 45 : options_.odd)) {
            parts.push_back(one(frame, usual[i]));
        }
        used.insert(name_of(KeySource(FieldKey{usual[i]})));
    }
    if (chance(rng_, options_.odd / 2)) {
        const auto field = values_.field_of(frame, true);
        if (field && used.insert(name_of(KeySource(FieldKey{*field}))).second) {
            parts.push_back(one(frame, *field));
        }
    }
    if (chance(rng_, options_.odd / 2)) {
        const auto length = *read(MetaKey{MetaId::Length}, frame);
        parts.push_back("meta length" + around(MetaKey{MetaId::Length}, length));
    }
    std::erase(parts, "");
    return fmt::format("{}", fmt::join(parts, " "));
}

/// What look-ups do not know, or not as a field.
std::string LargeGenerator::odd(const std::vector<uint8_t>& frame) {
    switch (below(rng_, 9)) {
    case 0:
        return "meta random < 1000000000";
    case 1: {
        const std::string part = narrow(frame);
        return part.empty() ? "meta malformed" : "not ( " + part + " )";
    }
    case 2: {
        const std::string left = narrow(frame);
        const std::string right = narrow(pick(rng_, samples_));
        return left.empty() || right.empty() ? "udp dport 53" : fmt::format("( {} or {} )", left, right);
    }
    case 3:
        return "ip saddr . tcp dport @pairs";
    case 4:
        return options_.live ? "ip saddr @seen" : "ip saddr @many";
    case 5:
        return fmt::format("@th,{},{} {}", below(rng_, 4) * 8, 8, below(rng_, 256));
    case 6:
        return "meta fragment any";
    case 7:
        return fmt::format("tcp dport & 0x{:x} == 0x{:x}", 0xff0, below(rng_, 64) << 4);
    default:
        return "ip saddr @many";
    }
}

std::string LargeGenerator::verdict(size_t index) {
    static const std::vector<std::string> ends{"pass", "drop", "drop", "pass", "tx", "abort"};
    const uint64_t draw = below(rng_, 20);
    if (draw > 3 || index == options_.chains) {
        return draw == 0 && index > 0 ? "return" : pick(rng_, ends);
    }
    if (draw == 0) {
        return "return";
    }
    if (jumps_ == 0) {
        return pick(rng_, ends);
    }
    --jumps_;
    const size_t to = index + 1 + below(rng_, options_.chains - index);
    return fmt::format("{} {}", draw == 1 ? "goto" : "jump", name_of_chain(to));
}

std::string LargeGenerator::vmap(const std::vector<uint8_t>& frame, size_t index) {
    static const std::vector<FieldId> fields{FieldId::IpSaddr, FieldId::TcpDport, FieldId::UdpSport,
                                             FieldId::Ip6Daddr, FieldId::IpTtl};
    const KeySource key = FieldKey{pick(rng_, fields)};
    std::set<u128> seen;
    std::string text;
    for (size_t i = 1 + below(rng_, 5); i-- > 0;) {
        const auto own = read(key, frame);
        const u128 value = own && seen.empty() ? *own : values_.value(key);
        if (seen.insert(value).second) {
            text += fmt::format("{}{} : {}", text.empty() ? "" : ", ", ValueSource::worded(key, value),
                                chance(rng_, 20) ? "continue" : verdict(index));
        }
    }
    const std::string match = narrow(frame);
    return match.empty() ? "" : fmt::format("{} {} vmap {{ {} }}", match, name_of(key), text);
}

/// What stands behind the matches of a rule that does more than decide.
std::string LargeGenerator::leading(size_t index) {
    static const std::vector<std::string> keys{"ip saddr", "tcp dport", "ip6 saddr", "meta l4proto",
                                               "ether saddr . th sport"};
    const std::string then = chance(rng_, 50) ? " " + verdict(index) : "";
    switch (below(rng_, options_.live ? 6 : 5)) {
    case 0:
        return "counter";
    case 1:
        return "continue";
    case 2:
        return "counter " + verdict(index);
    case 5:
        return (chance(rng_, 80) ? "add @seen { ip saddr }" : "delete @seen { ip saddr }") + then;
    default:
        return options_.meters ? random_meter_text(rng_, keys) + then : "counter" + then;
    }
}

std::string LargeGenerator::plain_rule(size_t index) {
    const std::string match = narrow(pick(rng_, samples_));
    return match.empty() ? "" : match + " " + verdict(index);
}

std::string LargeGenerator::odd_rule(size_t index) {
    const std::vector<uint8_t>& frame = pick(rng_, samples_);
    const uint64_t draw = below(rng_, 20);
    if (draw < 2) {
        return vmap(frame, index);
    }
    if (draw < 4) { // wide: it must not decide, or little would be left
        return odd(frame) + (chance(rng_, 50) ? " counter" : " " + narrow(frame) + " counter");
    }
    const std::string match = narrow(frame);
    if (match.empty()) {
        return {};
    }
    return (draw < 8 ? odd(frame) + " " : "") + match + " " + (draw < 16 ? leading(index) : verdict(index));
}

std::string LargeGenerator::chain(size_t index) {
    std::string text = fmt::format("chain {} {{\n", name_of_chain(index));
    if (index == 0 || chance(rng_, 25)) {
        text += chance(rng_, 50) ? "    policy pass\n" : "    policy drop\n";
    }
    const size_t rules = options_.rules / 2 + below(rng_, options_.rules);
    const size_t jump = below(rng_, rules / 4 + 1);
    jumps_ = options_.jumps;
    for (size_t i = 0; i < rules; ++i) {
        std::string line = chance(rng_, options_.odd) ? odd_rule(index) : plain_rule(index);
        if (i == jump && index < options_.chains) { // so that all are reached
            line = fmt::format("jump {}", name_of_chain(index + 1));
        }
        text += line.empty() ? "" : fmt::format("    {}\n", line);
    }
    return text + "}\n";
}

std::string LargeGenerator::run() {
    std::set<std::string> pairs;
    std::set<std::string> many;
    for (int i = 0; i < 100; ++i) {
        pairs.insert(fmt::format(
            "{} . {}",
            ValueSource::worded(FieldKey{FieldId::IpSaddr}, values_.value(FieldKey{FieldId::IpSaddr})),
            ValueSource::worded(FieldKey{FieldId::TcpDport}, values_.value(FieldKey{FieldId::TcpDport}))));
        many.insert(
            ValueSource::worded(FieldKey{FieldId::IpSaddr}, values_.value(FieldKey{FieldId::IpSaddr})));
    }
    std::string text = fmt::format(
        "set pairs {{\n    typeof ip saddr . tcp dport\n    flags constant\n    elements = {{ {} }}\n}}\n"
        "set many {{\n    type ipv4_addr\n    flags constant\n    elements = {{ {} }}\n}}\n",
        fmt::join(pairs, ", "), fmt::join(many, ", "));
    if (options_.live) {
        text +=
            "set seen {\n    type ipv4_addr\n    flags dynamic, timeout\n    timeout 5s\n    size 50\n}\n";
    }
    text += options_.meters ? random_objects_text() : "";
    for (size_t i = 0; i <= options_.chains; ++i) {
        text += chain(i);
    }
    return text;
}

} // namespace

Frames varied_frames(Rng& rng, size_t count, size_t least) {
    Frames frames = random_frames(rng, count, least);
    for (auto& frame : frames) {
        vary(rng, frame);
    }
    return frames;
}

std::string large_policy_text(Rng& rng, const Frames& samples, const LargeTextOptions& options) {
    return LargeGenerator(rng, samples, options).run();
}

} // namespace xdpc::test
