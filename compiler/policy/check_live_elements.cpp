// Elements of live sets: appended as words, then looked through for repetitions and overlaps.
#include "compiler/base/map_targets.h"
#include "compiler/policy/check_live_sets.h"

#include <algorithm>
#include <numeric>

namespace xdpc::checking {

namespace {

bool is_single(const Box& box) {
    return std::all_of(box.begin(), box.end(),
                       [](const Interval& interval) { return interval.lo == interval.hi; });
}

/// Words of an element.
size_t stride_of(const LiveSet& set) {
    return size_t{set.key_words()} * (set.has_intervals() ? 2 : 1);
}

/// Numbers of elements, equal ones together and among them the earliest first.
template<class Key> std::vector<uint32_t> sorted_by(size_t count, Key key_of) {
    std::vector<std::pair<decltype(key_of(0)), uint32_t>> keyed(count);
    for (size_t i = 0; i < count; ++i) {
        keyed[i] = {key_of(i), static_cast<uint32_t>(i)};
    }
    if (!std::is_sorted(keyed.begin(), keyed.end())) {
        std::sort(keyed.begin(), keyed.end());
    }
    std::vector<uint32_t> order(count);
    std::transform(keyed.begin(), keyed.end(), order.begin(), [](const auto& each) { return each.second; });
    return order;
}

std::vector<uint32_t> sorted(const LiveSet& set) {
    const uint32_t* words = set.elements.words.data();
    const size_t stride = stride_of(set);
    if (stride == 1) {
        return sorted_by(set.elements.count, [&](size_t i) { return words[i]; });
    }
    if (stride == 2) {
        return sorted_by(set.elements.count,
                         [&](size_t i) { return uint64_t{words[2 * i]} << 32U | words[2 * i + 1]; });
    }
    std::vector<uint32_t> order(set.elements.count);
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        const uint32_t* x = words + a * stride;
        const uint32_t* y = words + b * stride;
        const auto [p, q] = std::mismatch(x, x + stride, y);
        return p == x + stride ? a < b : *p < *q;
    });
    return order;
}

/// Removes the elements that are marked.
void remove(SetElements& elements, std::vector<Span>& spans, size_t stride, const std::vector<bool>& gone) {
    size_t kept = 0;
    auto extra = elements.extras.begin();
    std::vector<SetElements::Extra> extras;
    for (size_t i = 0; i < elements.count; ++i) {
        const bool has_extra = extra != elements.extras.end() && extra->element == i;
        if (!gone[i]) {
            std::copy_n(elements.words.begin() + static_cast<ptrdiff_t>(i * stride), stride,
                        elements.words.begin() + static_cast<ptrdiff_t>(kept * stride));
            spans[kept] = spans[i];
            if (!elements.values.empty()) {
                elements.values[kept] = elements.values[i];
            }
            if (has_extra) {
                extras.push_back(std::move(*extra));
                extras.back().element = static_cast<uint32_t>(kept);
            }
            ++kept;
        }
        extra += has_extra ? 1 : 0;
    }
    elements.count = kept;
    elements.words.resize(kept * stride);
    elements.values.resize(elements.values.empty() ? 0 : kept);
    elements.extras = std::move(extras);
    spans.resize(kept);
}

bool overlap(const Box& a, const Box& b) {
    for (size_t part = 0; part < a.size(); ++part) {
        if (a[part].hi < b[part].lo || b[part].hi < a[part].lo) {
            return false;
        }
    }
    return true;
}

using Pair = std::pair<uint32_t, uint32_t>;

/// Boxes are split, part by part, into groups that have nothing in common; only within groups that no part
/// splits each is compared with those that reach it.
struct OverlapFinder {
    std::vector<Box> boxes;

    std::optional<Pair> find(std::vector<uint32_t> among) {
        if (among.size() < 2) {
            return {};
        }
        for (size_t part = boxes[among[0]].size(); part-- > 0;) {
            std::vector<std::vector<uint32_t>> groups = split(among, part);
            if (groups.size() == 1) {
                continue;
            }
            for (std::vector<uint32_t>& group : groups) {
                if (const auto found = find(std::move(group))) {
                    return found;
                }
            }
            return {};
        }
        return within(among); // sorted by the first part, which was split last
    }

    /// Groups whose intervals of this part hang together. Sorts by their low ends.
    std::vector<std::vector<uint32_t>> split(std::vector<uint32_t>& among, size_t part) const {
        std::sort(among.begin(), among.end(),
                  [&](uint32_t a, uint32_t b) { return boxes[a][part].lo < boxes[b][part].lo; });
        std::vector<std::vector<uint32_t>> groups;
        u128 reach = 0;
        for (const uint32_t each : among) {
            const Interval& interval = boxes[each][part];
            if (groups.empty() || interval.lo > reach) {
                groups.emplace_back();
                reach = interval.hi;
            }
            groups.back().push_back(each);
            reach = std::max(reach, interval.hi);
        }
        return groups;
    }

    [[nodiscard]] std::optional<Pair> within(const std::vector<uint32_t>& group) const {
        std::vector<uint32_t> reaching;
        for (const uint32_t each : group) {
            const Box& box = boxes[each];
            std::erase_if(reaching, [&](uint32_t other) { return boxes[other][0].hi < box[0].lo; });
            for (const uint32_t other : reaching) {
                if (overlap(boxes[other], box)) {
                    return Pair{other, each};
                }
            }
            reaching.push_back(each);
        }
        return {};
    }
};

/// Of the elements that are not gone.
std::optional<Pair> find_overlap(const LiveSet& set, const std::vector<bool>& gone) {
    OverlapFinder finder;
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < set.elements.count; ++i) {
        finder.boxes.push_back(set.box(i));
        if (!gone[i]) {
            all.push_back(i);
        }
    }
    return finder.find(std::move(all));
}

/// The same where there is one part, by which they are sorted.
std::optional<Pair> neighbours_overlap(const LiveSet& set, const std::vector<uint32_t>& order,
                                       const std::vector<bool>& gone) {
    const uint16_t width = set.parts[0].width;
    const uint32_t* words = set.elements.words.data();
    const size_t key_words = set.key_words();
    std::optional<uint32_t> before; // the one that reaches highest
    u128 reach = 0;
    for (const uint32_t each : order) {
        if (gone[each]) {
            continue;
        }
        const u128 low = value_of_words(words + each * 2 * key_words, width);
        if (before && low <= reach) {
            return Pair{*before, each};
        }
        before = each;
        reach = value_of_words(words + each * 2 * key_words + key_words, width);
    }
    return {};
}

/// "192.0.2.1", a number from 0 to 255 four times; anything else is left to the reader of words.
std::optional<uint32_t> plain_ip(std::string_view& text) {
    uint32_t address = 0;
    for (unsigned octet = 0; octet < 4; ++octet) {
        size_t digits = 0;
        uint32_t value = 0;
        while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9') {
            value = value * 10 + static_cast<uint32_t>(text[digits++] - '0');
        }
        const bool octal = digits > 1 && text[0] == '0';
        if (digits == 0 || value > 255 || octal) {
            return {};
        }
        text.remove_prefix(digits);
        if (octet < 3 && !text.starts_with('.')) {
            return {};
        }
        text.remove_prefix(octet < 3 ? 1 : 0);
        address = address << 8U | value;
    }
    return address;
}

} // namespace

bool LiveElements::room(size_t family, Span span) {
    const LiveSet& set = live(family);
    if (set.elements.count < max_live_size) {
        return true;
    }
    if (!too_many_) {
        too_many_ = true;
        context_.report(Diag::TooManyElements, span, max_live_size, "a live set is filled");
    }
    return false;
}

bool LiveElements::add(size_t family, const std::vector<Box>& boxes, Span span,
                       const ElementAttributes& attributes, const std::optional<Mapped>& mapped) {
    LiveSet& set = live(family);
    SetElements& elements = set.elements;
    uint32_t number = 0;
    if (mapped) {
        const auto found = number_of(set, *mapped, span);
        if (!found) {
            return false;
        }
        number = *found;
    }
    for (const Box& box : boxes) {
        if (!set.has_intervals() && !is_single(box)) {
            Diagnostic& said = context_.report(Diag::NeedsTrait, span, "`" + shown(context_, span) + "`",
                                               "flags interval", set.name);
            if (set.span.end != 0) { // a set that runs is declared nowhere
                said.with_note(set.span, "declared here");
            }
            return false;
        }
        if (!room(family, span)) {
            return false;
        }
        for (size_t part = 0; part < box.size(); ++part) {
            append_words(elements.words, box[part].lo, set.parts[part].width);
        }
        for (size_t part = 0; set.has_intervals() && part < box.size(); ++part) {
            append_words(elements.words, box[part].hi, set.parts[part].width);
        }
        if (attributes.timeout_ns || !attributes.comment.empty()) {
            elements.extras.push_back({static_cast<uint32_t>(elements.count),
                                       attributes.timeout_ns.value_or(0), attributes.comment});
        }
        if (mapped) {
            elements.values.push_back(number);
        }
        spans_[family].push_back(span);
        ++elements.count;
    }
    return true;
}

bool LiveElements::add_plain_ip(std::string_view text, Span span) {
    const auto address = plain_ip(text);
    unsigned length = 32;
    if (address && text.size() >= 2 && text.size() <= 3 && text[0] == '/') {
        length = 0;
        for (const char c : text.substr(1)) {
            length = c >= '0' && c <= '9' ? length * 10 + static_cast<unsigned>(c - '0') : 33;
        }
        text = {};
    }
    LiveSet& set = live(0);
    if (!address || !text.empty() || length > 32 || (length < 32 && !set.has_intervals()) ||
        set.elements.count >= max_live_size) {
        return false;
    }
    const uint32_t host = length == 0 ? ~0U : (1U << (32 - length)) - 1;
    if (length < 32 && (*address & host) != 0) {
        return false;
    }
    set.elements.words.push_back(*address);
    if (set.has_intervals()) {
        set.elements.words.push_back(length == 32 ? *address : *address | host);
    }
    spans_[0].push_back(span);
    ++set.elements.count;
    return true;
}

bool LiveElements::finish(const SetTraits& traits) {
    bool fine = true;
    for (size_t family = 0; family < set_.families(); ++family) {
        fine = finish(family, traits) && fine;
    }
    return fine;
}

/// Of equal elements, which lie together in `order`, all but the first; nothing after a conflict was
/// reported.
std::optional<std::vector<bool>> LiveElements::repeated(size_t family, const std::vector<uint32_t>& order) {
    const LiveSet& set = live(family);
    const std::vector<uint32_t>& values = set.elements.values;
    const uint32_t* words = set.elements.words.data();
    const size_t stride = stride_of(set);
    std::vector<bool> gone(order.size());
    size_t first = 0;
    for (size_t n = 1; n < order.size(); ++n) {
        const uint32_t* word = words + order[n] * stride;
        if (!std::equal(word, word + stride, words + order[first] * stride)) {
            first = n;
            continue;
        }
        if (set.is_map && values[order[n]] != values[order[first]]) {
            const Span later = spans_[family][order[n]];
            context_
                .report(Diag::ConflictingEntries, later, shown(context_, later),
                        map_target(set.mapped.has_value(), set.objects))
                .with_note(spans_[family][order[first]],
                           "this one: " + mapped_text(set, values[order[first]]));
            return {};
        }
        gone[order[n]] = true;
    }
    return gone;
}

bool LiveElements::no_overlaps(size_t family, const std::vector<uint32_t>& order,
                               const std::vector<bool>& gone) {
    const LiveSet& set = live(family);
    if (!set.has_intervals() || set.auto_merge) {
        return true;
    }
    const auto pair = set.parts.size() == 1 ? neighbours_overlap(set, order, gone) : find_overlap(set, gone);
    if (!pair) {
        return true;
    }
    const Span earlier = spans_[family][std::min(pair->first, pair->second)];
    const Span later = spans_[family][std::max(pair->first, pair->second)];
    context_.report(Diag::OverlappingElements, later, shown(context_, later), shown(context_, earlier))
        .with_hint("with `auto-merge` elements may overlap: the narrowest answers")
        .with_note(earlier, "the other one");
    return false;
}

bool LiveElements::finish(size_t family, const SetTraits& traits) {
    LiveSet& set = live(family);
    SetElements& elements = set.elements;
    const std::vector<uint32_t> order = sorted(set);
    const auto gone = repeated(family, order);
    if (!gone || !no_overlaps(family, order, *gone)) {
        return false;
    }
    if (std::find(gone->begin(), gone->end(), true) != gone->end()) {
        remove(elements, spans_[family], stride_of(set), *gone);
    }
    if (elements.count > set.size) {
        if (traits.size != nullptr) {
            context_.report(Diag::SetOverflow, traits.size->value->span, set.name, elements.count, set.size);
            return false;
        }
        set.size = static_cast<uint32_t>(elements.count);
    }
    return true;
}

} // namespace xdpc::checking
