// Between the parts of build_rfc. Private to compiler/plan/classify.
#pragma once

#include "compiler/plan/classify/leaf.h"

#include <unordered_map>

namespace xdpc::classify {

/// A bit for each box.
using Bits = std::vector<uint64_t>;

/// Which boxes do not matter any more. Once some fields are looked at, a box among those that are left cannot
/// be the answer if an earlier one of them asks no more of the other fields. Without such boxes, many sets
/// are the same.
class Cover {
public:
    explicit Cover(const RuleSet& set);
    /// Drops what cannot be the answer when the fields of a subset (the presence word last) are looked at.
    void reduce(Bits& bits, uint32_t looked_at);

private:
    const std::vector<uint64_t>& hidden_by(uint32_t looked_at);

    size_t boxes_, words_;
    std::vector<std::vector<uint64_t>> wider_; // by field: rows of bits, which later boxes lie within a box
    std::unordered_map<uint32_t, std::vector<uint64_t>> hidden_; // by subset: rows of bits
};

/// Numbers sets of boxes as they appear.
class Classes {
public:
    explicit Classes(size_t words) : words_(words), places_(1024, 0) {}
    uint32_t id_of(const Bits& bits);
    [[nodiscard]] uint32_t count() const { return count_; }
    [[nodiscard]] const uint64_t* bits(uint32_t id) const { return all_.data() + id * words_; }

private:
    void grow();

    size_t words_;
    uint32_t count_ = 0;
    std::vector<uint64_t> all_;    // sets, by id
    std::vector<uint64_t> hashes_; // by id
    std::vector<uint32_t> places_; // ids + 1 by hash, open addressing
};

/// What a result stands for.
struct Result {
    size_t index = 0; // leaves first, then joins
    uint32_t looked_at = 0;
    const Classes* classes = nullptr;
};
/// Adds the joins to what has its leaves, in one of two orders. False if they would exceed the bytes, or the
/// operations, of which what is used is taken.
enum class JoinOrder : uint8_t { SmallestFirst, AddressesApart };
bool add_joins(Rfc& rfc, const RuleSet& set, std::vector<Result> leaves, Cover& cover, JoinOrder order,
               size_t max_bytes, double& operations);

} // namespace xdpc::classify
