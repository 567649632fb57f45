// Policies of several chains with hundreds or thousands of rules each, as text: mostly narrow rules, so that
// packets get far, with all that keeps rules out of look-ups in between.
#pragma once

#include "tests/harness/random_text.h"

namespace xdpc::test {

struct LargeTextOptions {
    size_t rules = 800; // a chain, about
    size_t chains = 4;  // besides `ingress`
    size_t jumps = 3;   // of a chain, besides the one to the next chain; the verifier follows each
    // Of a hundred rules, those that are more than narrow ones which decide: few leave long slices, and what
    // they ask for is then kept to fields that most rules ask for.
    unsigned odd = 20;
    bool meters = true; // limits, quotas, named counters, logs and samples
    bool live = true;   // live sets, and rules that change them
};

/// Frames of many addresses and ports, tagged, cut and damaged ones among them.
Frames varied_frames(Rng& rng, size_t count, size_t least);
/// Lines with mistakes (the odd contradiction) may be left out: each rule is a line of its own.
std::string large_policy_text(Rng& rng, const Frames& samples, const LargeTextOptions& options = {});

} // namespace xdpc::test
