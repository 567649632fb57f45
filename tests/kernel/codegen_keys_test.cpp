// Every key as a program of one rule: the verifier takes it, and it reads what the evaluator reads, in frames
// of all kinds, damaged ones too.
#include "tests/kernel/codegen_support.h"

namespace xdpc::codegen_test {
namespace {

std::vector<KeySource> every_key() {
    std::vector<KeySource> keys;
    for (size_t i = 0; i < all_fields().size(); ++i) {
        keys.emplace_back(FieldKey{static_cast<FieldId>(i)});
    }
    for (size_t i = 0; i < all_headers().size(); ++i) {
        keys.emplace_back(ExistsKey{static_cast<HeaderId>(i)});
    }
    for (size_t i = 0; i < all_metas().size(); ++i) {
        keys.emplace_back(MetaKey{static_cast<MetaId>(i)});
    }
    for (const RawBase base : {RawBase::Ll, RawBase::Nh, RawBase::Th, RawBase::Ih}) {
        keys.emplace_back(RawKey{base, 0, 8});
        keys.emplace_back(RawKey{base, 13, 5});
        keys.emplace_back(RawKey{base, 16, 32});
        keys.emplace_back(RawKey{base, 3, 64});
        keys.emplace_back(RawKey{base, 40, 128});
        keys.emplace_back(RawKey{base, 7, 127});
    }
    keys.emplace_back(RawKey{RawBase::Ll, 4'000'000'000U, 16});
    return keys;
}

/// The values the key has in the frames, a few of them.
std::vector<u128> values_in(const KeySource& key, const Frames& frames, const Policy& policy) {
    std::vector<u128> values;
    State state(policy);
    for (const auto& frame : frames) {
        PacketView view;
        view.frame = frame;
        view.iifname = "veth7";
        view.ifindex = 7;
        view.rxqueue = 3;
        view.cpu = 5;
        const auto value = read_key(key, view, state);
        if (value && std::find(values.begin(), values.end(), *value) == values.end()) {
            values.push_back(*value);
        }
        state.elapsed_ns += 3'456'789'012'345;
        ++state.packets;
    }
    return values;
}

/// Rules that tell presence, one value, a range and a bit of the key apart.
Policy policy_of(const KeySource& key, const std::vector<u128>& values) {
    test::PolicyBuilder policy(Pass{});
    const unsigned width = width_of(key);
    const u128 top = max_of_width(width);
    const u128 middle = values.empty() ? top / 2 : values[values.size() / 2];
    policy.rule({test::match(test::one(key, {{middle, middle}})), test::verdict(Drop{})});
    policy.rule({test::match(test::one(key, {{top / 3, top / 2}})), test::verdict(Drop{})});
    policy.rule({test::match(test::one(key, {{0, 0}}, true, 1)), test::verdict(Tx{})});
    policy.rule({test::match(test::one(key, {{0, top}})), test::verdict(Abort{})});
    return policy.get();
}

TEST(CodegenKeys, EveryKeyLoadsAndReadsAsTheEvaluatorDoes) {
    test::Rng rng(11);
    const Frames frames = test::random_frames(rng, 1500, 14);
    const Policy none = test::PolicyBuilder().get();
    for (const KeySource& key : every_key()) {
        const Policy policy = policy_of(key, values_in(key, frames, none));
        EXPECT_EQ(check_policy(policy, frames), "") << name_of(key);
        if (::testing::Test::HasFailure() && std::getenv("XDPC_FAIL_FAST")) {
            return;
        }
    }
}

} // namespace
} // namespace xdpc::codegen_test
