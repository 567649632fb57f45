#include "tests/lab/live_set.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {

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
