// Foreign programs, several namespaces and interfaces, devices without native XDP, VLAN offload.
#include "tests/kernel/runtime_support.h"

#include "runtime/interface.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

namespace xdpc::rt::test {
namespace {

/// Attaches the way other tools do: by netlink, or by a link of their own.
Loaded attach_by_netlink(const std::string& iface, uint32_t flags) {
    Loaded foreign = must(load(forward_policy()));
    int index = static_cast<int>(must(find_interface(iface)).index);
    EXPECT_EQ(bpf_xdp_attach(index, foreign.program_fd(), flags, nullptr), 0);
    return foreign;
}

TEST_F(Pair, ForeignProgramIsRefusedAndUnchanged) {
    auto pins_before = pins();
    auto locks_before = locks();
    here.run([] {
        uint32_t id = attach_by_netlink("v0", XDP_FLAGS_DRV_MODE).program_id();
        for (bool dry : {false, true}) {
            auto refused = dry ? dry_run(forward_policy(), {"v0"}, {}) : apply(forward_policy(), {"v0"}, {});
            ASSERT_FALSE(refused);
            const Error& error = refused.error().error;
            EXPECT_NE(error.message.find("program " + std::to_string(id) + " `xdpc`"), std::string::npos)
                << error.message;
            EXPECT_NE(error.hint.find("--force"), std::string::npos);
        }
        EXPECT_FALSE(detach("v0"));
        EXPECT_FALSE(stats("v0"));
        EXPECT_EQ(running_program("v0"), id);
        auto shown = must(show());
        ASSERT_EQ(shown.size(), 1U);
        EXPECT_FALSE(shown[0].ours);
        EXPECT_EQ(shown[0].program_id, id);
        EXPECT_EQ(shown[0].program_name, "xdpc");
    });
    EXPECT_EQ(pins(), pins_before);
    EXPECT_EQ(locks(), locks_before);
}

TEST_F(Pair, ForceReplacesAForeignProgram) {
    for (uint32_t flags : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
        here.run([flags] {
            uint32_t id = attach_by_netlink("v0", flags).program_id();
            auto report = must(apply(forward_policy(), {"v0"}, {.force = true}))[0];
            ASSERT_EQ(report.notes.size(), 1U);
            EXPECT_NE(report.notes[0].find(std::to_string(id)), std::string::npos);
            EXPECT_EQ(report.mode, Mode::Native);
            EXPECT_EQ(running_program("v0"), report.program_id);
            EXPECT_TRUE(must(detach("v0")));
            EXPECT_EQ(running_program("v0"), 0U);
        });
    }
}

TEST_F(Pair, ForceReplacesTheLinkOfAnotherTool) {
    here.run([] {
        Loaded foreign = must(load(forward_policy()));
        LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
        Fd link(bpf_link_create(foreign.program_fd(), static_cast<int>(must(find_interface("v0")).index),
                                BPF_XDP, &options));
        ASSERT_TRUE(link.valid());
        EXPECT_FALSE(apply(forward_policy(), {"v0"}, {}));
        EXPECT_EQ(running_program("v0"), foreign.program_id());
        auto report = must(apply(reversed_policy(), {"v0"}, {.force = true}))[0];
        EXPECT_EQ(running_program("v0"), report.program_id);
        must(detach("v0"));
    });
}

TEST_F(Pair, ForcedAttachThatFailsPutsTheForeignProgramBack) {
    here.run([] {
        Loaded foreign = attach_by_netlink("v0", XDP_FLAGS_DRV_MODE);
        EXPECT_FALSE(apply(forward_policy(), {"v0"}, {.mode = Mode::Offload, .force = true}));
        EXPECT_EQ(running_program("v0"), foreign.program_id());
        EXPECT_TRUE(must(show())[0].mode == Mode::Native);
    });
}

TEST_F(Pair, EqualNamesInTwoNamespacesDoNotCollide) {
    harness::Netns other("other");
    harness::Netns far("far");
    harness::make_veth(other, "v0", far, "v1");
    auto index_in = [](const harness::Netns& netns) {
        uint32_t index = 0;
        netns.run([&] { index = must(find_interface("v0")).index; });
        return index;
    };
    ASSERT_EQ(index_in(here), index_in(other)) << "the test wants equal names and indices";
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    other.run([] {
        EXPECT_FALSE(stats("v0"));
        EXPECT_FALSE(must(detach("v0")));
        EXPECT_FALSE(must(apply(reversed_policy(), {"v0"}, {}))[0].replaced);
    });
    send(0, 2);
    other.run([] { EXPECT_EQ(packets_of("v0", "zero"), 0U); });
    here.run([] {
        EXPECT_EQ(packets_of("v0", "zero"), 2U);
        EXPECT_EQ(must(show()).size(), 1U);
        EXPECT_TRUE(must(detach("v0")));
    });
    other.run([] {
        EXPECT_NE(running_program("v0"), 0U);
        EXPECT_EQ(must(show())[0].policy, "policies/count_reversed.xdp");
        EXPECT_TRUE(must(detach("v0")));
    });
}

TEST_F(Pair, SeveralInterfacesAreAllOrNone) {
    auto pins_before = pins();
    auto locks_before = locks();
    harness::make_veth(here, "w0", there, "w1");
    here.run([] {
        auto missing = apply(forward_policy(), {"v0", "nothere"}, {});
        ASSERT_FALSE(missing);
        EXPECT_NE(missing.error().error.message.find("`nothere`"), std::string::npos);
        EXPECT_NE(missing.error().error.hint.find("v0"), std::string::npos);
        EXPECT_EQ(running_program("v0"), 0U);
        auto reports = must(apply(forward_policy(), {"w0", "v0", "w0"}, {}));
        ASSERT_EQ(reports.size(), 2U);
        EXPECT_EQ(reports[0].iface, "w0");
        EXPECT_EQ(reports[1].iface, "v0");
        EXPECT_TRUE(must(detach("w0")));
        EXPECT_TRUE(must(detach("v0")));
    });
    EXPECT_EQ(pins(), pins_before);
    EXPECT_EQ(locks(), locks_before);
}

TEST_F(Pair, FailureOnALaterInterfaceTakesTheEarlierOnesBack) {
    // A bridge has no native XDP, which shows only when it is tried, after v0.
    harness::shell("ip -n " + here.name() + " link add br0 type bridge");
    auto locks_before = locks();
    here.run([] {
        ASSERT_LT(must(find_interface("v0")).index, must(find_interface("br0")).index);
        auto failed = apply(forward_policy(), {"br0", "v0"}, {.mode = Mode::Native});
        ASSERT_FALSE(failed);
        EXPECT_NE(failed.error().error.message.find("`br0`"), std::string::npos)
            << failed.error().error.message;
        EXPECT_NE(failed.error().error.hint.find("generic"), std::string::npos);
        EXPECT_EQ(running_program("v0"), 0U);
        EXPECT_EQ(running_program("br0"), 0U);
    });
    EXPECT_EQ(locks(), locks_before);
    // The same with a policy running on v0: it stays, and so do its counts, those of the short swap included.
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    send(0, 4);
    auto pins_before = pins();
    here.run([this] {
        uint32_t before = running_program("v0");
        set_step_hook([this](const char* name) {
            if (std::string(name) == "attach") // v0 is swapped by now
                send(0, 3);
        });
        auto failed = apply(reversed_policy(), {"v0", "br0"}, {.mode = Mode::Native});
        set_step_hook({});
        ASSERT_FALSE(failed);
        EXPECT_EQ(running_program("v0"), before);
        EXPECT_EQ(packets_of("v0", "zero"), 7U);
        EXPECT_EQ(must(show())[0].generation, 1U);
    });
    EXPECT_EQ(pins(), pins_before);
    here.run([] { must(detach("v0")); });
}

TEST_F(Pair, DevicesWithoutNativeXdpFallBackAloud) {
    harness::shell("ip -n " + here.name() + " link add br0 type bridge");
    here.run([] {
        auto report = must(apply(forward_policy(), {"br0"}, {}))[0];
        EXPECT_EQ(report.mode, Mode::Generic);
        ASSERT_EQ(report.notes.size(), 1U);
        EXPECT_NE(report.notes[0].find("generic"), std::string::npos);
        EXPECT_EQ(must(show())[0].mode, Mode::Generic);
        // A replacement stays in the mode, and another mode is refused.
        EXPECT_EQ(must(apply(reversed_policy(), {"br0"}, {}))[0].mode, Mode::Generic);
        auto refused = apply(reversed_policy(), {"br0"}, {.mode = Mode::Native});
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().error.message.find("runs in generic mode"), std::string::npos);
        EXPECT_TRUE(must(detach("br0")));
        auto native = apply(forward_policy(), {"br0"}, {.mode = Mode::Native});
        EXPECT_FALSE(native);
        auto offload = apply(forward_policy(), {"v0"}, {.mode = Mode::Offload});
        ASSERT_FALSE(offload);
        EXPECT_NE(offload.error().error.message.find("offload mode"), std::string::npos);
        EXPECT_EQ(must(apply(forward_policy(), {"v0"}, {.mode = Mode::Generic}))[0].mode, Mode::Generic);
        must(detach("v0"));
        EXPECT_TRUE(must(show()).empty());
    });
}

TEST_F(Pair, RxVlanOffloadIsNamedOrTurnedOff) {
    Artifact tags = forward_policy();
    tags.reads_tags = true;
    here.run([&] {
        Interface v0 = must(find_interface("v0"));
        ASSERT_EQ(rxvlan_offload(v0), true) << "veth has the switch, and has it on";
        auto noted = must(apply(tags, {"v0"}, {}))[0].notes;
        ASSERT_EQ(noted.size(), 1U);
        EXPECT_NE(noted[0].find("ethtool -K PEER txvlan off"), std::string::npos);
        EXPECT_EQ(rxvlan_offload(v0), true);
        EXPECT_TRUE(must(apply(forward_policy(), {"v0"}, {}))[0].notes.empty());
        EXPECT_EQ(must(dry_run(tags, {"v0"}, {}))[0].notes.size(), 1U);
        ApplyOptions off;
        off.rxvlan = false;
        auto said = must(apply(tags, {"v0"}, off))[0].notes;
        ASSERT_EQ(said.size(), 2U);
        EXPECT_NE(said[1].find("turned rx-vlan-offload of `v0` off"), std::string::npos) << said[1];
        EXPECT_EQ(rxvlan_offload(v0), false);
        EXPECT_TRUE(must(apply(tags, {"v0"}, {}))[0].notes.empty());
        must(detach("v0"));
    });
}

} // namespace
} // namespace xdpc::rt::test
