#include "compiler/packet/libpcap.h"

#include "compiler/base/library.h"

#include <optional>

namespace xdpc::packet {

namespace {

std::optional<Libpcap> load() {
    static constexpr const char* names[] = {"libpcap.so.0.8", "libpcap.so.1", nullptr};
    void* library = load_library(names);
    Libpcap functions;
    bool complete = library != nullptr;
#define X(name)                                                                                              \
    functions.name = loaded<decltype(&::name)>(library, #name);                                              \
    complete = complete && functions.name != nullptr;
    XDPC_PCAP_FUNCTIONS(X)
#undef X
    return complete ? std::optional(functions) : std::nullopt;
}

} // namespace

Result<const Libpcap*> libpcap() {
    static const std::optional<Libpcap> functions = load();
    if (!functions) {
        return fail("libpcap cannot be loaded", "it is in the package libpcap0.8");
    }
    return &*functions;
}

} // namespace xdpc::packet
