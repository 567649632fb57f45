// What the kinds of sets have in common: places for elements, entries, pages and comments in the array, given
// out and taken back. What programs may still look at is given out again after a grace period only.
#pragma once

#include "runtime/sets/table.h"

#include <atomic>

namespace xdpc::sets {

/// Visible to programs, after everything that was written before.
inline void publish(uint32_t& at, uint32_t value) {
    std::atomic_ref<uint32_t>(at).store(value, std::memory_order_release);
}
inline void publish(uint64_t& at, uint64_t value) {
    std::atomic_ref<uint64_t>(at).store(value, std::memory_order_release);
}

/// A view of the array; copies are views of the same.
class Store {
public:
    explicit Store(Table& table) : table_(table), l(table.layout_) {}

    [[nodiscard]] uint32_t* line(uint32_t index) const { return at(index, 0, XDPC_SET_LINE); }
    /// Record `number` of those of so many words each that begin with a line.
    [[nodiscard]] uint32_t* record(uint32_t first_line, size_t number, size_t words) const {
        return at(first_line, number * words * 4, words * 4);
    }
    /// So many bytes from a place behind the beginning of a line; all access goes through here.
    [[nodiscard]] uint32_t* at(uint32_t first_line, size_t offset, size_t bytes) const {
        offset += static_cast<size_t>(first_line) * XDPC_SET_LINE;
        if (table_.windows_ != nullptr) {
            table_.windows_->need(offset, bytes);
        }
        return reinterpret_cast<uint32_t*>(table_.memory_.data() + offset);
    }
    /// Whether what was not asked for by at() may not be touched.
    [[nodiscard]] bool in_windows() const { return table_.windows_ != nullptr; }
    [[nodiscard]] const std::byte* memory() const { return table_.memory_.data(); }
    [[nodiscard]] xdpc_set_header& header() const {
        return *reinterpret_cast<xdpc_set_header*>(at(0, 0, sizeof(xdpc_set_header)));
    }
    [[nodiscard]] xdpc_set_info& info(uint32_t e) const {
        return *reinterpret_cast<xdpc_set_info*>(record(l.info, e, sizeof(xdpc_set_info) / 4));
    }
    /// Only in sets that have any.
    [[nodiscard]] xdpc_set_attribute& attribute(uint32_t e) const {
        return *reinterpret_cast<xdpc_set_attribute*>(
            record(l.attributes, e, sizeof(xdpc_set_attribute) / 4));
    }
    [[nodiscard]] bool has_attributes() const { return (l.flags & XDPC_SET_ATTRIBUTES) != 0; }
    [[nodiscard]] bool auto_merge() const { return (l.flags & XDPC_SET_AUTO_MERGE) != 0; }
    [[nodiscard]] bool has_timeout() const { return (l.flags & XDPC_SET_TIMEOUT) != 0; }
    [[nodiscard]] bool has_ends() const { return l.kind != XDPC_SET_HASH; }
    /// Ends of an element.
    [[nodiscard]] uint32_t* low(uint32_t e) const {
        return record(l.keys, e, has_ends() ? 2 * l.words : xdpc_set_stride(l.words));
    }
    [[nodiscard]] uint32_t* high(uint32_t e) const { return has_ends() ? low(e) + l.words : low(e); }
    [[nodiscard]] bool is_used(uint32_t e) const { return info(e).state != 0; }
    [[nodiscard]] bool expired(uint32_t e, uint64_t now) const {
        return has_timeout() && attribute(e).expires != 0 && attribute(e).expires <= now;
    }
    [[nodiscard]] const Shape& shape() const { return table_.shape_; }

    /// Waits for readers; then all that was given back is free.
    void grace();

    /// Writes a new element, not yet listed; 0: none is free.
    uint32_t take_element(const NewElement& element);
    void give_element(uint32_t e);
    /// Attributes of a new element, or of an expired one that begins anew.
    void set_attributes(uint32_t e, const NewElement& element);
    /// The comment of a new element; false: no room.
    bool set_comment(uint32_t e, std::string_view text);
    void drop_comment(uint32_t e);
    [[nodiscard]] std::string comment(uint32_t e) const;

    /// Pages (Interval) or entries (Tuples): true once `count` can be taken.
    bool reserve(uint32_t count);
    uint32_t take_page();
    void retire_page(uint32_t page);
    void free_page(uint32_t page); // that no program has seen
    /// Of a reference to a page of elements: how many there are, with `more`; 1 of any other.
    uint32_t count_stack(uint32_t ref, int more);
    uint32_t take_entry();
    void retire_entry(uint32_t entry);

private:
    void retire(uint32_t number);

    Table& table_;

public:
    const xdpc_set_layout& l;
};

/// The kinds. Elements are written and their numbers given; these make them found and lost. Nothing has
/// changed where they fail.
using Done = tl::expected<void, Failure>;

namespace hash {
/// Number of the key's element or entry; 0: none.
uint32_t find(const Store& store, const uint32_t* key, uint32_t combination = 0);
Done insert(Store& store, const uint32_t* key, uint32_t number, uint32_t combination = 0);
void erase(Store& store, const uint32_t* key, uint32_t number, uint32_t combination = 0);
void prefetch(const Store& store, const uint32_t* key);
} // namespace hash

namespace interval {
/// The element with just these ends; 0: none.
uint32_t find(const Store& store, const uint32_t* low, const uint32_t* high);
/// An unexpired element that overlaps; 0: none. Expired ones in the way are put into `expired`.
uint32_t overlapping(const Store& store, const uint32_t* low, const uint32_t* high, uint64_t now,
                     std::vector<uint32_t>& expired);
Done insert(Store& store, uint32_t number);
Done erase(Store& store, uint32_t number);
/// Whether elements that overlap are all kept for each point, so that one answers when another has expired.
bool needs_stacks(const Store& store);
/// All elements that are used, in a set that is empty. Failure::other and index are numbers of elements.
Done build(Store& store, uint32_t count);
void clear(Store& store);
} // namespace interval

namespace tuples {
/// For xdpc_set_attribute::order: the larger, the fewer keys it has (as powers of two); its low 23 bits are
/// 0.
uint32_t order_of(const Store& store, const uint32_t* low, const uint32_t* high);
uint32_t find(const Store& store, const uint32_t* low, const uint32_t* high);
uint32_t overlapping(const Store& store, const uint32_t* low, const uint32_t* high, uint64_t now,
                     std::vector<uint32_t>& expired);
Done insert(Store& store, uint32_t number);
void erase(Store& store, uint32_t number);
/// The first two elements from 1 to `count` that overlap.
std::optional<std::pair<uint32_t, uint32_t>> overlap(const Store& store, uint32_t count);
} // namespace tuples

} // namespace xdpc::sets
