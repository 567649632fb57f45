#include "compiler/packet/filter.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace xdpc::packet {

struct Filter::Program {
    bpf_program code{};
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() { pcap_freecode(&code); }
};

Result<Filter> Filter::compile(const std::string& expression) {
    constexpr int longest = 65535;
    const std::unique_ptr<pcap_t, void (*)(pcap_t*)> handle(pcap_open_dead(DLT_EN10MB, longest), pcap_close);
    auto program = std::make_shared<Program>();
    if (!handle ||
        pcap_compile(handle.get(), &program->code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return fail(fmt::format("`{}` is no filter: {}", expression,
                                handle ? pcap_geterr(handle.get()) : "libpcap has no memory"),
                    "filters are those of tcpdump: 'udp port 53 and host 192.0.2.1'");
    }
    Filter filter;
    filter.program_ = std::move(program);
    return filter;
}

bool Filter::matches(std::span<const uint8_t> frame, uint32_t length) const {
    pcap_pkthdr header{};
    header.caplen = static_cast<bpf_u_int32>(frame.size());
    header.len = length;
    return pcap_offline_filter(&program_->code, &header, frame.data()) != 0;
}

} // namespace xdpc::packet
