#include "compiler/passes/fold.h"

#include "compiler/base/overloaded.h"
#include "compiler/passes/fold_atom.h"

#include <algorithm>

namespace xdpc::passes {

using ir::And;
using ir::Atom;
using ir::Cond;
using ir::Lookup;
using ir::Not;
using ir::Or;
using ir::SetLookup;

namespace {

Cond constant(bool value, Span span) {
    return value ? Cond{And{}, span} : Cond{Or{}, span};
}

Cond fold_atom(Atom atom, Span span, const ir::Program& program) {
    const KeySource& source = program.keys[atom.key.value];
    const uint16_t width = width_of(source);
    normalize(atom, width);
    if (atom.values.empty()) {
        return constant(false, span);
    }
    if (atom.values.is_all(width) && always_present(source)) {
        return constant(true, span);
    }
    return {std::move(atom), span};
}

Cond fold_lookup(Lookup lookup, Span span, const ir::Program& program) {
    const bool empty = program.tables[lookup.table.value].entries.empty();
    return empty && !lookup.negated ? constant(false, span) : Cond{std::move(lookup), span};
}

/// The atom in `parts` over the same key and mask.
Atom* find_same(std::vector<Cond>& parts, const Atom& wanted) {
    for (Cond& part : parts) {
        auto* atom = std::get_if<Atom>(&part.node);
        if (atom && atom->key == wanted.key && atom->mask == wanted.mask) {
            return atom;
        }
    }
    return nullptr;
}

/// An atom over any value asks for presence, which another over the same key asks for as well.
void drop_implied_presence(std::vector<Cond>& parts, const ir::Program& program) {
    const auto implied = [&](const Cond& part) {
        const auto* atom = std::get_if<Atom>(&part.node);
        if (!atom || !atom->values.is_all(width_of(program.keys[atom->key.value]))) {
            return false;
        }
        return std::any_of(parts.begin(), parts.end(), [&](const Cond& other) {
            const auto* also = std::get_if<Atom>(&other.node);
            return also && also != atom && also->key == atom->key;
        });
    };
    for (size_t i = 0; i < parts.size();) {
        if (implied(parts[i])) {
            parts.erase(parts.begin() + static_cast<ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

/// Beyond this many parts pairwise comparison costs more than it finds.
constexpr size_t max_compared_parts = 256;

/// Adds a folded part to an And (or, `all` false, an Or); false if that made the group constant.
bool add_part(std::vector<Cond>& parts, Cond part, bool all, const ir::Program& program) {
    if (all ? is_true(part) : is_false(part)) {
        return true;
    }
    if (all ? is_false(part) : is_true(part)) {
        return false;
    }
    const bool compare = parts.size() <= max_compared_parts;
    const auto* atom = std::get_if<Atom>(&part.node);
    Atom* known = atom && compare ? find_same(parts, *atom) : nullptr;
    if (known) {
        known->values = all ? known->values.intersect(atom->values) : known->values.unite(atom->values);
        const bool never = all && known->values.empty();
        const bool always = !all && known->values.is_all(width_of(program.keys[known->key.value])) &&
                            always_present(program.keys[known->key.value]);
        return !never && !always;
    }
    if (!compare || std::find(parts.begin(), parts.end(), part) == parts.end()) {
        parts.push_back(std::move(part));
    }
    return true;
}

Cond fold_group(std::vector<Cond> parts, bool all, Span span, const ir::Program& program) {
    std::vector<Cond> result;
    for (Cond& part : parts) {
        Cond folded = fold(std::move(part), program);
        std::vector<Cond>* nested = nullptr;
        if (auto* inner = std::get_if<And>(&folded.node); inner && all) {
            nested = &inner->parts;
        } else if (auto* other = std::get_if<Or>(&folded.node); other && !all) {
            nested = &other->parts;
        }
        if (!nested) {
            if (!add_part(result, std::move(folded), all, program)) {
                return constant(!all, span);
            }
            continue;
        }
        for (Cond& each : *nested) {
            if (!add_part(result, std::move(each), all, program)) {
                return constant(!all, span);
            }
        }
    }
    if (all && result.size() <= max_compared_parts) {
        drop_implied_presence(result, program);
    }
    if (result.size() == 1) {
        return std::move(result.front());
    }
    return all ? Cond{And{std::move(result)}, span} : Cond{Or{std::move(result)}, span};
}

Cond fold_not(Not negation, Span span, const ir::Program& program) {
    Cond part = fold(std::move(negation.part.front()), program);
    if (is_true(part) || is_false(part)) {
        return constant(is_false(part), span);
    }
    if (auto* twice = std::get_if<Not>(&part.node)) {
        Cond inner = std::move(twice->part.front());
        return inner;
    }
    auto* atom = std::get_if<Atom>(&part.node);
    if (atom && always_present(program.keys[atom->key.value])) { // else true where the key is absent
        atom->values = atom->values.complement(width_of(program.keys[atom->key.value]));
        return fold_atom(std::move(*atom), span, program);
    }
    Not result;
    result.part.push_back(std::move(part));
    return {std::move(result), span};
}

} // namespace

bool is_true(const Cond& cond) {
    const auto* all = std::get_if<And>(&cond.node);
    return all && all->parts.empty();
}

bool is_false(const Cond& cond) {
    const auto* any = std::get_if<Or>(&cond.node);
    return any && any->parts.empty();
}

bool counts(const Cond& cond) {
    const auto any = [](const std::vector<Cond>& parts) {
        return std::any_of(parts.begin(), parts.end(), counts);
    };
    return std::visit(Overloaded{
                          [](const Atom&) { return false; },
                          [](const Lookup&) { return false; },
                          [](const SetLookup& lookup) { return lookup.counts; },
                          [&](const And& all) { return any(all.parts); },
                          [&](const Or& some) { return any(some.parts); },
                          [&](const Not& negation) { return any(negation.part); },
                      },
                      cond.node);
}

Cond fold(Cond cond, const ir::Program& program) {
    const Span span = cond.span;
    if (counts(cond)) {
        return cond;
    }
    return std::visit(Overloaded{
                          [&](Atom& atom) { return fold_atom(std::move(atom), span, program); },
                          [&](Lookup& lookup) { return fold_lookup(std::move(lookup), span, program); },
                          [&](SetLookup& lookup) { return Cond{std::move(lookup), span}; },
                          [&](And& all) { return fold_group(std::move(all.parts), true, span, program); },
                          [&](Or& any) { return fold_group(std::move(any.parts), false, span, program); },
                          [&](Not& negation) { return fold_not(std::move(negation), span, program); },
                      },
                      cond.node);
}

} // namespace xdpc::passes
