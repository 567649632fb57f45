#include "tests/harness/random_text_values.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace xdpc::test {

namespace {

std::optional<u128> read(const KeySource& key, const std::vector<uint8_t>& frame) {
    static const Policy empty;
    static const State state(empty);
    PacketView view;
    view.frame = frame;
    return read_key(key, view, state);
}

/// Fields that contradict other headers of the rule if they have another value.
bool says_what_follows(const FieldInfo& field) {
    return field.type == TypeId::EtherType || field.type == TypeId::InetProto ||
           info(field.header).layer == Layer::Link || std::string_view(field.name) == "version" ||
           std::string_view(field.name) == "kind" || std::string_view(field.name) == "hdrlength" ||
           std::string_view(field.name) == "frag-off";
}

bool is_address(TypeId type) {
    return type == TypeId::Ipv4Addr || type == TypeId::Ipv6Addr;
}

} // namespace

std::optional<FieldId> ValueSource::field_of(const std::vector<uint8_t>& frame, bool neutral) {
    const size_t count = all_fields().size();
    const size_t start = below(rng_, count);
    for (size_t i = 0; i < count; ++i) {
        const auto id = static_cast<FieldId>((start + i * 61) % count);
        if (!(neutral && says_what_follows(info(id))) && read(FieldKey{id}, frame)) {
            return id;
        }
    }
    return {};
}

u128 ValueSource::value(const KeySource& key) {
    const u128 top = max_of_width(width_of(key));
    for (int tries = 0; tries < 12 && chance(rng_, 95); ++tries) {
        if (const auto found = read(key, pick(rng_, samples_))) {
            const u128 near = *found + (chance(rng_, 8) ? 1 : 0) - (chance(rng_, 8) ? 1 : 0);
            return near & top;
        }
    }
    return (u128{rng_()} << 64 | rng_()) & top;
}

std::string ValueSource::worded(const KeySource& key, u128 value) {
    const std::string plain = format_value(type_of(key), value);
    return plain.find('|') == std::string::npos ? plain : "(" + plain + ")";
}

std::string ValueSource::interval(const KeySource& key) {
    const u128 low = value(key);
    const TypeId type = type_of(key);
    if (is_address(type) && chance(rng_, 40)) {
        const auto kept = static_cast<unsigned>(below(rng_, width_of(key) + 1U));
        const u128 gone = max_of_width(width_of(key) - kept);
        return fmt::format("{}/{}", format_value(type, low & ~gone), kept);
    }
    const u128 high = value(key);
    if (type == TypeId::TcpFlag || low == high || chance(rng_, 60)) {
        return worded(key, low);
    }
    return fmt::format("{}-{}", worded(key, std::min(low, high)), worded(key, std::max(low, high)));
}

std::string ValueSource::list(const KeySource& key, size_t count) {
    std::set<std::string> parts;
    for (size_t i = 0; i < count; ++i) {
        parts.insert(interval(key));
    }
    return fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

std::string ValueSource::masked(const KeySource& key) {
    const u128 top = max_of_width(width_of(key));
    const u128 mask = (u128{rng_()} << 64 | rng_()) & top;
    const u128 kept = mask == 0 ? top : mask;
    return fmt::format(" & {} {} {}", worded(key, kept),
                       chance(rng_, 70) ? "==" : "!=", worded(key, value(key) & kept));
}

std::string ValueSource::relation(const KeySource& key) {
    const TypeId type = type_of(key);
    const u128 top = max_of_width(width_of(key));
    const bool is_number = type == TypeId::Integer || type == TypeId::InetService;
    if (type == TypeId::TcpFlag) {
        switch (below(rng_, 3)) {
        case 0:
            return " " + std::string(*symbol_of(type, uint64_t{1} << below(rng_, 6)));
        case 1:
            return " & (fin|syn|rst|ack) == " + std::string(chance(rng_, 50) ? "syn" : "(syn|ack)");
        default:
            return " == " + worded(key, value(key));
        }
    }
    switch (below(rng_, 8)) {
    case 0:
        return " != " + interval(key);
    case 1:
        return " " + list(key, 1 + below(rng_, 6));
    case 2:
        return " != " + list(key, 1 + below(rng_, 4));
    case 3:
        if (is_number && top > 1) {
            const u128 bound = std::clamp<u128>(value(key), 1, top - 1);
            static const std::vector<std::string> relations{"<", "<=", ">", ">="};
            return fmt::format(" {} {}", pick(rng_, relations), worded(key, bound));
        }
        return " == " + worded(key, value(key));
    case 4:
        if (type == TypeId::Integer && top > 1) {
            return masked(key);
        }
        return " " + interval(key);
    default:
        return " " + interval(key);
    }
}

} // namespace xdpc::test
