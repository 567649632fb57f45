#include "compiler/packet/parse_packet.h"
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

std::string worded(TypeId type, u128 value) {
    const std::string plain = format_value(type, value);
    return plain.find('|') == std::string::npos ? plain : "(" + plain + ")";
}

std::vector<MatchText> existence_texts(const KeySource& key, u128 value) {
    if (key == KeySource(MetaKey{MetaId::Malformed})) {
        return {{"meta malformed", value == 1}, {"not ( meta malformed )", value == 0, true}};
    }
    const std::string name = name_of(key);
    return {{name + " exists", value == 1}, {name + " missing", value == 0}};
}

void add_ordered(const std::string& name, TypeId type, u128 value, u128 top, std::vector<MatchText>& texts) {
    const std::string it = worded(type, value);
    if (value > 0) {
        texts.push_back({fmt::format("{} < {}", name, it), false});
        texts.push_back({fmt::format("{} >= {}", name, it), true});
        texts.push_back({fmt::format("{} {}-{}", name, worded(type, value - 1), it), true});
    }
    if (value < top) {
        texts.push_back({fmt::format("{} > {}", name, it), false});
        texts.push_back({fmt::format("{} <= {}", name, it), true});
    }
    if (value > 1 && value < top) {
        const std::string around = fmt::format("{}-{}", worded(type, value - 1), worded(type, value + 1));
        texts.push_back({fmt::format("{} != {}", name, around), false});
    }
}

} // namespace

std::vector<MatchText> match_texts(const KeySource& key, u128 value) {
    const std::string name = name_of(key);
    const TypeId type = type_of(key);
    if (std::holds_alternative<ExistsKey>(key) || type == TypeId::Boolean) {
        return existence_texts(key, value);
    }
    const u128 top = max_of_width(width_of(key));
    const std::string it = worded(type, value);
    std::vector<MatchText> texts = {{fmt::format("{} == {}", name, it), true},
                                    {fmt::format("{} != {}", name, it), false}};
    if (key == KeySource(FieldKey{FieldId::EtherType}) && packet::is_tpid(static_cast<uint16_t>(value))) {
        return texts; // other values than those of tags mean the inner EtherType
    }
    // the last value of two bits is none of `meta fragment`
    const bool below = value == top || (type == TypeId::Fragment && value == 2);
    const std::string near = worded(type, below ? value - 1 : value + 1);
    texts.push_back({fmt::format("{} == {}", name, near), false});
    texts.push_back({fmt::format("{} != {}", name, near), true});
    texts.push_back({fmt::format("not ( {} == {} )", name, it), false, true});
    if (type != TypeId::TcpFlag) { // there, "any of these"
        texts.push_back({fmt::format("{} {}", name, it), true});
        texts.push_back({fmt::format("{} {{ {}, {} }}", name, near, it), true});
        if (top > 1) {
            texts.push_back({fmt::format("{} != {{ {}, {} }}", name, near, it), false});
        }
        texts.push_back({fmt::format("{} {{ {} }}", name, near), false});
    }
    if (is_ordered(type)) {
        add_ordered(name, type, value, top, texts);
    }
    if (type == TypeId::Integer && top > 1) {
        const u128 mask = top & 0x55555555;
        const std::string masked = fmt::format("{} & {} == ", name, worded(type, mask));
        texts.push_back({masked + worded(type, value & mask), true});
        texts.push_back({masked + worded(type, (value ^ 1) & mask), false});
    }
    return texts;
}

} // namespace xdpc::test
