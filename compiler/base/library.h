// Shared libraries that only some commands need, loaded when they do: mapping and relocating libcrypto and
// libpcap (which brings D-Bus and systemd along) takes longer than a whole `xdpc set add`.
#pragma once

namespace xdpc {

/// The first of `names` (ends with a null) that can be loaded; it stays. Null if there is none.
void* load_library(const char* const* names);
/// Null if the library has no such function.
void* function_of(void* library, const char* name);

/// `T* f = loaded<decltype(&pcap_close)>(library, "pcap_close")`: names in decltype() are not linked.
template<class Function> Function loaded(void* library, const char* name) {
    return reinterpret_cast<Function>(function_of(library, name));
}

} // namespace xdpc
