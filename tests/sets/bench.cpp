// xdpc-bench-sets: what a look-up costs in live sets, beside the kernel's HASH and LPM_TRIE of the same size,
// over random keys, half of them in the set. Net of a program that only reads the keys. Medians of runs that
// take turns.
#include "tests/sets/kernel_set.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <functional>
#include <random>

namespace xdpc::sets {
namespace {

using Words = std::vector<uint32_t>;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Ends of elements one after the other, and keys to look for.
struct Workload {
    std::string name = {};
    Shape shape = {};
    uint32_t words = 1;
    Words low = {}, high = {};
    std::vector<unsigned> lengths = {}; // of prefixes
    Words keys = {};
    std::string program = {}, floor = {}, peer = {}, peer_map = {}; // of lookups.bpf.c
};

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

Workload hash(uint32_t size) {
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
               .shape = {.kind = Kind::Interval, .parts = {32}, .size = size, .auto_merge = true}};
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
               .shape = {.kind = Kind::Interval, .parts = {128}, .size = size, .auto_merge = true},
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

/// Elements without those that are there twice.
std::vector<NewElement> elements_of(const Workload& w) {
    std::vector<uint32_t> order(w.low.size() / w.words);
    for (uint32_t i = 0; i < order.size(); i++) {
        order[i] = i;
    }
    const auto low = [&](uint32_t i) {
        return std::span(w.low).subspan(static_cast<size_t>(i) * w.words, w.words);
    };
    const auto high = [&](uint32_t i) {
        return std::span(w.high).subspan(static_cast<size_t>(i) * w.words, w.words);
    };
    const auto compare = [&](uint32_t a, uint32_t b) {
        const auto less = [](std::span<const uint32_t> x, std::span<const uint32_t> y) {
            return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
        };
        return less(low(a), low(b)) || (!less(low(b), low(a)) && less(high(a), high(b)));
    };
    std::sort(order.begin(), order.end(), compare);
    std::vector<NewElement> elements;
    for (size_t i = 0; i < order.size(); i++) {
        if (i == 0 || compare(order[i - 1], order[i])) {
            elements.push_back({.low = low(order[i]), .high = high(order[i])});
        }
    }
    std::shuffle(elements.begin(), elements.end(), std::mt19937_64(1)); // as a file may have them
    return elements;
}

bool fill_peer(const KernelSet& set, const Workload& w) {
    const uint32_t one = 1;
    const int fd = set.map_fd(w.peer_map);
    for (size_t i = 0; i < w.low.size() / w.words; i++) {
        std::array<uint32_t, 5> key{w.low[i]};
        if (!w.lengths.empty()) {
            key[0] = w.lengths[i];
            for (uint32_t word = 0; word < w.words; word++) {
                key[word + 1] = __builtin_bswap32(w.low[i * w.words + word]);
            }
        }
        if (bpf_map_update_elem(fd, key.data(), &one, BPF_ANY) != 0) {
            return false;
        }
    }
    return true;
}

struct Row {
    std::string name;
    uint32_t size = 0;
    double build_s = 0, add_us = 0, ours = 0, peer = 0, ratio = 0, memory_mb = 0;
    uint64_t differ = 0;
};

/// Microseconds of adding one more element, and of taking it out again, in place.
double change_cost(Table& table, const std::vector<NewElement>& elements) {
    const size_t count = std::min<size_t>(elements.size() / 2, 500);
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < count; i++) {
        const NewElement& e = elements[i];
        if (!table.remove(e.low, e.high, 0) || !table.add(e, 0)) {
            return -1;
        }
    }
    return seconds_since(start) * 1e6 / (2 * static_cast<double>(count));
}

Result<Row> measure(const Workload& w, int rounds) {
    Row row{.name = w.name, .size = w.shape.size};
    auto ours = KernelSet::load(w.program, w.shape);
    auto floor = KernelSet::load(w.floor, w.shape);
    auto peer = KernelSet::load(w.peer, w.shape, {{w.peer_map, w.shape.size}});
    for (const auto* each : {&ours, &floor, &peer}) {
        if (!*each) {
            return tl::unexpected(each->error());
        }
        (**each)->set_keys(w.keys, w.words);
    }
    const std::vector<NewElement> elements = elements_of(w);
    Table table = Table::create((*ours)->memory(), w.shape, [] {});
    const auto start = std::chrono::steady_clock::now();
    if (auto built = table.build(elements, 0); !built) {
        return fail("an element " + describe(built.error(), w.shape));
    }
    row.build_s = seconds_since(start);
    if (!fill_peer(**peer, w)) {
        return fail("the kernel's map cannot be filled");
    }
    std::vector<double> of_ours, of_peer, ratios;
    for (int i = 0; i < rounds; i++) {
        const double nothing = (*floor)->run(0, 0, 4);
        of_ours.push_back((*ours)->run(0, 0, 4) - nothing);
        of_peer.push_back((*peer)->run(0, 0, 4) - nothing);
        ratios.push_back(of_ours.back() / of_peer.back());
    }
    for (size_t i = 0; i < (*ours)->found().size(); i++) {
        row.differ += ((*ours)->found()[i].element != 0) != ((*peer)->found()[i].element != 0) ? 1 : 0;
    }
    row.ours = median(of_ours);
    row.peer = median(of_peer);
    row.ratio = median(ratios);
    row.memory_mb = static_cast<double>((*ours)->memory().size()) / 1e6;
    row.add_us = change_cost(table, elements);
    return row;
}

int run(bool is_smoke, const char* json) {
    std::vector<std::function<Workload()>> all{[] { return hash(10'000); }, [] { return prefixes4(10'000); },
                                               [] { return prefixes6(10'000); }};
    if (!is_smoke) {
        all = {[] { return hash(10'000); },       [] { return hash(100'000); },
               [] { return hash(1'000'000); },    [] { return prefixes4(10'000); },
               [] { return prefixes4(100'000); }, [] { return prefixes4(1'000'000); },
               [] { return prefixes6(10'000); },  [] { return prefixes6(50'000); }};
    }
    std::string text = "[";
    fmt::print("{:<14} {:>8} {:>8} {:>10} {:>6} {:>8} {:>10} {:>10}\n", "", "elements", "ns", "kernel ns",
               "ratio", "build s", "change us", "MB");
    for (const auto& make : all) {
        auto row = measure(make(), is_smoke ? 1 : 9);
        if (!row) {
            fmt::print(stderr, "xdpc-bench-sets: {}\n", row.error().message);
            return 3;
        }
        fmt::print("{:<14} {:>8} {:>8.1f} {:>10.1f} {:>6.2f} {:>8.3f} {:>10.1f} {:>10.1f}\n", row->name,
                   row->size, row->ours, row->peer, row->ratio, row->build_s, row->add_us, row->memory_mb);
        std::fflush(stdout);
        text +=
            fmt::format("{}\n  {{\"name\": \"{}\", \"elements\": {}, \"ns\": {:.2f}, \"kernel_ns\": {:.2f}, "
                        "\"ratio\": {:.3f}, "
                        "\"build_s\": {:.4f}, \"change_us\": {:.2f}, \"memory_mb\": {:.2f}, \"differ\": {}}}",
                        text.size() > 1 ? "," : "", row->name, row->size, row->ours, row->peer, row->ratio,
                        row->build_s, row->add_us, row->memory_mb, row->differ);
        if (row->differ != 0) {
            fmt::print(stderr, "xdpc-bench-sets: {} keys are found by one and not by the other\n",
                       row->differ);
            return 1;
        }
    }
    text += "\n]\n";
    if (json) {
        std::FILE* file = std::fopen(json, "w");
        if (!file || std::fputs(text.c_str(), file) < 0 || std::fclose(file) != 0) {
            fmt::print(stderr, "xdpc-bench-sets: cannot write {}\n", json);
            return 3;
        }
    }
    return 0;
}

} // namespace
} // namespace xdpc::sets

int main(int argc, char** argv) {
    bool is_smoke = false;
    const char* json = nullptr;
    for (int i = 1; i < argc; i++) {
        if (std::strcmp(argv[i], "--smoke") == 0) {
            is_smoke = true;
        } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            json = argv[++i];
        } else {
            fmt::print(stderr, "usage: xdpc-bench-sets [--smoke] [--json FILE]\n");
            return 2;
        }
    }
    return xdpc::sets::run(is_smoke, json);
}
