// A lab for tests with real traffic: two network namespaces joined by a veth pair, addresses on both ends,
// and the built `xdpc` as a user runs it, on the inner end.
#pragma once

#include "tests/harness/netns.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace xdpc::lab {

struct Ran {
    int status = 0; // exit code; 128 + signal
    std::string out, err;
};
/// Runs a command in the calling thread's network namespace. `extra` are environment variables
/// ("NAME=value").
Ran run(const std::vector<std::string>& command, const std::vector<std::string>& extra = {});

struct Count {
    uint64_t packets = 0, bytes = 0;
    bool operator==(const Count&) const = default;
};
using Counts = std::map<std::string, Count>; // by display name; the entry chain's policy is "policy"

class Lab {
public:
    static constexpr const char* iface = "xdpc-in";
    static constexpr const char* peer = "xdpc-out";
    static constexpr const char* inner4 = "10.99.0.2";
    static constexpr const char* outer4 = "10.99.0.1";
    static constexpr const char* inner6 = "fd99::2";
    static constexpr const char* outer6 = "fd99::1";
    static constexpr const char* inner_mac = "02:00:00:00:00:02";
    static constexpr const char* outer_mac = "02:00:00:00:00:01";

    Lab();
    /// Takes the policy off, if one is on.
    ~Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    /// Writes a policy to a file of its own and gives its path.
    std::string file(const std::string& text);
    /// `xdpc ARGUMENTS` inside.
    [[nodiscard]] Ran xdpc(const std::vector<std::string>& arguments,
                           const std::vector<std::string>& extra = {}) const;
    /// `xdpc apply` of a policy text, natively.
    Ran apply(const std::string& text, const std::vector<std::string>& extra = {});
    [[nodiscard]] Ran detach(const std::vector<std::string>& extra = {}) const;
    [[nodiscard]] Counts counts() const;
    /// Packets of rules' `counter` statements, by the rules' display names.
    [[nodiscard]] std::map<std::string, uint64_t> mid_counts() const;
    /// The id of the XDP program on the inner interface, 0 if there is none.
    [[nodiscard]] uint32_t attached_id() const;
    /// Everything xdpc pinned for interfaces inside, for "nothing is left" checks.
    [[nodiscard]] std::vector<std::string> pins() const;

    [[nodiscard]] const harness::Netns& inside() const { return inside_; }
    [[nodiscard]] const harness::Netns& outside() const { return outside_; }

private:
    harness::Netns inside_{"in"}, outside_{"out"};
    std::string directory_;
    unsigned files_ = 0;
};

/// The built program.
std::string xdpc_path();

} // namespace xdpc::lab
