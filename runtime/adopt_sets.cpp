// The elements of a live set that runs and those of the new policy's file, put together.
#include "runtime/adopt_sets.h"
#include "compiler/base/map_targets.h"
#include "runtime/element_index.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

std::string type_text(const ArtifactSet& set) {
    std::string text = set.is_map() ? "map of " : "";
    for (size_t i = 0; i < set.parts.size(); i++)
        text += (i == 0 ? "" : " . ") + set.parts[i].first;
    if (set.is_map())
        text += " to " + (set.value ? set.value->first : set.maps_to);
    return text;
}

/// What the number of an element of the old map is in the new one.
class Translation {
public:
    Translation(const ArtifactSet& old, const ArtifactSet& next) : is_index_(!old.value) {
        for (const std::string& name : old.names) {
            auto found = std::find(next.names.begin(), next.names.end(), name);
            numbers_.push_back(found == next.names.end()
                                   ? std::nullopt
                                   : std::optional(static_cast<uint32_t>(found - next.names.begin())));
        }
    }
    [[nodiscard]] std::optional<uint32_t> of(uint32_t number) const {
        return is_index_ && number < numbers_.size() ? numbers_[number] : number;
    }

private:
    bool is_index_;
    std::vector<std::optional<uint32_t>> numbers_;
};

constexpr const char* reset_hint = "`--reset-sets` starts all sets from the policy";

} // namespace

Result<void> check_types(const ArtifactSet& old, const ArtifactSet& next) {
    if (old.parts != next.parts || old.maps_to != next.maps_to || old.value != next.value)
        return fail(
            fmt::format("set `{}` is of type {} in the policy that runs and {} in the new one: its elements "
                        "cannot go on",
                        next.name, type_text(old), type_text(next)),
            reset_hint);
    if (is_dynamic(old) != is_dynamic(next))
        return fail(
            fmt::format("rules {} set `{}` in the policy that runs and {} in the new one: its elements "
                        "cannot go on",
                        is_dynamic(old) ? "write" : "do not write", next.name,
                        is_dynamic(next) ? "do" : "do not"),
            reset_hint);
    return {};
}

Result<Merged> merge_elements(const ArtifactSet& old, const ArtifactSet& next, const SetElements& file,
                              std::vector<sets::Element> there, uint64_t now, const ElementText& text) {
    Merged merged;
    merged.there = std::move(there);
    merged.elements = new_elements(next, file, now);
    std::vector<bool> known(merged.elements.size());
    ElementIndex index(merged.elements);
    const Translation translation(old, next);
    std::vector<sets::NewElement> live;
    SetChange& change = merged.change;
    for (const sets::Element& element : merged.there) {
        auto found = index.find(element.low, element.high);
        if (found) {
            sets::NewElement& kept = merged.elements[*found];
            if (next.has_timeout && kept.timeout_ns == element.timeout_ns)
                kept.expires_ns = element.expires_ns;
            else
                merged.differs |= next.has_timeout;
            merged.differs |= !element.from_file || kept.comment != element.comment ||
                              (next.is_map() && kept.value != element.value);
            kept.packets = element.packets;
            kept.bytes = element.bytes;
            known[*found] = true;
            change.kept++;
            continue;
        }
        if (element.from_file) {
            change.removed++;
            continue;
        }
        if (!has_ends(next) && element.low != element.high)
            return fail(fmt::format("set `{}` has the live element {}, which is more than one value",
                                    next.name, text ? text(old, element.low, element.high) : "?"),
                        fmt::format("`flags interval`, or `xdpc set del`; {}", reset_hint));
        auto value = translation.of(element.value);
        if (!value)
            return fail(fmt::format("map `{}` has the live element {} : {}, and the new policy {}", next.name,
                                    text ? text(old, element.low, element.high) : "?",
                                    old.names[element.value],
                                    next.maps_to == to_verdict ? "gives no element that verdict"
                                                               : "has no such " + next.maps_to),
                        fmt::format("`xdpc set del` takes it out; {}", reset_hint));
        sets::NewElement& kept = live.emplace_back(sets::as_new(element));
        kept.value = *value;
        kept.from_file = false;
        change.kept++;
        change.live++;
    }
    change.added = static_cast<uint64_t>(std::count(known.begin(), known.end(), false));
    merged.differs |= change.added != 0 || change.removed != 0;
    merged.elements.insert(merged.elements.end(), live.begin(), live.end());
    change.elements = merged.elements.size();
    if (change.elements > next.size)
        return fail(
            fmt::format("set `{}` would have {} elements, {} of them added live, and its new size is {}",
                        next.name, change.elements, change.live, next.size),
            fmt::format("a larger `size`, or `xdpc set del`; {}", reset_hint));
    return merged;
}

} // namespace xdpc::rt
