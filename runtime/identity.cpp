// Which rule of a new policy is which of the old one.
#include "runtime/generations.h"

#include <algorithm>
#include <unordered_map>

namespace xdpc::rt {

namespace {

/// Keys are unique within a policy: repeats of unnamed rules are numbered.
std::vector<std::string> identities(const std::vector<Decider>& deciders) {
    std::unordered_map<std::string, unsigned> seen;
    std::vector<std::string> keys;
    for (const Decider& decider : deciders) {
        std::string key;
        if (decider.is_policy)
            key = "policy\n" + decider.chain;
        else if (!decider.name.empty())
            key = "name\n" + decider.name;
        else
            key = "text\n" + decider.chain + "\n" + decider.text;
        unsigned occurrence = seen[key]++;
        keys.push_back(key + "\n" + std::to_string(occurrence));
    }
    return keys;
}

/// Marks the members of a longest increasing subsequence.
std::vector<bool> longest_increasing(const std::vector<size_t>& values) {
    std::vector<size_t> tails; // indices into values, by length
    std::vector<std::optional<size_t>> before(values.size());
    for (size_t i = 0; i < values.size(); i++) {
        auto place = std::lower_bound(tails.begin(), tails.end(), values[i],
                                      [&](size_t index, size_t value) { return values[index] < value; });
        if (place != tails.begin())
            before[i] = *(place - 1);
        if (place == tails.end())
            tails.push_back(i);
        else
            *place = i;
    }
    std::vector<bool> member(values.size());
    if (!tails.empty()) {
        for (std::optional<size_t> at = tails.back(); at; at = before[*at])
            member[*at] = true;
    }
    return member;
}

/// The end of a chain without a policy decides nothing of its own.
bool has_text(const Decider& decider) {
    return !decider.is_policy || !decider.text.empty();
}

std::string display_of(const Decider& decider) {
    return decider.display.empty() ? decider.name : decider.display;
}

} // namespace

std::vector<std::optional<size_t>> match_deciders(const std::vector<Decider>& previous,
                                                  const std::vector<Decider>& next) {
    std::unordered_map<std::string, size_t> index;
    std::vector<std::string> keys = identities(previous);
    for (size_t i = 0; i < keys.size(); i++)
        index.emplace(keys[i], i);
    std::vector<std::optional<size_t>> matches;
    for (const std::string& key : identities(next)) {
        auto found = index.find(key);
        matches.push_back(found == index.end() ? std::optional<size_t>{} : found->second);
    }
    return matches;
}

std::vector<RuleChange> compare_deciders(const std::vector<Decider>& previous,
                                         const std::vector<Decider>& next) {
    using Kind = RuleChange::Kind;
    auto matches = match_deciders(previous, next);
    std::vector<size_t> order;
    std::vector<bool> continued(previous.size());
    for (size_t i = 0; i < next.size(); i++) {
        if (matches[i]) {
            continued[*matches[i]] = true;
            if (!next[i].is_policy)
                order.push_back(*matches[i]);
        }
    }
    std::vector<bool> in_place = longest_increasing(order);
    std::vector<RuleChange> changes;
    size_t matched = 0;
    for (size_t i = 0; i < next.size(); i++) {
        Kind kind = Kind::Added;
        if (matches[i]) {
            bool stayed = next[i].is_policy || in_place[matched++];
            kind = stayed ? Kind::Kept : Kind::Moved;
            if (previous[*matches[i]].text != next[i].text || previous[*matches[i]].chain != next[i].chain)
                kind = Kind::Changed;
        }
        if (has_text(next[i]))
            changes.push_back({display_of(next[i]), next[i].text, kind});
    }
    for (size_t i = 0; i < previous.size(); i++) {
        if (!continued[i] && has_text(previous[i]))
            changes.push_back({display_of(previous[i]), previous[i].text, Kind::Removed});
    }
    return changes;
}

} // namespace xdpc::rt
