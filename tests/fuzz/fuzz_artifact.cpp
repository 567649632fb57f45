// Any bytes as an object that `xdpc apply F.o` is given: refused or read, never a crash.
#include "compiler/artifact.h"

using namespace xdpc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto artifact = read_artifact({data, data + size});
    if (artifact)
        (void)artifact_metadata(*artifact);
    (void)parse_artifact_metadata({reinterpret_cast<const char*>(data), size});
    return 0;
}
