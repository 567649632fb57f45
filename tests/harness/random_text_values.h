// How random policies word keys and values; used by random_text.cpp only.
#pragma once

#include "tests/harness/random_text.h"

#include <optional>

namespace xdpc::test {

class ValueSource {
public:
    ValueSource(Rng& rng, const Frames& samples) : rng_(rng), samples_(samples) {}

    /// A field that the frame has; none of those that say what follows, if `neutral`.
    std::optional<FieldId> field_of(const std::vector<uint8_t>& frame, bool neutral);
    FieldId any_field() { return static_cast<FieldId>(below(rng_, all_fields().size())); }
    /// What some sample has there, or near it, or anything.
    u128 value(const KeySource& key);
    /// "22", "(syn|ack)"
    static std::string worded(const KeySource& key, u128 value);
    /// A value, a range or a prefix.
    std::string interval(const KeySource& key);
    /// "{ 22, 80-90 }"
    std::string list(const KeySource& key, size_t count);
    /// " == 22", " { 22, 80 }", " & 0xf0 == 0x10", " > 5": the rest of a match on one key.
    std::string relation(const KeySource& key);

private:
    std::string masked(const KeySource& key);

    Rng& rng_;
    const Frames& samples_;
};

} // namespace xdpc::test
