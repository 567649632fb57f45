// xdpc-bench-sets: what a look-up costs in live sets, beside the kernel's HASH and LPM_TRIE of the same size,
// over random keys, half of them in the set. Net of a program that only reads the keys. Medians of runs that
// take turns. Then a million keys are looked for in prefix sets and in the kernel's trie while another
// process adds and removes other prefixes: both have to find the same.
#include "tests/sets/workload.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <functional>
#include <linux/membarrier.h>
#include <random>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xdpc::sets {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
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
    uint64_t differ = 0, looked_for = 0, changes = 0; // changes: of other elements, meanwhile
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

/// The first words of keys that no element of a workload has to do with, beside which nothing is looked for.
bool is_reserved(const Workload& w, uint32_t first) {
    return w.words == 1 ? first >> 24 == 0x7f : first >> 16 == 0x3fff;
}

/// Adds and removes prefixes of the reserved part until it is killed.
[[noreturn]] void change_others(Table& table, const Workload& w, uint64_t* changes) {
    std::mt19937_64 engine(7);
    for (;;) {
        std::array<uint32_t, 4> low{};
        std::array<uint32_t, 4> high{};
        const unsigned length = w.words == 1 ? 9 + engine() % 24 : 20 + engine() % 109;
        for (unsigned word = 0; word < w.words; word++) {
            const int fixed = std::clamp(static_cast<int>(length) - static_cast<int>(word) * 32, 0, 32);
            const uint32_t open = fixed == 32 ? 0 : UINT32_MAX >> fixed;
            auto any = static_cast<uint32_t>(engine() % 64) << 12;
            if (word == 0) {
                any = w.words == 1 ? 0x7f000000 | (any & 0xffffff) : 0x3fff0000 | (any >> 12);
            }
            low.at(word) = any & ~open;
            high.at(word) = any | open;
        }
        const std::span<const uint32_t> from(low.data(), w.words);
        const std::span<const uint32_t> to(high.data(), w.words);
        if (!table.add({.low = from, .high = to}, 0)) {
            (void)table.remove(from, to, 0);
        }
        __atomic_fetch_add(changes, 1, __ATOMIC_RELAXED);
    }
}

/// Random ones, half of them under elements.
Words draw_keys(const Workload& w, std::mt19937_64& engine) {
    Words keys;
    while (keys.size() < size_t{most_keys} * w.words) {
        const size_t at = engine() % (w.low.size() / w.words) * w.words;
        if (is_reserved(w, w.low[at])) {
            continue;
        }
        const bool inside = (engine() & 1) != 0;
        for (unsigned word = 0; word < w.words; word++) {
            const auto any = static_cast<uint32_t>(engine());
            const uint32_t open = inside ? w.low[at + word] ^ w.high[at + word] : UINT32_MAX;
            const bool first6 = word == 0 && w.words == 4; // an address that there is
            keys.push_back((w.low[at + word] & ~open) |
                           (any & open & (first6 && !inside ? 0xffffU : UINT32_MAX)) |
                           (first6 && !inside ? w.low[at] & 0xffff0000U : 0));
        }
        if (is_reserved(w, keys[keys.size() - w.words])) {
            keys.resize(keys.size() - w.words);
        }
    }
    return keys;
}

/// Both find the same while another process changes other elements of ours.
bool compare(KernelSet& ours, KernelSet& peer, Table& table, const Workload& w, uint32_t keys, Row& row) {
    void* shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return false;
    }
    auto* changes = static_cast<uint64_t*>(shared);
    const pid_t child = fork();
    if (child == 0) {
        change_others(table, w, changes);
    }
    std::mt19937_64 engine(11);
    while (child > 0 && row.looked_for < keys) {
        const Words drawn = draw_keys(w, engine);
        ours.set_keys(drawn, w.words);
        peer.set_keys(drawn, w.words);
        ours.run(0);
        peer.run(0);
        for (size_t i = 0; i < ours.found().size(); i++) {
            row.differ += (ours.found()[i].element != 0) != (peer.found()[i].element != 0) ? 1 : 0;
        }
        row.looked_for += ours.found().size();
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    row.changes = *changes;
    munmap(shared, 4096);
    return child > 0 && row.changes > 0;
}

void wait_for_programs() {
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

Result<Row> measure(const Workload& w, int rounds) {
    Row row{.name = w.name, .size = static_cast<uint32_t>(w.low.size() / w.words)};
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
    Table table = Table::create((*ours)->memory(), w.shape, wait_for_programs);
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
    if (!w.lengths.empty() && !compare(**ours, **peer, table, w, rounds == 1 ? 1U << 16 : 1U << 20, row)) {
        return fail("the other process changes nothing");
    }
    return row;
}

int run(bool is_smoke, const char* json) {
    std::vector<std::function<Workload()>> all{[] { return addresses4(10'000); },
                                               [] { return prefixes4(10'000); },
                                               [] { return prefixes6(10'000); }};
    if (!is_smoke) {
        all = {[] { return addresses4(10'000); },    [] { return addresses4(100'000); },
               [] { return addresses4(1'000'000); }, [] { return prefixes4(10'000); },
               [] { return prefixes4(100'000); },    [] { return prefixes4(1'000'000); },
               [] { return prefixes6(10'000); },     [] { return prefixes6(50'000); }};
    }
    std::string text = "[";
    fmt::print("{:<14} {:>8} {:>8} {:>10} {:>6} {:>8} {:>10} {:>10} {:>10} {:>8}\n", "", "elements", "ns",
               "kernel ns", "ratio", "build s", "change us", "MB", "looked for", "changes");
    for (const auto& make : all) {
        auto row = measure(make(), is_smoke ? 1 : 9);
        if (!row) {
            fmt::print(stderr, "xdpc-bench-sets: {}\n", row.error().message);
            return 3;
        }
        fmt::print("{:<14} {:>8} {:>8.1f} {:>10.1f} {:>6.2f} {:>8.3f} {:>10.1f} {:>10.1f} {:>10} {:>8}\n",
                   row->name, row->size, row->ours, row->peer, row->ratio, row->build_s, row->add_us,
                   row->memory_mb, row->looked_for, row->changes);
        std::fflush(stdout);
        text += fmt::format(
            "{}\n  {{\"name\": \"{}\", \"elements\": {}, \"ns\": {:.2f}, \"kernel_ns\": {:.2f}, "
            "\"ratio\": {:.3f}, "
            "\"build_s\": {:.4f}, \"change_us\": {:.2f}, \"memory_mb\": {:.2f}, \"differ\": {}, "
            "\"looked_for\": {}, \"changes\": {}}}",
            text.size() > 1 ? "," : "", row->name, row->size, row->ours, row->peer, row->ratio, row->build_s,
            row->add_us, row->memory_mb, row->differ, row->looked_for, row->changes);
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
