#include "compiler/passes/fold_atom.h"

#include "compiler/base/overloaded.h"

namespace xdpc::passes {

namespace {

bool always_present(MetaId meta) {
    switch (meta) {
    case MetaId::Length:
    case MetaId::Iif:
    case MetaId::Iifname:
    case MetaId::Rxqueue:
    case MetaId::Cpu:
    case MetaId::Random:
    case MetaId::Time:
    case MetaId::Day:
    case MetaId::Hour:
    case MetaId::Malformed:
        return true;
    case MetaId::Protocol:
    case MetaId::L4proto:
    case MetaId::Fragment:
    case MetaId::VlanTagged:
        return false;
    }
    return false;
}

unsigned count_bits(u128 value) {
    return static_cast<unsigned>(__builtin_popcountll(static_cast<uint64_t>(value)) +
                                 __builtin_popcountll(static_cast<uint64_t>(value >> 64)));
}

/// (v & mask) in [lo, hi] where the mask keeps all but the lowest bits: v in [lo rounded up, hi with those
/// bits].
IntervalSet unmask_upper(const IntervalSet& values, u128 low, u128 mask) {
    std::vector<Interval> result;
    for (const Interval& i : values.intervals()) {
        if (i.lo > mask) {
            continue;
        }
        const u128 lo = (i.lo & low) ? (i.lo | low) + 1 : i.lo; // lo <= mask, so this cannot overflow
        const u128 hi = i.hi | low;
        if (lo <= hi) {
            result.push_back({lo, hi});
        }
    }
    return IntervalSet::of(std::move(result));
}

/// Every value that `mask` can leave, for a mask of few bits.
std::vector<u128> image_of(u128 mask) {
    std::vector<u128> values;
    for (u128 value = 0;; value = (value - mask) & mask) { // the next subset of the mask's bits
        values.push_back(value);
        if (value == mask) {
            return values;
        }
    }
}

} // namespace

bool always_present(const KeySource& source) {
    return std::visit(Overloaded{
                          [](const FieldKey&) { return false; },
                          [](const RawKey&) { return false; },
                          [](const ExistsKey& k) {
                              const Layer layer = info(k.header).layer;
                              return layer != Layer::Option && layer != Layer::Extension &&
                                     k.header != HeaderId::Ah;
                          },
                          [](const MetaKey& k) { return always_present(k.meta); },
                      },
                      source);
}

void normalize(ir::Atom& atom, uint16_t width) {
    const u128 full = max_of_width(width);
    const u128 low = full & ~atom.mask;
    const bool upper = (low & (low + 1)) == 0; // the cleared bits are the lowest ones
    if (atom.mask != full && atom.mask != 0 && upper) {
        atom.values = unmask_upper(atom.values, low, atom.mask);
        atom.mask = full;
        return;
    }
    if (atom.mask == full || count_bits(atom.mask) > 8) {
        return;
    }
    size_t inside = 0;
    const std::vector<u128> image = image_of(atom.mask);
    for (const u128 value : image) {
        inside += atom.values.contains(value) ? 1 : 0;
    }
    if (inside == 0) {
        atom.values = {};
    } else if (inside == image.size()) { // asks for nothing but presence
        atom.values = IntervalSet::all(width);
        atom.mask = full;
    }
}

} // namespace xdpc::passes
