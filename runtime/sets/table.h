// A live set in its array: what user space does to it (runtime/STATE.md, "Live sets that user space writes").
// The array is a map's, mapped, or plain memory. One writer at a time; programs search it meanwhile
// (codegen-templates/sets.h), and each change becomes visible to them by one store, for each key at once.
//
//     Table table = Table::create(memory, shape, grace);   // memory is zero
//     auto added = table.add({.low = key, .high = key, .comment = "as reported"}, now);
//     if (!added) error(describe(added.error()))
#pragma once

#include "compiler/base/result.h"
#include "runtime/sets/layout.h"
#include "runtime/sets/windows.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::sets {

/// Keys are words in host byte order, as STATE.md says. In sets of single values `high` may be empty; else
/// both ends belong to the element.
struct NewElement {
    std::span<const uint32_t> low = {};
    std::span<const uint32_t> high = {};
    uint64_t timeout_ns = 0; // what it is given, shown by `list`; 0: none
    uint64_t expires_ns = 0; // CLOCK_MONOTONIC; 0: never
    uint64_t packets = 0;    // to begin with
    uint64_t bytes = 0;
    uint32_t value = 0; // of a map
    bool from_file = false;
    std::string_view comment = {}; // at most max_comment bytes
};
constexpr size_t max_comment = 128;

/// What `list` gives.
struct Element {
    uint32_t number = 0;
    std::vector<uint32_t> low, high;
    uint64_t timeout_ns = 0;
    uint64_t expires_ns = 0;
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint32_t value = 0;
    bool from_file = false;
    std::string comment;
    [[nodiscard]] bool expired(uint64_t now) const { return expires_ns != 0 && expires_ns <= now; }
};

enum class Problem {
    Full,     // `size` elements are in the set
    Exists,   // `other` is the same element
    Overlaps, // `other` has keys in common with it, and the set is without auto-merge
    Missing,  // there is no such element
    TooMany, // Tuples: it takes `needed` entries, or one more combination of prefix lengths than there may be
    Comments, // it has a comment that is too long, or for which no room is left
    Rebuild,  // cannot be done in place: build a new array with it and put that in its stead
};
struct Failure {
    Problem problem;
    uint32_t other = 0; // number of an element of the set; in build(): index of the earlier element + 1
    uint64_t needed = 0;
    size_t index = 0; // build(): of the element that was refused
};

struct Statistics {
    uint32_t size = 0;
    uint32_t used = 0;                      // expired ones that were not yet swept too
    uint32_t pages = 0, pages_used = 0;     // Interval
    uint32_t entries = 0, entries_used = 0; // Tuples
    uint32_t masks = 0;                     // Tuples: combinations of prefix lengths
};

/// Returns once every program that ran when it was called has ended. Asked for only when all free places are
/// such that a program might still look at.
using Grace = std::function<void()>;

class Table {
public:
    /// A new set in zeroed memory of layout_of(shape).lines lines.
    static Table create(std::span<std::byte> memory, const Shape& shape, Grace grace);
    /// A set that is there, which has to have this shape.
    /// With windows, whose memory it then is, only what is looked at gets mapped; they have to outlive it.
    static Result<Table> open(std::span<std::byte> memory, const Shape& shape, Grace grace,
                              Windows* windows = nullptr);

    /// Fills a set that is empty and that no program reads yet: all elements or the first failure, after
    /// which the memory is of no use.
    tl::expected<void, Failure> build(std::span<const NewElement> elements, uint64_t now);
    /// Gives the number of the new element. What has expired makes room.
    tl::expected<uint32_t, Failure> add(const NewElement& element, uint64_t now);
    tl::expected<void, Failure> remove(std::span<const uint32_t> low, std::span<const uint32_t> high,
                                       uint64_t now);
    /// The element with exactly these ends, if it has not expired.
    [[nodiscard]] std::optional<uint32_t> find(std::span<const uint32_t> low, std::span<const uint32_t> high,
                                               uint64_t now) const;
    /// The element that answers for a key, as programs see it.
    [[nodiscard]] std::optional<uint32_t> lookup(std::span<const uint32_t> key, uint64_t now) const;
    /// Of an element that find() gave.
    void set_timeout(uint32_t number, uint64_t timeout_ns, uint64_t expires_ns);
    void set_value(uint32_t number, uint32_t value);
    void set_origin(uint32_t number, bool from_file);
    /// Empties the set.
    void flush();
    /// Removes what has expired; how many. Nothing where the set has no timeouts.
    uint32_t sweep(uint64_t now);

    /// By number. `use` gets a reference that lasts for the call; false ends the listing.
    void list(const std::function<bool(const Element&)>& use) const;
    [[nodiscard]] Element element(uint32_t number) const;
    [[nodiscard]] Statistics statistics() const;
    /// A writer was killed during a change: lookups and listing work, the next change answers Rebuild.
    [[nodiscard]] bool damaged() const;

    [[nodiscard]] const xdpc_set_layout& layout() const { return layout_; }
    [[nodiscard]] const Shape& shape() const { return shape_; }

private:
    friend class Store;
    Table(std::span<std::byte> memory, const Shape& shape, Grace grace);
    std::span<std::byte> memory_;
    Windows* windows_ = nullptr; // all is mapped
    Shape shape_;
    xdpc_set_layout layout_;
    Grace grace_;
};

/// What has not expired.
std::vector<Element> live_elements(const Table& table, uint64_t now);
/// As it is put into another set, with what it has (origin, remaining timeout, counters); refers to it.
NewElement as_new(const Element& element);

/// "is already in the set", "overlaps element 7": without names, which the caller knows how to write; see
/// Failure::other.
std::string describe(const Failure& failure, const Shape& shape);

} // namespace xdpc::sets
