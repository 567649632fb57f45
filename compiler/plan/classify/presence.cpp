// What the presence of one key tells of others. Without it, tables would be made for packets that do not
// exist: TCP ports in a packet of UDP.
#include "compiler/fields/key_facts.h"
#include "compiler/plan/classify/layout.h"

namespace xdpc::classify {

bool can_be(const RuleSet& set, uint32_t present) {
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        if ((present >> bit & 1) && ((set.with[bit] & ~present) || (set.without[bit] & present))) {
            return false;
        }
    }
    return true;
}

uint32_t closed(const RuleSet& set, uint32_t present) {
    uint32_t all = present;
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        all |= present >> bit & 1 ? set.with[bit] : 0;
    }
    return all;
}

uint32_t needed(const RuleSet& set, uint32_t present) {
    uint32_t left = present;
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        left &= left >> bit & 1 ? ~set.with[bit] : ~0U;
    }
    return left;
}

void relate(RuleSet& set, const ir::Program& program) {
    const auto source = [&](size_t bit) -> const KeySource& { return program.keys[set.presence[bit].value]; };
    set.with.assign(set.presence.size(), 0);
    set.without.assign(set.presence.size(), 0);
    for (size_t bit = 0; bit < set.presence.size(); ++bit) {
        for (size_t other = 0; other < set.presence.size(); ++other) {
            if (bit != other && brings(source(bit), source(other))) {
                set.with[bit] |= 1U << other;
            }
            if (bit != other && excludes(source(bit), source(other))) {
                set.without[bit] |= 1U << other;
            }
        }
    }
}

} // namespace xdpc::classify
