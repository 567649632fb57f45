// Random policies as text, and packets aimed at them: for differential tests of the whole way from text to a
// verdict (evaluator, program in the kernel). What a seed gives is the same everywhere.
#pragma once

#include "compiler/policy/evaluate.h"
#include "tests/harness/random_frame.h"

#include <string>

namespace xdpc::test {

using Frames = std::vector<std::vector<uint8_t>>;

struct RandomTextOptions {
    size_t max_rules = 10; // a chain
    size_t max_chains = 3; // besides `ingress`
    size_t max_sets = 3;
    size_t max_elements = 30; // of a set
    size_t max_live = 0;      // live sets and maps, and rules that change them
    bool meters = false;      // limits, quotas, counters with a name, logs and samples
    bool surroundings = true; // also matches meta random, rxqueue, cpu, iifname
};

/// A policy whose values are mostly those of the samples, or next to them, so that its rules match some. The
/// checker accepts it, save for the odd contradiction.
std::string random_policy_text(Rng& rng, const Frames& samples, const RandomTextOptions& options = {});

/// The samples, whole and cut, with bytes changed, exchanged between samples, and off by one.
Frames aimed_frames(Rng& rng, const Frames& samples, size_t count, size_t least = 0);

} // namespace xdpc::test
