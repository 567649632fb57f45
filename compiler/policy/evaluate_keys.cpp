#include "compiler/policy/evaluate_keys.h"

#include "codegen-templates/abi.h"
#include "compiler/base/overloaded.h"

#include <algorithm>
#include <cassert>

namespace xdpc {

namespace {

using packet::Extent;
using packet::ParsedPacket;
using packet::Walk;

constexpr uint64_t ns_per_second = 1'000'000'000ULL;
constexpr uint64_t seconds_per_day = 86'400;

std::optional<u128> read_field(FieldId id, const ParsedPacket& p) {
    const FieldInfo& field = info(id);
    const auto& extent = p.at(field.header);
    if (!extent || extent->begin > p.frame.size()) {
        return {};
    }
    const size_t end = std::min(extent->end, p.frame.size());
    return packet::read_bits(p.frame.subspan(extent->begin, end - extent->begin), field.bit_offset,
                             field.bit_width);
}

std::optional<size_t> base_of(RawBase base, const ParsedPacket& p) {
    switch (base) {
    case RawBase::Ll:
        return 0;
    case RawBase::Nh:
        return p.network;
    case RawBase::Th:
        return p.transport;
    case RawBase::Ih:
        return p.inner;
    }
    return {};
}

std::optional<u128> read_raw(const RawKey& key, const ParsedPacket& p) {
    const auto base = base_of(key.base, p);
    if (!base || *base > p.frame.size()) {
        return {};
    }
    return packet::read_bits(p.frame.subspan(*base), key.bit_offset, key.bit_width);
}

std::optional<u128> exists_option(HeaderId id, const ParsedPacket& p) {
    const bool in_tcp = info(id).parent == HeaderId::Tcp;
    if (in_tcp ? !p.tcp_options : !p.ip_options) {
        return {};
    }
    return p.at(id) ? 1 : 0;
}

std::optional<u128> exists_extension(HeaderId id, const ParsedPacket& p) {
    if (p.at(id)) {
        return 1;
    }
    const bool walked_ip6 = p.at(HeaderId::Ip6) && p.walk == Walk::Ended;
    return walked_ip6 ? std::optional<u128>(0) : std::nullopt;
}

std::optional<u128> exists_ah(const ParsedPacket& p) {
    if (p.at(HeaderId::Ah)) {
        return 1;
    }
    const bool told = p.sound && p.walk == Walk::Ended && p.fragment != packet::FragmentKind::Later;
    return told ? std::optional<u128>(0) : std::nullopt;
}

std::optional<u128> read_exists(HeaderId id, const ParsedPacket& p) {
    const HeaderInfo& header = info(id);
    if (header.layer == Layer::Option) {
        return exists_option(id, p);
    }
    if (header.layer == Layer::Extension) {
        return exists_extension(id, p);
    }
    if (id == HeaderId::Ah) {
        return exists_ah(p);
    }
    const auto& extent = p.at(id);
    return extent && p.has_bytes(extent->begin, header.min_bytes) ? 1 : 0;
}

/// The name's 16 bytes as one big-endian number.
u128 number_of_name(std::string_view name) {
    u128 value = 0;
    for (size_t i = 0; i < 16; ++i) {
        value = value << 8 | (i < name.size() ? static_cast<uint8_t>(name[i]) : 0);
    }
    return value;
}

template<class T> std::optional<u128> widen(const std::optional<T>& value) {
    return value ? std::optional<u128>(static_cast<u128>(*value)) : std::nullopt;
}

std::optional<u128> read_meta(const MetaKey& key, const Subject& s) {
    const ParsedPacket& p = s.parsed;
    const uint64_t wall_ns = test_epoch_ns + s.state.elapsed_ns;
    const uint64_t seconds = wall_ns / ns_per_second;
    switch (key.meta) {
    case MetaId::Length:
        return p.frame.size() < 14 ? 0 : p.frame.size() - 14;
    case MetaId::Protocol:
        return widen(p.inner_ethertype);
    case MetaId::L4proto:
        return widen(p.protocol);
    case MetaId::Iif:
        return s.view.ifindex;
    case MetaId::Iifname:
        return number_of_name(s.view.iifname);
    case MetaId::Rxqueue:
        return s.view.rxqueue;
    case MetaId::Cpu:
        return s.view.cpu;
    case MetaId::Random:
        return random_draw(s.state.seed, s.state.packets, key.occurrence);
    case MetaId::Time:
        return wall_ns;
    case MetaId::Day: // 1970-01-01 was a Thursday
        return (seconds / seconds_per_day + 4) % 7;
    case MetaId::Hour:
        return seconds % seconds_per_day;
    case MetaId::Fragment:
        return widen(p.fragment);
    case MetaId::VlanTagged:
        return p.outer_ethertype ? std::optional<u128>(packet::is_tpid(*p.outer_ethertype)) : std::nullopt;
    case MetaId::Malformed:
        return p.malformed;
    }
    return {};
}

} // namespace

std::optional<u128> read_key(const KeySource& key, const Subject& subject) {
    return std::visit(Overloaded{
                          [&](const FieldKey& k) { return read_field(k.field, subject.parsed); },
                          [&](const RawKey& k) { return read_raw(k, subject.parsed); },
                          [&](const ExistsKey& k) { return read_exists(k.header, subject.parsed); },
                          [&](const MetaKey& k) { return read_meta(k, subject); },
                      },
                      key);
}

std::optional<u128> read_key(const KeySource& key, const PacketView& packet, const State& state) {
    return read_key(key, subject_of(packet, state));
}

std::optional<std::vector<u128>> read_tuple(const std::vector<Key>& keys, const Subject& subject) {
    std::vector<u128> tuple;
    for (const Key& key : keys) {
        const auto value = read_key(key.source, subject);
        if (!value) {
            return {};
        }
        tuple.push_back(*value & key.mask);
    }
    return tuple;
}

bool in_box(const std::vector<u128>& tuple, const Box& box) {
    if (tuple.size() != box.size()) {
        return false;
    }
    for (size_t i = 0; i < tuple.size(); ++i) {
        if (tuple[i] < box[i].lo || tuple[i] > box[i].hi) {
            return false;
        }
    }
    return true;
}

bool holds(const Test& test, const Subject& subject) {
    const auto tuple = read_tuple(test.keys, subject);
    if (!tuple) {
        return false;
    }
    const bool within = std::any_of(test.boxes.begin(), test.boxes.end(),
                                    [&](const Box& box) { return in_box(*tuple, box); });
    return within != test.negated;
}

std::optional<FoundElement> find_element(const std::vector<Key>& keys, SetId id, const Subject& subject) {
    const auto tuple = read_tuple(keys, subject);
    assert(subject.policy != nullptr);
    if (!tuple) {
        return {};
    }
    const LiveSet& set = subject.policy->set(id);
    const auto found = subject.state.sets[id.value].find(set, *tuple, subject.state.now_ns());
    if (found && subject.effects != nullptr) {
        subject.effects->sets[id.value].count(set, *tuple, subject.state.now_ns(), subject.view.frame.size());
    }
    return found;
}

bool holds(const Condition& condition, const Subject& subject) {
    const auto part_holds = [&](const Condition& part) { return holds(part, subject); };
    return std::visit(
        Overloaded{
            [&](const Test& test) { return holds(test, subject); },
            [&](const SetTest& test) {
                const bool present = read_tuple(test.keys, subject).has_value();
                return present && find_element(test.keys, test.set, subject).has_value() != test.negated;
            },
            [&](const AllOf& all) { return std::all_of(all.parts.begin(), all.parts.end(), part_holds); },
            [&](const AnyOf& any) { return std::any_of(any.parts.begin(), any.parts.end(), part_holds); },
            [&](const NotOf& negation) { return !part_holds(negation.part.front()); },
        },
        condition.node);
}

} // namespace xdpc
