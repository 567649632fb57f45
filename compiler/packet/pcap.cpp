#include "compiler/packet/build.h"

#include <pcap/pcap.h>

#include <fmt/format.h>
#include <memory>

namespace xdpc::packet {

namespace {
struct PcapCloser {
    void operator()(pcap_t* handle) const { pcap_close(handle); }
};
} // namespace

Result<std::vector<Frame>> read_pcap(const std::string& path) {
    char message[PCAP_ERRBUF_SIZE] = {};
    const std::unique_ptr<pcap_t, PcapCloser> handle(pcap_open_offline(path.c_str(), message));
    if (!handle) {
        return fail(message);
    }
    if (pcap_datalink(handle.get()) != DLT_EN10MB) {
        const char* name = pcap_datalink_val_to_name(pcap_datalink(handle.get()));
        return fail(fmt::format("{}: holds {} frames, not Ethernet", path, name == nullptr ? "other" : name));
    }
    std::vector<Frame> frames;
    for (;;) {
        pcap_pkthdr* header = nullptr;
        const u_char* bytes = nullptr;
        const int status = pcap_next_ex(handle.get(), &header, &bytes);
        if (status == PCAP_ERROR_BREAK) {
            return frames;
        }
        if (status != 1) {
            return fail(fmt::format("{}: {}", path, pcap_geterr(handle.get())));
        }
        frames.emplace_back(bytes, bytes + header->caplen);
    }
}

} // namespace xdpc::packet
