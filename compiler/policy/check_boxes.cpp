// Values of a whole key, of one part or of a concatenation, as boxes.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

bool before(const Box& a, const Box& b) {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const Interval& x, const Interval& y) { return x.lo != y.lo ? x.lo < y.lo : x.hi < y.hi; });
}

bool read_concat(Context& context, const ast::ConcatValue& concat, Span span, std::span<const Slot> slots,
                 std::vector<Box>& out, ReadState state) {
    if (concat.parts.size() != slots.size()) {
        context.report(Diag::ConcatParts, span, fmt::format("{} parts", concat.parts.size()),
                       names_of(slots));
        return false;
    }
    std::vector<std::vector<Interval>> parts(slots.size());
    bool fine = true;
    for (size_t i = 0; i < slots.size(); ++i) {
        fine = read_slot(context, concat.parts[i], slots[i], parts[i], state) && fine;
    }
    return fine && multiply(context, parts, span, out);
}

bool not_concat(Context& context, Span span, std::span<const Slot> slots) {
    context.report(Diag::ConcatParts, span, "one value", names_of(slots))
        .with_hint("the parts of a concatenation are joined by ` . `");
    return false;
}

bool read_list(Context& context, const ast::ListValue& list, std::span<const Slot> slots,
               std::vector<Box>& out, ReadState state) {
    bool fine = true;
    for (const ast::Element& element : list.elements) {
        if (!std::holds_alternative<std::monostate>(element.mapped)) {
            context.report(Diag::MisplacedValue, element.span, "an element with a verdict or value");
            fine = false;
            continue;
        }
        fine = read_boxes(context, element.key, slots, out, state) && fine;
    }
    return fine;
}

} // namespace

bool multiply(Context& context, std::span<const std::vector<Interval>> parts, Span span,
              std::vector<Box>& out) {
    size_t product = 1;
    for (const auto& part : parts) {
        if (part.size() > max_elements || product * part.size() > max_elements) {
            context.report(Diag::TooManyElements, span, max_elements, "a concatenation is multiplied out");
            return false;
        }
        product *= part.size();
    }
    if (!spend(context, product, span)) {
        return false;
    }
    for (size_t n = 0; n < product; ++n) {
        Box box(parts.size());
        size_t rest = n;
        for (size_t i = parts.size(); i-- > 0;) {
            box[i] = parts[i][rest % parts[i].size()];
            rest /= parts[i].size();
        }
        out.push_back(std::move(box));
    }
    return true;
}

bool read_boxes(Context& context, const ast::Value& value, std::span<const Slot> slots, std::vector<Box>& out,
                ReadState state) {
    if (slots.size() == 1) {
        std::vector<Interval> intervals;
        const bool fine = read_slot(context, value, slots[0], intervals, state);
        for (const Interval& interval : intervals) {
            out.push_back({interval});
        }
        return fine;
    }
    if (context.too_many_reported) {
        return false;
    }
    if (state.depth > max_nesting) {
        context.too_many_reported = true;
        context.report(Diag::MisplacedValue, value.span, "a list nested too deep");
        return false;
    }
    ReadState inner = state;
    ++inner.depth;
    if (const auto* concat = std::get_if<ast::ConcatValue>(&value.node)) {
        return read_concat(context, *concat, value.span, slots, out, inner);
    }
    if (const auto* list = std::get_if<ast::ListValue>(&value.node)) {
        return read_list(context, *list, slots, out, inner);
    }
    if (const auto* reference = std::get_if<ast::DefineRef>(&value.node)) {
        auto found = context.defines.find(reference->name.text);
        if (found != context.defines.end() && !found->second.broken) {
            found->second.used = true;
            inner.in_define = true;
            inner.used_at = state.used_at != nullptr ? state.used_at : &value.span;
            return read_boxes(context, found->second.define->value, slots, out, inner);
        }
        std::vector<Interval> ignored;
        return read_slot(context, value, slots[0], ignored, inner); // reports it
    }
    return std::holds_alternative<ast::ErrorValue>(value.node) ? false
                                                               : not_concat(context, value.span, slots);
}

void normalize(std::vector<Box>& boxes) {
    if (boxes.empty()) {
        return;
    }
    if (boxes[0].size() == 1) {
        std::vector<Interval> intervals;
        intervals.reserve(boxes.size());
        for (const Box& box : boxes) {
            intervals.push_back(box[0]);
        }
        const IntervalSet merged = IntervalSet::of(std::move(intervals));
        boxes.clear();
        for (const Interval& interval : merged.intervals()) {
            boxes.push_back({interval});
        }
        return;
    }
    std::sort(boxes.begin(), boxes.end(), before);
    boxes.erase(std::unique(boxes.begin(), boxes.end()), boxes.end());
}

} // namespace xdpc::checking
