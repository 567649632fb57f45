// How what rules ask of keys is laid out as numbers. Private to compiler/plan and, for `pack`, codegen.
#pragma once

#include "compiler/ir/normal.h"
#include "compiler/plan/classify/classify.h"

#include <map>

namespace xdpc::classify {

using ir::Asked;
using ir::Conjunction;
using ir::NormalRule;

/// Packets are classified by the family of their headers: what only IPv6 has, and all else.
enum class Family : uint8_t { Not6, Ip6 };
/// The family that a conjunction is confined to, if any.
std::optional<Family> family_of(const Conjunction& all, const ir::Program& program);
bool is_ip6(const KeySource& key);

/// Fills in `with` and `without`.
void relate(RuleSet& set, const ir::Program& program);

/// Which keys become fields, for a family: those that most rules ask for, as many as one look-up can be
/// given.
class Layout {
public:
    Layout(const std::vector<NormalRule>& rules, Family family, const ir::Program& program);
    [[nodiscard]] bool has(const Asked& asked) const;
    /// A set with these fields and nothing in it.
    [[nodiscard]] RuleSet empty_set() const;
    /// Adds the rule's boxes. False if they are too many.
    bool add(RuleSet& set, const NormalRule& rule, uint32_t index, const ir::Program& program) const;

private:
    struct Place {
        size_t first_field = 0;
        uint32_t presence_bit = 0;
    };
    bool place(ir::KeyId key, u128 mask, const ir::Program& program);
    bool add_conjunction(RuleSet& set, const Conjunction& all, uint32_t index) const;
    [[nodiscard]] std::optional<Conjunction> with_protocol(const Conjunction& all,
                                                           const ir::Program& program) const;

    Family family_;
    RuleSet empty_;
    std::optional<ir::KeyId> protocol_;                 // `meta l4proto`, if it is a field
    std::map<std::pair<uint32_t, u128>, Place> places_; // by key and mask
};
/// Drops fields that no box asks for.
void drop_unused(RuleSet& set);

/// A look-up is called with five words of 64 bits: where in them each field is, the presence word last.
struct Packed {
    unsigned word = 0;
    unsigned shift = 0;
};
std::optional<std::vector<Packed>> pack(const RuleSet& set);

} // namespace xdpc::classify
