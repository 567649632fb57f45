// `expect element @set { … }`.
#include "compiler/policy/check_live_sets.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

/// What a live set tells of its elements; nothing after an error was reported.
SetEntry* find_live(Context& context, const ast::Name& name) {
    const auto found = context.sets.find(name.text);
    if (found == context.sets.end()) {
        context.report(Diag::UndefinedSet, name.span, name.text)
            .with_hint(did_you_mean_set(context, name.text));
        return nullptr;
    }
    SetEntry& set = found->second;
    if (!set.broken && !set.live[0]) {
        context.report(Diag::MisplacedValue, name.span, "a constant set")
            .with_hint("its elements are those that it was given");
        return nullptr;
    }
    return set.broken ? nullptr : &set;
}

bool read_facts(Context& context, const ast::ExpectedElement& element, const ast::ExpectElementStep& step,
                const LiveSet& set, ExpectElement& to) {
    to.packets = element.packets;
    if (step.missing && (element.packets || element.expires)) {
        context.report(Diag::MisplacedValue, element.span, "a fact about an element that is not there");
        return false;
    }
    if (element.packets && !set.has_counter) {
        context.report(Diag::NeedsTrait, element.span, "`packets`", "counter", set.name);
        return false;
    }
    if (element.expires && !set.has_timeout) {
        context.report(Diag::NeedsTrait, element.span, "`expires`", "flags timeout", set.name);
        return false;
    }
    if (element.expires) {
        to.expires_ns = read_time(context, shown(context, element.expires->span), element.expires->span);
    }
    return !element.expires || to.expires_ns;
}

void read_element(Context& context, const ast::ExpectedElement& element, const ast::ExpectElementStep& step,
                  const SetEntry& entry, Span span, TestCase& test) {
    for (size_t family = 0; family < entry.families(); ++family) {
        const LiveSet& set = context.policy.set(*entry.live[family]);
        ExpectElement expect;
        expect.set = set.id;
        expect.missing = step.missing;
        std::vector<Box> boxes;
        if (!read_boxes(context, element.key, slots_of_family(entry, family), boxes) ||
            !read_facts(context, element, step, set, expect)) {
            return;
        }
        for (Box& box : boxes) {
            const bool single =
                std::all_of(box.begin(), box.end(), [](const Interval& i) { return i.lo == i.hi; });
            if (!single && !set.has_intervals()) {
                context.report(Diag::NeedsTrait, element.span, "`" + shown(context, element.key.span) + "`",
                               "flags interval", set.name);
                return;
            }
            expect.box = std::move(box);
            test.steps.push_back({span, expect});
        }
    }
}

} // namespace

void read_expected_elements(Context& context, const ast::ExpectElementStep& step, Span span, TestCase& test) {
    const SetEntry* set = find_live(context, step.set);
    for (const ast::ExpectedElement& element : step.elements) {
        if (set != nullptr) {
            read_element(context, element, step, *set, span, test);
        }
    }
}

} // namespace xdpc::checking
