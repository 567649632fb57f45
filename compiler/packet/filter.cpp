#include "compiler/packet/filter.h"

#include "compiler/packet/libpcap.h"

#include <fmt/format.h>

namespace xdpc::packet {

struct Filter::Program {
    const Libpcap& lib;
    bpf_program code{};
    explicit Program(const Libpcap& functions) : lib(functions) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() { lib.pcap_freecode(&code); }
};

Result<Filter> Filter::compile(const std::string& expression) {
    const auto pcap = libpcap();
    if (!pcap) {
        return tl::unexpected(pcap.error());
    }
    const Libpcap& lib = **pcap;
    constexpr int longest = 65535;
    const std::unique_ptr<pcap_t, decltype(lib.pcap_close)> handle(lib.pcap_open_dead(DLT_EN10MB, longest),
                                                                   lib.pcap_close);
    auto program = std::make_shared<Program>(lib);
    if (!handle ||
        lib.pcap_compile(handle.get(), &program->code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return fail(fmt::format("`{}` is no filter: {}", expression,
                                handle ? lib.pcap_geterr(handle.get()) : "libpcap has no memory"),
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
    return program_->lib.pcap_offline_filter(&program_->code, &header, frame.data()) != 0;
}

} // namespace xdpc::packet
