#include "tests/harness/field_cases.h"

#include <fmt/format.h>

namespace xdpc::test {

namespace {

/// Types whose values have an order that a policy would write.
bool is_ordered(TypeId type) {
    switch (type) {
    case TypeId::Integer:
    case TypeId::Ipv4Addr:
    case TypeId::Ipv6Addr:
    case TypeId::EtherAddr:
    case TypeId::InetService:
    case TypeId::Dscp:
    case TypeId::InetProto:
        return true;
    default:
        return false;
    }
}

} // namespace

std::vector<MatchText> match_texts(const KeySource& key, u128 value) {
    const std::string name = name_of(key);
    if (std::holds_alternative<ExistsKey>(key)) {
        return {{name + " exists", value == 1}, {name + " missing", value == 0}};
    }
    const TypeId type = type_of(key);
    const u128 top = max_of_width(width_of(key));
    const auto text = [&](u128 v) {
        const std::string plain = format_value(type, v);
        return plain.find('|') == std::string::npos ? plain : "(" + plain + ")";
    };
    const std::string it = text(value);
    const std::string near = text(value == top ? value - 1 : value + 1);
    std::vector<MatchText> texts = {
        {fmt::format("{} == {}", name, it), true},           {fmt::format("{} != {}", name, it), false},
        {fmt::format("{} == {}", name, near), false},        {fmt::format("{} != {}", name, near), true},
        {fmt::format("not ( {} == {} )", name, near), true},
    };
    if (type != TypeId::TcpFlag) { // there, "any of these"
        texts.push_back({fmt::format("{} {}", name, it), true});
        texts.push_back({fmt::format("{} {{ {}, {} }}", name, near, it), true});
        texts.push_back({fmt::format("{} != {{ {}, {} }}", name, near, it), false});
        texts.push_back({fmt::format("{} {{ {} }}", name, near), false});
    }
    if (is_ordered(type)) {
        texts.push_back({fmt::format("{} < {}", name, it), false});
        texts.push_back({fmt::format("{} <= {}", name, it), true});
        texts.push_back({fmt::format("{} > {}", name, it), false});
        texts.push_back({fmt::format("{} >= {}", name, it), true});
        const u128 low = value == 0 ? 0 : value - 1;
        const u128 high = value == top ? value : value + 1;
        if (low < high) {
            texts.push_back({fmt::format("{} {}-{}", name, text(low), text(high)), true});
            texts.push_back({fmt::format("{} != {}-{}", name, text(low), text(high)), false});
        }
    }
    if (type == TypeId::Integer && top > 1) {
        const u128 mask = top & 0x55555555;
        texts.push_back({fmt::format("{} & {} == {}", name, text(mask), text(value & mask)), true});
        texts.push_back({fmt::format("{} & {} == {}", name, text(mask), text((value ^ 1) & mask)), false});
    }
    return texts;
}

} // namespace xdpc::test
