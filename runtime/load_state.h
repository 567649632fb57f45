// The state that a program is loaded with: what it takes over from the one that runs, and what is begun anew.
#pragma once

#include "runtime/attach.h"
#include "runtime/bounded.h"

#include <map>

struct bpf_object;

namespace xdpc::rt {

/// An element to be put into a dynamic set, or a bucket into a limit's table.
struct DynamicElement {
    std::vector<uint32_t> key;
    xdpc_dynamic entry{};
    std::string comment = {};
};
struct Bucket {
    std::vector<uint32_t> key;
    xdpc_bucket entry{};
};

struct LoadedState {
    std::map<std::string, Fd> reuse; // maps taken over, by their names in the object
    std::vector<SetArray> arrays;    // by SetId; filled; none of dynamic sets
    Slots slots;
    // By id: whether what stands at the slot goes on.
    std::vector<bool> keep_limits, keep_quotas, keep_sets;
    std::vector<std::vector<DynamicElement>> elements; // by SetId: to be put into dynamic sets
    std::vector<std::vector<Bucket>> buckets;          // by LimitId
    std::vector<Fd> comments;                          // by SetId: of dynamic ones that have any
};

/// All as the policy says. `now` is the clock by which elements with timeouts begin. Sets of which
/// `leave_out` says so get no array and no elements.
Result<LoadedState> fresh_state(const Artifact& artifact, uint64_t now,
                                const std::vector<bool>& leave_out = {});
/// An array with the file's elements; the error names the element that does not go in.
Result<SetArray> build_array(const ArtifactSet& set, const std::vector<sets::NewElement>& elements,
                             uint64_t now, const ElementText& text);
/// Elements of the file of a dynamic set.
std::vector<DynamicElement> dynamic_elements(const ArtifactSet& set, const SetElements& elements,
                                             uint64_t now);

/// Before the object is loaded: hands its maps over and sizes them.
Result<void> give_state(bpf_object* object, const Artifact& artifact, const LoadedState& state);
/// Once it is loaded: arrays into their places. Waits for the kernel's readers once for each.
Result<void> place_arrays(bpf_object* object, const LoadedState& state);
/// Limits, quotas and cursors that are new to their beginning. Does not touch what goes on.
Result<void> begin_state(bpf_object* object, const Artifact& artifact, const LoadedState& state);
/// Puts the elements and buckets of `state` into tables, those that go on too. The keys that were not there
/// before are added to `added`, by set, for take_back().
using AddedKeys = std::vector<std::pair<uint32_t, std::vector<uint32_t>>>;
Result<void> fill_tables(bpf_object* object, const Artifact& artifact, const LoadedState& state, uint64_t now,
                         AddedKeys* added);

} // namespace xdpc::rt
