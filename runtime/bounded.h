// Bounded tables (STATE.md) as user space writes them beside running programs: the same steps with system
// calls and with atomics on the mapped ring.
#pragma once

#include "runtime/state_maps.h"

#include <optional>

namespace xdpc::rt {

/// A limit's buckets (Entry xdpc_bucket) or a dynamic set's elements (xdpc_dynamic): open maps of one table.
struct BoundedTable {
    int hash = -1;
    Mapping ring;
    uint64_t* cursor = nullptr; // in `limits` or `dynamic`, mapped by the caller
    uint32_t size = 0;
    uint32_t words = 0; // of a key
};
/// `size` and `words` are those of the set or limit; the maps have to fit them.
Result<BoundedTable> open_bounded(int hash_fd, int ring_fd, uint64_t* cursor, uint32_t size, uint32_t words);

/// The table of a dynamic set in a generation, to be written beside rules.
struct DynamicTable {
    Fd hash, ring, shared;
    Mapping memory; // of `shared`
    BoundedTable table;
};
/// None where no rule of the policy uses the set.
Result<std::optional<DynamicTable>> open_dynamic(const std::string& generation_path,
                                                 const StateRecord& record, uint32_t set);

enum class PutIn : uint8_t { Done, Exists, Full };
/// Puts an absent key in. Looks at every place before it says Full, unlike programs.
Result<PutIn> put_in(const BoundedTable& table, std::span<const uint32_t> key, xdpc_dynamic entry,
                     uint64_t now);
Result<PutIn> put_in(const BoundedTable& table, std::span<const uint32_t> key, xdpc_bucket entry,
                     uint64_t now);

/// All entries, expired ones too, in no order. What programs change meanwhile may be missing or old.
template<class Entry> struct KeyedEntry {
    std::vector<uint32_t> key;
    Entry entry{};
};
Result<std::vector<KeyedEntry<xdpc_dynamic>>> dynamic_entries(int hash_fd, uint32_t words);
Result<std::vector<KeyedEntry<xdpc_bucket>>> bucket_entries(int hash_fd, uint32_t words);
/// Whether an element is as good as absent.
bool expired(const xdpc_dynamic& element, uint64_t now);
/// Without those that have expired.
Result<std::vector<KeyedEntry<xdpc_dynamic>>> live_entries(int hash_fd, uint32_t words, uint64_t now);
/// As it stands in a table.
xdpc_dynamic dynamic_entry(const sets::NewElement& element);
/// Empties hash and ring. No program may run that writes them.
Result<void> clear_bounded(const BoundedTable& table);

} // namespace xdpc::rt
