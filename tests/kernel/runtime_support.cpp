#include "tests/kernel/runtime_support.h"

#include "runtime/interface.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace xdpc::rt::test {

namespace fs = std::filesystem;

std::vector<uint8_t> object(const std::string& name) {
    std::ifstream file(std::string(XDPC_BPF_DIR "/") + name + ".o", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Decider rule(const std::string& name, const std::string& text, uint32_t slot) {
    Decider decider;
    decider.name = name;
    decider.display = name.empty() ? "test.xdp:1" : name;
    decider.chain = "ingress";
    decider.text = text;
    decider.file = "test.xdp";
    decider.line = 1;
    decider.verdict = "drop";
    decider.slot = slot;
    return decider;
}

namespace {

Decider policy(uint32_t slot) {
    Decider decider;
    decider.is_policy = true;
    decider.name = decider.chain = "ingress";
    decider.display = "policy";
    decider.text = "policy pass";
    decider.slot = slot;
    return decider;
}

Artifact artifact(const std::string& object_name) {
    Artifact artifact;
    artifact.object = object(object_name);
    artifact.policy = "policies/" + object_name + ".xdp";
    artifact.source_digest = "digest of " + object_name;
    artifact.slots = 5;
    artifact.kernel = "6.1";
    artifact.sources = {{artifact.policy, "chain ingress { policy pass; }\n"}};
    return artifact;
}

} // namespace

Artifact forward_policy() {
    Artifact made = artifact("count");
    made.deciders = {rule("zero", "kind 0 drop", 0), rule("one", "kind 1 drop", 1),
                     rule("", "kind 2 drop", 2), rule("three", "kind 3 drop", 3), policy(4)};
    return made;
}

Artifact reversed_policy() {
    Artifact made = artifact("count_reversed");
    // Rule `one` is gone and `other` counts in its place; `zero` has another text.
    made.deciders = {rule("three", "kind 3 drop", 0), rule("", "kind 2 drop", 1),
                     rule("other", "kind 1 drop", 2), rule("zero", "kind 0x0 drop", 3), policy(4)};
    return made;
}

std::vector<uint8_t> frame_of_kind(uint8_t kind, size_t size) {
    std::vector<uint8_t> frame(size);
    frame[0] = frame[6] = 2;
    frame[5] = 1;
    frame[11] = 2;
    frame[12] = 0x88;
    frame[13] = 0xb5;
    frame[14] = kind;
    return frame;
}

uint64_t packets_of(const std::string& iface, const std::string& rule_name) {
    Stats read = must(stats(iface));
    for (const DeciderCount& count : read.deciders) {
        if (count.decider.name == rule_name ||
            (count.decider.name.empty() && count.decider.text == rule_name))
            return count.end ? count.end->packets : 0;
    }
    ADD_FAILURE() << "no rule " << rule_name;
    return 0;
}

std::multiset<std::string> open_descriptors() {
    std::multiset<std::string> targets;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", error)) {
        std::string target = fs::read_symlink(entry.path(), error).string();
        // The directory being listed is open as well.
        if (!error && !target.starts_with("/proc/"))
            targets.insert(target);
    }
    return targets;
}

uint32_t running_program(const std::string& iface) {
    return must(attached_program(must(find_interface(iface)))).id;
}

std::vector<std::string> Pair::inodes() const {
    std::vector<std::string> found;
    for (const harness::Netns* netns : {&here, &there})
        netns->run([&] { found.push_back(std::to_string(must(network_namespace()))); });
    return found;
}

std::set<std::string> Pair::pins() const {
    std::set<std::string> paths;
    std::error_code error;
    for (const std::string& inode : inodes()) {
        if (fs::exists("/sys/fs/bpf/xdpc/" + inode))
            paths.insert("/sys/fs/bpf/xdpc/" + inode);
        for (const auto& entry : fs::recursive_directory_iterator("/sys/fs/bpf/xdpc/" + inode, error))
            paths.insert(entry.path().string());
    }
    return paths;
}

std::set<std::string> Pair::locks() const {
    std::set<std::string> paths;
    std::error_code error;
    for (const std::string& inode : inodes()) {
        for (const auto& entry : fs::directory_iterator("/run/xdpc", error)) {
            if (entry.path().filename().string().starts_with(inode + "-"))
                paths.insert(entry.path().string());
        }
    }
    return paths;
}

void Pair::send(uint8_t kind, unsigned count) const {
    there.run([&] {
        harness::FrameSocket socket("v1");
        for (unsigned i = 0; i < count; i++)
            ASSERT_TRUE(socket.send(frame_of_kind(kind)));
    });
    // veth's receiver runs in softirq, on this CPU or another.
    usleep(20'000);
}

} // namespace xdpc::rt::test
