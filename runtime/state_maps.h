// Maps of state as this folder handles them (STATE.md, "Maps"): their names, arrays of live sets, the words
// of elements, and the record of it all that is pinned for commands that need no more of the artifact.
#pragma once

#include "runtime/internal.h"
#include "runtime/sets/table.h"

#include <functional>
#include <span>

namespace xdpc::rt {

/// Nanoseconds of CLOCK_MONOTONIC.
uint64_t monotonic_now();
/// Where the clock of instrumented programs begins (abi.h).
constexpr uint64_t test_clock_begin_ns = 1'000'000'000'000'000;

bool is_dynamic(const ArtifactSet& set);
/// Whether elements have two ends.
bool has_ends(const ArtifactSet& set);
uint32_t words_of(const std::vector<std::pair<std::string, uint16_t>>& parts);
/// Not of dynamic ones.
sets::Shape shape_of(const ArtifactSet& set);

/// Element `index` of those of an artifact: its low words, and where the set has_ends() the high ones behind
/// them.
std::span<const uint32_t> words_of_element(const ArtifactSet& set, const SetElements& elements, size_t index);
/// As they are put in at `now`, marked as the file's.
std::vector<sets::NewElement> new_elements(const ArtifactSet& set, const SetElements& elements, uint64_t now);

/// The array of a set that user space writes, mapped; in windows where little of it will be looked at.
struct SetArray {
    Fd fd;
    Mapping memory;
    std::unique_ptr<sets::Windows> windows;
    [[nodiscard]] bool valid() const { return fd.valid(); }
    [[nodiscard]] std::span<std::byte> bytes() const {
        return windows ? windows->memory()
                       : std::span{static_cast<std::byte*>(memory.address()), memory.size()};
    }
};
/// A new one, zeroed.
Result<SetArray> make_array(const ArtifactSet& set);
Result<SetArray> map_array(Fd fd);
Result<SetArray> map_array_in_windows(Fd fd);
Result<sets::Table> open_table(const SetArray& array, const ArtifactSet& set);
/// The attributes of an element of a set that has any; not in windows.
xdpc_set_attribute& attribute_of(const SetArray& array, const sets::Table& table, uint32_t number);
/// Entries of a set's outer map: two of sets of `inet_addr`, of which the epoch tells the one that is read.
Result<uint32_t> entries_of(int outer_fd);
/// Puts an array into an entry of a set's outer map.
Result<void> put_array(int outer_fd, uint32_t entry, const SetArray& array);

/// An ARRAY map that can be mapped, whole.
Result<Mapping> map_all(int fd);

/// Places of the state of limits, then quotas, then sets, in the arrays of all (`.rodata.slots`).
struct Slots {
    std::vector<uint32_t> limits, quotas, sets;
    bool operator==(const Slots&) const = default;
};
Slots plain_slots(const Artifact& artifact);

/// What `gen-<N>/state` holds: of the artifact only sets, limits, quotas, counters.
struct StateRecord {
    Artifact artifact;
    Slots slots;
};
Result<Fd> make_record(const Artifact& artifact, const Slots& slots);
Result<StateRecord> read_record(const std::string& generation_path);

/// The epochs of a generation's sets (struct xdpc_dynamic_set), mapped. A store makes all of a set new at
/// once.
class Epochs {
public:
    static Result<Epochs> open(const std::string& generation_path);
    [[nodiscard]] uint32_t of(const StateRecord& record, uint32_t set) const;
    void next(const StateRecord& record, uint32_t set);

private:
    Mapping memory_;
    [[nodiscard]] uint32_t& at(const StateRecord& record, uint32_t set) const;
};

/// Names of the maps of state in an object, without those of user-written sets' arrays.
std::string set_map(size_t set);
std::string set_ring(size_t set);
std::string limit_map(size_t limit);
std::string limit_ring(size_t limit);
/// Pins, not maps of the object: a set's array; what has to be carried; comments of a dynamic one.
std::string inner_pin(size_t set);
std::string carry_pin(size_t set);
std::string comments_pin(size_t set);

} // namespace xdpc::rt
