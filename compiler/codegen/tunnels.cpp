// What encap statements put on, as data for codegen-templates/tunnel.bpf.c.
#include "codegen-templates/templates.h"
#include "compiler/codegen/lowering.h"
#include "compiler/packet/tunnel.h"

#include <algorithm>
#include <cstring>

namespace xdpc::codegen {

using namespace llvm;

uint32_t add_tunnel(Lowering& l, const packet::Encap& encap) {
    const TunnelRow& row = row_of(encap.kind);
    const std::vector<uint8_t> head = packet::outer_headers(encap);
    xdpc_tunnel tunnel{};
    std::copy(head.begin(), head.end(), std::begin(tunnel.head));
    tunnel.bytes = static_cast<uint32_t>(head.size());
    tunnel.mtu = encap.mtu;
    for (size_t i = 0; i < 20; i += 2) {
        tunnel.sum += uint32_t{head[i]} << 8 | head[i + 1];
    }
    const auto flag = [&](bool is, uint32_t bit) { tunnel.flags |= is ? bit : 0; };
    flag(row.ip4, XDPC_TUNNEL_IP4);
    flag(row.ip6, XDPC_TUNNEL_IP6);
    flag(!row.ip4 && !row.ip6, XDPC_TUNNEL_FRAME);
    flag(encap.outer6, XDPC_TUNNEL_OUTER6);
    flag(row.port != 0, XDPC_TUNNEL_UDP);
    flag(encap.kind == Tunnel::Gue, XDPC_TUNNEL_GUE);
    flag(encap.kind == Tunnel::Gre, XDPC_TUNNEL_GRE);
    flag(encap.dscp.has_value(), XDPC_TUNNEL_DSCP);
    flag(encap.answers, XDPC_TUNNEL_ANSWER);
    const auto same = [&](const xdpc_tunnel& other) { return memcmp(&tunnel, &other, sizeof tunnel) == 0; };
    const auto found = std::find_if(l.tunnels.begin(), l.tunnels.end(), same);
    const auto number = static_cast<uint32_t>(found - l.tunnels.begin());
    if (found == l.tunnels.end()) {
        l.tunnels.push_back(tunnel);
    }
    return number;
}

uint32_t tunnels_of(const packet::Decap& decap) {
    constexpr auto bit = [](Tunnel kind) { return 1U << static_cast<unsigned>(kind); };
    static_assert(bit(Tunnel::Ipip) == XDPC_DECAP_IPIP && bit(Tunnel::Ip6InIp4) == XDPC_DECAP_6IN4 &&
                  bit(Tunnel::Ip4InIp6) == XDPC_DECAP_4IN6 && bit(Tunnel::Ip6Ip6) == XDPC_DECAP_IP6IP6 &&
                  bit(Tunnel::Gre) == XDPC_DECAP_GRE && bit(Tunnel::Gue) == XDPC_DECAP_GUE &&
                  bit(Tunnel::Vxlan) == XDPC_DECAP_VXLAN);
    return decap.kind ? bit(*decap.kind) : uint32_t{XDPC_DECAP_ANY};
}

void emit_tunnels(Lowering& l) {
    if (l.tunnels.empty()) {
        return;
    }
    const auto global = [&](const char* name, Constant* data) {
        auto* made =
            new GlobalVariable(l.module, data->getType(), true, GlobalValue::ExternalLinkage, data, name);
        made->setSection(".rodata");
        made->setAlignment(Align(8));
        l.debug.describe_bytes(*made, l.module.getDataLayout().getTypeAllocSize(data->getType()));
    };
    const auto* bytes = reinterpret_cast<const uint8_t*>(l.tunnels.data());
    global("xdpc_tunnels",
           ConstantDataArray::get(l.context(), ArrayRef(bytes, l.tunnels.size() * sizeof(xdpc_tunnel))));
    global("xdpc_tunnel_count", l.c32(static_cast<uint32_t>(l.tunnels.size())));
}

} // namespace xdpc::codegen
