// xdpc-fuzz N [SEED] [DIRECTORY]: N random policies with random packets each, evaluator against kernel, from
// SEED on (default: the clock). A difference is printed and written to DIRECTORY/fuzz-SEED.txt; `xdpc-fuzz 1
// SEED` repeats it.
#include "tests/differential/differential.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

int main(int argc, char** argv) {
    uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
    if (count == 0 || argc > 4)
        return std::fprintf(stderr, "usage: xdpc-fuzz N [SEED] [DIRECTORY]\n"), 2;
    uint64_t seed = argc > 2
                        ? std::strtoull(argv[2], nullptr, 10)
                        : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    std::string directory = argc > 3 ? argv[3] : ".";
    size_t packets = 0, differences = 0, too_large = 0;
    for (uint64_t i = 0; i < count; ++i) {
        auto result = xdpc::test::compare_with_kernel(seed + i);
        if (!result)
            return std::fprintf(stderr, "xdpc-fuzz: %s\n", result.error().message.c_str()), 3;
        packets += result->packets;
        too_large += result->too_large ? 1 : 0;
        if (result->difference.empty())
            continue;
        ++differences;
        std::string path = directory + "/fuzz-" + std::to_string(seed + i) + ".txt";
        std::ofstream(path) << result->difference;
        std::printf("%s\nwritten to %s\n\n", result->difference.c_str(), path.c_str());
    }
    std::printf("%zu policies from seed %zu, %zu packets, %zu differences, %zu too large to compile\n",
                static_cast<size_t>(count), static_cast<size_t>(seed), packets, differences, too_large);
    return differences == 0 ? 0 : 1;
}
