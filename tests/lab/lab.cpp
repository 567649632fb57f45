#include "tests/lab/lab.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace xdpc::lab {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> result;
    for (const std::string& word : words)
        result.push_back(const_cast<char*>(word.c_str())); // posix_spawn does not write to them
    result.push_back(nullptr);
    return result;
}

std::string contents(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

void append_tree(const std::string& directory, std::vector<std::string>& found) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error))
        found.push_back(entry.path().string());
}

} // namespace

std::string xdpc_path() {
    return XDPC_BINARY_DIR "/xdpc";
}

Ran run(const std::vector<std::string>& command, const std::vector<std::string>& extra) {
    char out[] = "/tmp/xdpc-lab-out-XXXXXX", err[] = "/tmp/xdpc-lab-err-XXXXXX";
    int files[2] = {mkostemp(out, O_CLOEXEC), mkostemp(err, O_CLOEXEC)};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, files[0], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, files[1], STDERR_FILENO);
    std::vector<std::string> environment = extra;
    for (char** variable = environ; *variable != nullptr; ++variable)
        environment.emplace_back(*variable);
    pid_t child = 0;
    int failed = posix_spawnp(&child, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                              pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (failed == 0)
        waitpid(child, &status, 0);
    Ran ran{failed != 0           ? 127
            : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                  : WEXITSTATUS(status),
            contents(out), contents(err)};
    for (int i : {0, 1})
        close(files[i]);
    unlink(out);
    unlink(err);
    return ran;
}

Lab::Lab() {
    char directory[] = "/tmp/xdpc-lab-XXXXXX";
    if (mkdtemp(directory) == nullptr)
        throw std::runtime_error("mkdtemp failed");
    directory_ = directory;
    harness::make_veth(inside_, iface, outside_, peer);
    struct End {
        const harness::Netns& netns;
        const char *iface, *mac, *own4, *own6, *other4, *other6, *other_mac;
    };
    for (const End& end : {End{inside_, iface, inner_mac, inner4, inner6, outer4, outer6, outer_mac},
                           End{outside_, peer, outer_mac, outer4, outer6, inner4, inner6, inner_mac}}) {
        std::string ip = "ip -n " + end.netns.name() + " ", dev = std::string(" dev ") + end.iface;
        // What the stack says of its groups and asks of routers, at times of its own, stays inside.
        harness::shell("nsenter --net=/run/netns/" + end.netns.name() +
                       " nft 'table ip6 quiet { chain out { type filter hook output priority 0; icmpv6 type "
                       "{ mld-listener-report, mld-listener-done, mld2-listener-report, nd-router-solicit } "
                       "drop; }; }'");
        harness::shell(ip + "link set" + dev + " address " + end.mac);
        harness::shell(ip + "addr add " + end.own4 + "/24" + dev);
        harness::shell(ip + "addr add " + end.own6 + "/64 nodad" + dev);
        // Neighbours are given, so that only the test's own packets travel.
        harness::shell(ip + "neigh replace " + end.other4 + " lladdr " + end.other_mac + " nud permanent" +
                       dev);
        harness::shell(ip + "neigh replace " + end.other6 + " lladdr " + end.other_mac + " nud permanent" +
                       dev);
    }
}

Lab::~Lab() {
    (void)detach();
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
}

std::string Lab::file(const std::string& text) {
    std::string path = directory_ + "/policy" + std::to_string(files_++) + ".xdp";
    std::ofstream(path) << text;
    return path;
}

Ran Lab::xdpc(const std::vector<std::string>& arguments, const std::vector<std::string>& extra) const {
    std::vector<std::string> command{xdpc_path()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Ran ran;
    inside_.run([&] { ran = run(command, extra); });
    return ran;
}

Ran Lab::apply(const std::string& text, const std::vector<std::string>& extra) {
    return xdpc({"apply", file(text), "-i", iface, "--mode", "native"}, extra);
}

Ran Lab::detach(const std::vector<std::string>& extra) const {
    return xdpc({"detach", "-i", iface}, extra);
}

/// What `stats --json` says of each rule.
static nlohmann::json rules_of(const Lab& lab) {
    Ran ran = lab.xdpc({"stats", "-i", Lab::iface, "--json"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    auto json = nlohmann::json::parse(ran.out, nullptr, false);
    if (json.is_discarded() || json["interfaces"].empty())
        return nlohmann::json::array();
    return json["interfaces"][0]["rules"];
}

Counts Lab::counts() const {
    Counts counts;
    for (const auto& rule : rules_of(*this))
        if (rule.contains("packets"))
            counts[rule["rule"].get<std::string>()] = {rule["packets"].get<uint64_t>(),
                                                       rule["bytes"].get<uint64_t>()};
    return counts;
}

std::map<std::string, uint64_t> Lab::mid_counts() const {
    std::map<std::string, uint64_t> packets;
    for (const auto& rule : rules_of(*this))
        if (rule.contains("counter"))
            packets[rule["rule"].get<std::string>()] = rule["counter"]["packets"].get<uint64_t>();
    return packets;
}

uint32_t Lab::attached_id() const {
    Ran ran;
    inside_.run([&] { ran = run({"ip", "-j", "link", "show", iface}); });
    auto json = nlohmann::json::parse(ran.out, nullptr, false);
    if (json.is_discarded() || !json.is_array() || json.empty() || !json[0].contains("xdp"))
        return 0;
    return json[0]["xdp"]["prog"]["id"].get<uint32_t>();
}

std::vector<std::string> Lab::pins() const {
    struct stat status{};
    inside_.run([&] { stat("/proc/thread-self/ns/net", &status); });
    std::vector<std::string> found;
    append_tree("/sys/fs/bpf/xdpc/" + std::to_string(status.st_ino), found);
    return found;
}

} // namespace xdpc::lab
