// Boxes over keys as tests, and the two meanings of `ether type`.
#include "compiler/policy/check_context.h"

#include <algorithm>
#include <array>

namespace xdpc::checking {

namespace {

constexpr std::array<u128, 3> tag_types = {0x8100, 0x88a8, 0x9100};

bool is_ether_type(const Key& key) {
    const auto* field = std::get_if<FieldKey>(&key.source);
    return field != nullptr && field->field == FieldId::EtherType;
}

/// The parts of `interval` that name a tag, and those that do not.
void split(Interval interval, std::vector<Interval>& tags, std::vector<Interval>& others) {
    u128 next = interval.lo;
    for (const u128 tag : tag_types) {
        if (tag < next || tag > interval.hi) {
            continue;
        }
        if (tag > next) {
            others.push_back({next, tag - 1});
        }
        tags.push_back({tag, tag});
        next = tag + 1;
    }
    if (next <= interval.hi) {
        others.push_back({next, interval.hi});
    }
}

void add_split(const Box& box, size_t part, std::vector<Box>& tags, std::vector<Box>& others) {
    std::vector<Interval> tag_parts;
    std::vector<Interval> other_parts;
    split(box[part], tag_parts, other_parts);
    for (const auto& [from, to] : {std::pair(&tag_parts, &tags), std::pair(&other_parts, &others)}) {
        for (const Interval& interval : *from) {
            to->push_back(box);
            to->back()[part] = interval;
        }
    }
}

Condition finish(TestParts parts) {
    normalize(parts.boxes);
    const Span span = parts.span;
    return {span, Test{std::move(parts.keys), std::move(parts.boxes), parts.negated, span,
                       std::move(parts.wanted)}};
}

Condition make_plain_test(TestParts parts);

} // namespace

std::vector<Condition> needed_tests(const std::vector<Key>& keys, Span span) {
    std::vector<Condition> tests;
    for (const Key& key : keys) {
        const auto* field = std::get_if<FieldKey>(&key.source);
        const auto needs = field != nullptr ? needs_of(field->field) : std::vector<FieldNeed>{};
        if (needs.empty()) {
            continue;
        }
        TestParts parts{{Key{FieldKey{needs[0].by}}}, {}, false, span, {}};
        for (const FieldNeed& need : needs) {
            parts.boxes.push_back({{need.value, need.value}});
            parts.wanted += parts.wanted.empty() ? "" : " or ";
            parts.wanted += format_value(info(need.by).type, need.value);
        }
        tests.push_back(finish(std::move(parts)));
    }
    return tests;
}

Condition make_test(TestParts parts) {
    const Span span = parts.span;
    AllOf all{needed_tests(parts.keys, span)};
    Condition test = make_plain_test(std::move(parts));
    if (all.parts.empty()) {
        return test;
    }
    all.parts.push_back(std::move(test));
    return {span, std::move(all)};
}

namespace {

Condition make_plain_test(TestParts parts) {
    auto found = std::find_if(parts.keys.begin(), parts.keys.end(), is_ether_type);
    if (found == parts.keys.end()) {
        return finish(std::move(parts));
    }
    const auto part = static_cast<size_t>(found - parts.keys.begin());
    TestParts tags = parts;
    TestParts others = parts;
    tags.boxes.clear();
    others.boxes.clear();
    others.keys[part].source = MetaKey{MetaId::Protocol};
    const bool masked = (parts.keys[part].mask & max_of_width(16)) != max_of_width(16);
    for (const Box& box : parts.boxes) {
        if (masked) { // bits of a type name no tag
            others.boxes.push_back(box);
        } else {
            add_split(box, part, tags.boxes, others.boxes);
        }
    }
    if (tags.boxes.empty()) {
        return finish(std::move(others));
    }
    if (others.boxes.empty()) {
        return finish(std::move(tags));
    }
    const Span span = parts.span;
    std::vector<Condition> both;
    both.push_back(finish(std::move(tags)));
    both.push_back(finish(std::move(others)));
    if (parts.negated) {
        return {span, AllOf{std::move(both)}};
    }
    return {span, AnyOf{std::move(both)}};
}

} // namespace

} // namespace xdpc::checking
