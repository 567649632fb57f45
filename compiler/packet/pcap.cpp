#include "compiler/packet/build.h"
#include "compiler/packet/libpcap.h"

#include <fmt/format.h>
#include <memory>

namespace xdpc::packet {

Result<std::vector<Frame>> read_pcap(const std::string& path) {
    const auto pcap = libpcap();
    if (!pcap) {
        return tl::unexpected(pcap.error());
    }
    const Libpcap& lib = **pcap;
    char message[PCAP_ERRBUF_SIZE] = {};
    const std::unique_ptr<pcap_t, decltype(lib.pcap_close)> handle(
        lib.pcap_open_offline(path.c_str(), message), lib.pcap_close);
    if (!handle) {
        return fail(message);
    }
    if (lib.pcap_datalink(handle.get()) != DLT_EN10MB) {
        const char* name = lib.pcap_datalink_val_to_name(lib.pcap_datalink(handle.get()));
        return fail(fmt::format("{}: holds {} frames, not Ethernet", path, name == nullptr ? "other" : name));
    }
    std::vector<Frame> frames;
    for (;;) {
        pcap_pkthdr* header = nullptr;
        const u_char* bytes = nullptr;
        const int status = lib.pcap_next_ex(handle.get(), &header, &bytes);
        if (status == PCAP_ERROR_BREAK) {
            return frames;
        }
        if (status != 1) {
            return fail(fmt::format("{}: {}", path, lib.pcap_geterr(handle.get())));
        }
        frames.emplace_back(bytes, bytes + header->caplen);
    }
}

} // namespace xdpc::packet
