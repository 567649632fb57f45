// Artifacts around the C programs of this folder, and what tests ask of pins and counters.
#pragma once

#include "runtime/attach.h"
#include "tests/harness/netns.h"

#include <gtest/gtest.h>
#include <set>

namespace xdpc::rt::test {

/// The bytes of one of runtime.cmake's objects.
std::vector<uint8_t> object(const std::string& name);

/// A rule named `name` (or unnamed with `text`) that counts in `slot`.
Decider rule(const std::string& name, const std::string& text, uint32_t slot);

/// `count`: rules zero…three drop and count frames of kind 0…3, in slots 0…3; `policy` counts the rest.
Artifact forward_policy();
/// The same rules in another order and with other slots (object count_reversed).
Artifact reversed_policy();

/// A frame of ethertype 88b5 of the given kind.
std::vector<uint8_t> frame_of_kind(uint8_t kind, size_t size = 60);

/// Packets counted for the rule (by name, or text if unnamed) on the interface; fails the test if unknown.
uint64_t packets_of(const std::string& iface, const std::string& rule_name);

/// What the open descriptors of this process refer to.
std::multiset<std::string> open_descriptors();

/// The program the interface of the current namespace runs, 0 if none.
uint32_t running_program(const std::string& iface);

/// One namespace `here` with `v0`, whose peer `v1` is in `there`.
class Pair : public ::testing::Test {
protected:
    Pair() : here("here"), there("there") { harness::make_veth(here, "v0", there, "v1"); }
    /// Sends `count` frames of a kind into v0 and waits until XDP there has seen them.
    void send(uint8_t kind, unsigned count) const;
    /// Paths of everything pinned for interfaces of the two namespaces.
    [[nodiscard]] std::set<std::string> pins() const;
    /// Their lock files.
    [[nodiscard]] std::set<std::string> locks() const;
    harness::Netns here;
    harness::Netns there;

private:
    [[nodiscard]] std::vector<std::string> inodes() const;
};

/// Fails the test with the error's text if the result is one.
template<class T> T must(tl::expected<T, Error> result) {
    if (!result) {
        ADD_FAILURE() << result.error().message << " (" << result.error().hint << ")";
        throw std::runtime_error(result.error().message);
    }
    return std::move(*result);
}
template<class T> T must(tl::expected<T, LoadError> result) {
    if (!result) {
        ADD_FAILURE() << result.error().error.message << " (" << result.error().error.hint << ")";
        throw std::runtime_error(result.error().error.message);
    }
    return std::move(*result);
}

} // namespace xdpc::rt::test
