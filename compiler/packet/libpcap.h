// The functions of libpcap that this folder uses, loaded with the first of them (compiler/base/library.h).
#pragma once

#include "compiler/base/result.h"

#include <pcap/pcap.h>

namespace xdpc::packet {

#define XDPC_PCAP_FUNCTIONS(X)                                                                               \
    X(pcap_close)                                                                                            \
    X(pcap_compile)                                                                                          \
    X(pcap_datalink)                                                                                         \
    X(pcap_datalink_val_to_name)                                                                             \
    X(pcap_freecode)                                                                                         \
    X(pcap_geterr)                                                                                           \
    X(pcap_next_ex)                                                                                          \
    X(pcap_offline_filter)                                                                                   \
    X(pcap_open_dead)                                                                                        \
    X(pcap_open_offline)

struct Libpcap {
#define X(name) decltype(&::name) name = nullptr;
    XDPC_PCAP_FUNCTIONS(X)
#undef X
};

/// Fails where libpcap is not installed.
Result<const Libpcap*> libpcap();

} // namespace xdpc::packet
