#include "compiler/base/overloaded.h"
#include "compiler/ir/ir.h"

#include <cassert>

// Without assertions there is nothing to do; the functions stay compiled so that they cannot rot.
#ifdef NDEBUG
#define XDPC_IR_CHECK(condition) static_cast<void>(condition)
#else
#define XDPC_IR_CHECK(condition) assert(condition)
#endif

namespace xdpc::ir {

namespace {

class Verifier {
public:
    explicit Verifier(const Program& program) : program_(program) {}
    void run();

private:
    void check_slot(const std::optional<SlotId>& slot) {
        XDPC_IR_CHECK(!slot || slot->value < program_.slots);
    }
    void check_verdict(const Verdict& verdict) {
        const std::optional<ChainId> target = target_of(verdict);
        XDPC_IR_CHECK(!target || target->value < program_.chains.size());
    }
    void check_keys(const std::vector<KeyId>& keys, const std::vector<u128>& masks);
    void check_keys(const std::vector<KeyId>& keys, const std::vector<u128>& masks, TableId table);
    void check_table(const Table& table);
    void check_set(const IntervalSet& values, unsigned width);
    void check_cond(const Cond& cond);
    void check_step(const Step& step);
    void check_acyclic(uint32_t chain);

    enum class Visit : uint8_t { New, Open, Done };
    const Program& program_;
    std::vector<Visit> visits_;
};

void Verifier::check_keys(const std::vector<KeyId>& keys, const std::vector<u128>& masks) {
    XDPC_IR_CHECK(keys.size() == masks.size());
    for (size_t i = 0; i < keys.size(); ++i) {
        XDPC_IR_CHECK(keys[i].value < program_.keys.size());
        XDPC_IR_CHECK(masks[i] <= max_of_width(width_of(program_.keys[keys[i].value])));
    }
}

void Verifier::check_keys(const std::vector<KeyId>& keys, const std::vector<u128>& masks, TableId table) {
    check_keys(keys, masks);
    XDPC_IR_CHECK(!keys.empty());
    XDPC_IR_CHECK(table.value < program_.tables.size());
    const Table& rows = program_.tables[table.value];
    XDPC_IR_CHECK(rows.widths.size() == keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
        XDPC_IR_CHECK(width_of(program_.keys[keys[i].value]) == rows.widths[i]);
    }
}

void Verifier::check_table(const Table& table) {
    for (size_t i = 0; i < table.entries.size(); ++i) {
        const Box& box = table.entries[i].box;
        XDPC_IR_CHECK(box.size() == table.widths.size());
        for (size_t k = 0; k < box.size(); ++k) {
            XDPC_IR_CHECK(box[k].lo <= box[k].hi && box[k].hi <= max_of_width(table.widths[k]));
        }
        const bool sorted = box.size() != 1 || i == 0 || table.entries[i - 1].box[0].hi < box[0].lo;
        XDPC_IR_CHECK(sorted);
    }
}

void Verifier::check_set(const IntervalSet& values, unsigned width) {
    const auto& intervals = values.intervals();
    for (size_t i = 0; i < intervals.size(); ++i) {
        XDPC_IR_CHECK(intervals[i].lo <= intervals[i].hi && intervals[i].hi <= max_of_width(width));
        XDPC_IR_CHECK(i == 0 || intervals[i - 1].hi + 1 < intervals[i].lo);
    }
}

void Verifier::check_cond(const Cond& cond) {
    std::visit(Overloaded{
                   [&](const Atom& atom) {
                       XDPC_IR_CHECK(atom.key.value < program_.keys.size());
                       const unsigned width = width_of(program_.keys[atom.key.value]);
                       XDPC_IR_CHECK(atom.mask <= max_of_width(width));
                       check_set(atom.values, width);
                   },
                   [&](const Lookup& lookup) { check_keys(lookup.keys, lookup.masks, lookup.table); },
                   [&](const SetLookup& lookup) { check_keys(lookup.keys, lookup.masks); },
                   [&](const And& all) {
                       for (const Cond& part : all.parts) {
                           check_cond(part);
                       }
                   },
                   [&](const Or& any) {
                       for (const Cond& part : any.parts) {
                           check_cond(part);
                       }
                   },
                   [&](const Not& negation) {
                       XDPC_IR_CHECK(negation.part.size() == 1);
                       check_cond(negation.part.front());
                   },
               },
               cond.node);
}

void Verifier::check_step(const Step& step) {
    std::visit(Overloaded{
                   [&](const Guard& guard) { check_cond(guard.cond); },
                   [&](const Count& count) { check_slot(count.slot); },
                   [&](const Decide&) {},
                   [&](const LiveDispatch& dispatch) { check_keys(dispatch.keys, dispatch.masks); },
                   [&](const LimitStep& limit) { check_keys(limit.keys, limit.masks); },
                   [&](const QuotaStep&) {},
                   [&](const UpdateSet& update) { check_keys(update.keys, update.masks); },
                   [&](const Log&) {},
                   [&](const Sample& sample) { XDPC_IR_CHECK(sample.one_in > 0); },
                   [&](const RewriteStep& step) {
                       const auto* set = std::get_if<packet::SetField>(&step.what);
                       const bool reads = set != nullptr && set->from_key;
                       const bool maps = step.table || step.live;
                       XDPC_IR_CHECK(reads == !step.keys.empty() && (maps || step.keys.size() <= 1));
                       XDPC_IR_CHECK(!step.table || !step.live);
                       if (step.table) {
                           check_keys(step.keys, step.masks, *step.table);
                           for (const Table::Entry& entry : program_.tables[step.table->value].entries) {
                               XDPC_IR_CHECK(entry.value < step.values.size());
                           }
                       } else if (reads) {
                           check_keys(step.keys, step.masks);
                       }
                   },
                   [&](const Route&) {},
                   [&](const Pick& pick) {
                       XDPC_IR_CHECK(!pick.otherwise || *pick.otherwise < pick.count);
                       XDPC_IR_CHECK(pick.table.has_value() != pick.live.has_value());
                       if (pick.live) {
                           check_keys(pick.keys, pick.masks);
                           return;
                       }
                       check_keys(pick.keys, pick.masks, *pick.table);
                       for (const Table::Entry& entry : program_.tables[pick.table->value].entries) {
                           XDPC_IR_CHECK(entry.value < pick.count);
                       }
                   },
                   [&](const Dispatch& dispatch) {
                       check_keys(dispatch.keys, dispatch.masks, dispatch.table);
                       for (const Table::Entry& entry : program_.tables[dispatch.table.value].entries) {
                           XDPC_IR_CHECK(entry.value < dispatch.verdicts.size());
                       }
                   },
               },
               step.node);
    each_verdict(step, [&](const Verdict& verdict) { check_verdict(verdict); });
}

/// The checker limits the depth of chains, so recursion is safe.
void Verifier::check_acyclic(uint32_t chain) {
    XDPC_IR_CHECK(visits_[chain] != Visit::Open);
    if (visits_[chain] != Visit::New) {
        return;
    }
    visits_[chain] = Visit::Open;
    for (const Rule& rule : program_.chains[chain].rules) {
        each_target(rule, [&](ChainId target) { check_acyclic(target.value); });
    }
    visits_[chain] = Visit::Done;
}

void Verifier::run() {
    XDPC_IR_CHECK(program_.entry.value < program_.chains.size());
    XDPC_IR_CHECK(program_.chains[program_.entry.value].end.verdict);
    for (const Table& table : program_.tables) {
        check_table(table);
    }
    for (const Chain& chain : program_.chains) {
        for (const Rule& rule : chain.rules) {
            check_slot(rule.slot);
            for (size_t i = 0; i < rule.steps.size(); ++i) {
                const auto* pick = std::get_if<Pick>(&rule.steps[i].node);
                XDPC_IR_CHECK(pick == nullptr || pick->count < rule.steps.size() - i);
                check_step(rule.steps[i]);
            }
        }
        check_slot(chain.end.slot);
        if (chain.end.verdict) {
            check_verdict(*chain.end.verdict);
        }
    }
    visits_.assign(program_.chains.size(), Visit::New);
    for (uint32_t chain = 0; chain < program_.chains.size(); ++chain) {
        check_acyclic(chain);
    }
}

} // namespace

void verify(const Program& program) {
    Verifier(program).run();
}

} // namespace xdpc::ir
