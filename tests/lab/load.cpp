#include "tests/lab/load.h"

#include <cstdlib>
#include <sstream>

namespace xdpc::lab {

packet::Frame datagram(uint16_t port, uint32_t source) {
    packet::Recipe recipe;
    auto header = [&](HeaderId id, std::vector<packet::FieldValue> fields) {
        recipe.layers.emplace_back(packet::HeaderLayer{id, std::move(fields), {}});
    };
    header(HeaderId::Ether, {{FieldId::EtherDaddr, 0x020000000002}, {FieldId::EtherSaddr, 0x020000000001}});
    header(HeaderId::Ip, {{FieldId::IpSaddr, source}, {FieldId::IpDaddr, 0x0a630002}});
    header(HeaderId::Udp, {{FieldId::UdpDport, port}});
    return packet::build(recipe);
}

uint64_t driver_drops(const Lab& lab, uint64_t refused) {
    Ran ran;
    lab.outside().run([&] {
        ran = run({"sh", "-c",
                   "tc -s qdisc show dev xdpc-out | grep -o 'dropped [0-9]*' | head -1 | cut -d' ' -f2;"
                   " ip -s link show xdpc-out | awk '/TX:/{getline; print $4}'"});
    });
    uint64_t queue = 0, device = 0;
    std::istringstream(ran.out) >> queue >> device;
    return queue + device - refused;
}

unsigned wanted_applies(unsigned otherwise) {
    const char* asked = std::getenv("XDPC_SOAK_APPLIES");
    return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10)) : otherwise;
}

uint64_t send_load(const std::function<const packet::Frame&(uint64_t)>& frame,
                   const std::function<bool(uint64_t)>& more, std::chrono::microseconds pause,
                   uint64_t& refused) {
    harness::FrameSocket socket(Lab::peer);
    uint64_t sent = 0;
    while (more(sent)) {
        if (socket.send(frame(sent)))
            ++sent;
        else
            ++refused;
        if (sent % 64 == 0)
            std::this_thread::sleep_for(pause);
    }
    return sent;
}

} // namespace xdpc::lab
