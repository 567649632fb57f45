#include "tests/lab/live_set.h"
#include "tests/lab/sockets.h"

#include <atomic>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace xdpc::lab {

namespace {

/// A file that lasts as long as this.
struct ElementFile {
    explicit ElementFile(const std::string& text) {
        static std::atomic<int> number = 0;
        path = testing::TempDir() + "elements-" + std::to_string(getpid()) + "-" + std::to_string(number++) +
               ".txt";
        std::ofstream(path) << text;
    }
    ElementFile(const ElementFile&) = delete;
    ElementFile& operator=(const ElementFile&) = delete;
    ~ElementFile() { unlink(path.c_str()); }
    std::string path;
};

} // namespace

Ran set(const Lab& lab, std::vector<std::string> words, const std::vector<std::string>& environment) {
    words.insert(words.begin(), "set");
    words.insert(words.end(), {"-i", Lab::iface});
    return lab.xdpc(words, environment);
}

std::map<std::string, nlohmann::json> elements(const Lab& lab, const std::string& name) {
    const Ran ran = set(lab, {"list", name, "--json"});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
    std::map<std::string, nlohmann::json> found;
    const auto document = nlohmann::json::parse(ran.out);
    for (const auto& element : document["elements"])
        found[element["element"]] = element;
    return found;
}

Ran take(const Lab& lab, const std::string& action, const std::string& name, const std::string& text,
         const std::vector<std::string>& environment) {
    const ElementFile file(text);
    return set(lab, {action, name, "--file", file.path}, environment);
}

std::string names(const Lab& lab, const std::string& name) {
    std::string all;
    for (const auto& [element, what] : elements(lab, name))
        all += (all.empty() ? "" : " ") + element;
    return all;
}

bool passes(const Lab& lab, uint16_t port) {
    bool passed = false;
    lab.inside().run([&] {
        Socket socket = udp_server(port);
        lab.outside().run([&] { udp_send(Lab::inner4, port); });
        passed = udp_drain(socket, 50) == 1;
    });
    return passed;
}

} // namespace xdpc::lab
