#include "tests/sets/workload.h"

#include <algorithm>
#include <array>
#include <random>

namespace xdpc::sets {

namespace {

/// Prefix lengths about as in tables of Internet routes, with more hosts and short ones.
unsigned length4(std::mt19937_64& engine) {
    const unsigned draw = engine() % 100;
    return draw < 55   ? 24
           : draw < 78 ? 19 + engine() % 5
           : draw < 88 ? 16 + engine() % 3
           : draw < 90 ? 8 + engine() % 8
                       : 25 + engine() % 8;
}
unsigned length6(std::mt19937_64& engine) {
    const unsigned draw = engine() % 100;
    return draw < 48   ? 48
           : draw < 64 ? 32
           : draw < 84 ? 33 + engine() % 15
           : draw < 88 ? 20 + engine() % 12
           : draw < 97 ? 64
                       : 128;
}

/// For the prefixes that come and go.
constexpr uint32_t room = 2000;

} // namespace

Workload addresses4(uint32_t size) {
    Workload w{.name = "hash ipv4", .shape = {.kind = Kind::Hash, .parts = {32}, .size = size}};
    std::mt19937_64 engine(size);
    for (uint32_t i = 0; i < size; i++) {
        w.low.push_back(
            xdpc_set_mix32(static_cast<uint32_t>(i * 2654435761U) + 12345)); // all different, and random
    }
    for (uint32_t i = 0; i < most_keys; i++) {
        w.keys.push_back(engine() & 1 ? w.low[engine() % size] : static_cast<uint32_t>(engine()));
    }
    w.high = w.low;
    w.program = "hash_1";
    w.floor = "floor_1";
    w.peer = "hash4";
    w.peer_map = "kernel_hash4";
    return w;
}

Workload prefixes4(uint32_t size) {
    Workload w{.name = "prefixes ipv4",
               .shape = {.kind = Kind::Interval, .parts = {32}, .size = size + room, .auto_merge = true}};
    std::mt19937_64 engine(size);
    for (uint32_t i = 0; i < size; i++) {
        const unsigned length = length4(engine);
        const uint32_t open = length == 32 ? 0 : UINT32_MAX >> length;
        w.low.push_back(static_cast<uint32_t>(engine()) & ~open);
        w.high.push_back(w.low.back() | open);
        w.lengths.push_back(length);
    }
    for (uint32_t i = 0; i < most_keys; i++) {
        const size_t at = engine() % size;
        const uint32_t inside = w.low[at] | (static_cast<uint32_t>(engine()) & (w.high[at] - w.low[at]));
        w.keys.push_back(engine() & 1 ? inside : static_cast<uint32_t>(engine()));
    }
    w.program = "interval_1";
    w.floor = "floor_1";
    w.peer = "lpm4";
    w.peer_map = "kernel_lpm4";
    return w;
}

Workload prefixes6(uint32_t size) {
    Workload w{.name = "prefixes ipv6",
               .shape = {.kind = Kind::Interval, .parts = {128}, .size = size + room, .auto_merge = true},
               .words = 4};
    std::mt19937_64 engine(size);
    const std::array<uint32_t, 12> registries{0x20010000, 0x24000000, 0x24010000, 0x24020000,
                                              0x26000000, 0x26010000, 0x26020000, 0x28000000,
                                              0x2a000000, 0x2a010000, 0x2a020000, 0x2a030000};
    const auto address = [&] {
        return std::array<uint32_t, 4>{registries[engine() % registries.size()] |
                                           (static_cast<uint32_t>(engine()) & 0xffff),
                                       static_cast<uint32_t>(engine()), static_cast<uint32_t>(engine()),
                                       static_cast<uint32_t>(engine())};
    };
    std::vector<std::array<uint32_t, 4>> opens;
    for (uint32_t i = 0; i < size; i++) {
        const unsigned length = length6(engine);
        const auto any = address();
        std::array<uint32_t, 4> open{};
        for (unsigned word = 0; word < 4; word++) {
            const int fixed = std::clamp(static_cast<int>(length) - static_cast<int>(word) * 32, 0, 32);
            open[word] = fixed == 32 ? 0 : UINT32_MAX >> fixed;
            w.low.push_back(any[word] & ~open[word]);
            w.high.push_back(any[word] | open[word]);
        }
        opens.push_back(open);
        w.lengths.push_back(length);
    }
    for (uint32_t i = 0; i < most_keys; i++) {
        const auto any = address();
        const size_t at = engine() % size;
        const bool inside = (engine() & 1) != 0;
        for (unsigned word = 0; word < 4; word++) {
            w.keys.push_back(inside ? w.low[at * 4 + word] | (any[word] & opens[at][word]) : any[word]);
        }
    }
    w.program = "interval_4";
    w.floor = "floor_4";
    w.peer = "lpm6";
    w.peer_map = "kernel_lpm6";
    return w;
}

} // namespace xdpc::sets
