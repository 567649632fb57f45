// Interfaces of other namespaces and programs of others.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

TEST(LabInterfaces, EqualNamesInTwoNamespacesDoNotCollide) {
    Lab one, two; // both have an interface of the same name, and the same index
    ASSERT_EQ(one.apply("chain ingress { policy pass; a: udp dport 1 drop }\n").status, 0);
    ASSERT_EQ(two.apply("chain ingress { policy pass; b: udp dport 2 drop }\n").status, 0);
    one.outside().run([&] { udp_send(Lab::inner4, 1); });
    for (int i = 0; i < 2; ++i)
        two.outside().run([&] { udp_send(Lab::inner4, 2); });
    EXPECT_EQ(one.counts()["a"].packets, 1U);
    EXPECT_EQ(one.counts().count("b"), 0U);
    EXPECT_EQ(two.counts()["b"].packets, 2U);
    uint32_t other = two.attached_id();
    EXPECT_EQ(one.detach().status, 0);
    EXPECT_EQ(one.attached_id(), 0U);
    EXPECT_EQ(two.attached_id(), other);
    EXPECT_EQ(two.counts()["b"].packets, 2U);
}

TEST(LabInterfaces, ForeignProgramIsRefusedByIdUnlessForced) {
    Lab lab;
    // Another tool's program: an object of ours, loaded and attached by iproute2 behind our back.
    std::string object = lab.file("") + ".o";
    ASSERT_EQ(lab.xdpc({"build", lab.file("chain ingress { policy pass }\n"), "-o", object}).status, 0);
    std::string pin = "/sys/fs/bpf/xdpc-lab-foreign";
    ASSERT_EQ(run({"bpftool", "prog", "load", object, pin, "type", "xdp"}).status, 0);
    Ran attached;
    lab.inside().run(
        [&] { attached = run({"bpftool", "net", "attach", "xdp", "pinned", pin, "dev", Lab::iface}); });
    run({"rm", pin});
    ASSERT_EQ(attached.status, 0) << attached.err;
    uint32_t foreign = lab.attached_id();
    ASSERT_NE(foreign, 0U);

    Ran refused = lab.apply("chain ingress { policy drop }\n");
    EXPECT_EQ(refused.status, 3);
    EXPECT_NE(refused.err.find(std::to_string(foreign)), std::string::npos) << refused.err;
    EXPECT_EQ(lab.attached_id(), foreign);
    EXPECT_EQ(lab.detach().status, 3);
    EXPECT_EQ(lab.attached_id(), foreign);

    Ran forced =
        lab.xdpc({"apply", lab.file("chain ingress { policy drop }\n"), "-i", Lab::iface, "--force"});
    EXPECT_EQ(forced.status, 0) << forced.err;
    EXPECT_NE(lab.attached_id(), foreign);
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_EQ(lab.attached_id(), 0U);
}

TEST(LabInterfaces, AllInterfacesOrNone) {
    Lab lab;
    Ran ran =
        lab.xdpc({"apply", lab.file("chain ingress { policy drop }\n"), "-i", Lab::iface, "-i", "xdpc-none"});
    EXPECT_EQ(ran.status, 3);
    EXPECT_NE(ran.err.find("xdpc-none"), std::string::npos) << ran.err;
    EXPECT_EQ(lab.attached_id(), 0U);
}

TEST(LabInterfaces, InterfaceNameIsWhatThePolicySees) {
    Lab lab;
    ASSERT_EQ(lab.apply("chain ingress { policy pass; this: iifname \"xdpc-in\" udp dport 9 drop;"
                        " other: iifname \"xdpc-i\" drop }\n")
                  .status,
              0);
    lab.outside().run([&] { udp_send(Lab::inner4, 9); });
    EXPECT_EQ(lab.counts()["this"].packets, 1U);
    EXPECT_EQ(lab.counts()["other"].packets, 0U);
}

} // namespace
} // namespace xdpc::lab
