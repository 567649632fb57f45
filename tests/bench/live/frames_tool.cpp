// xdpc-bench-frames OBJECT INTERFACE|none MAC COUNT HEADERS: sends COUNT frames with the headers of a file of
// binary u32 (frames.bpf.c's struct header, taken in turn), prints ns of this thread's CPU a packet: source,
// veth and receiver, whose softirq runs inline. `xdpc-bench-frames OBJECT attach INTERFACE` leaves `return
// XDP_DROP` there, until it is killed: what frames that live on are compared with.
#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <net/if.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

using Frame = std::array<uint8_t, 60>;
constexpr size_t ip_at = 14, tcp_at = 34;

int say(const char* what) {
    std::fprintf(stderr, "xdpc-bench-frames: %s: %s\n", what, std::strerror(errno));
    return 3;
}

uint32_t sum_of(const Frame& frame, size_t begin, size_t end) {
    uint32_t sum = 0;
    for (size_t i = begin; i < end; i += 2)
        sum += static_cast<uint32_t>(frame[i] << 8 | frame[i + 1]);
    return sum;
}

/// A SYN, or what the program makes of it: addresses, ports, protocol and IP's checksum are its to write.
Frame make_frame(const char* mac) {
    Frame frame{};
    std::sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame[0], &frame[1], &frame[2], &frame[3], &frame[4],
                &frame[5]);
    const std::array<uint8_t, 6> from = {2, 0, 0, 0, 0, 9};
    std::copy(from.begin(), from.end(), frame.begin() + 6);
    frame[12] = 8;
    const std::array<uint8_t, 20> ip = {0x45, 0, 0, 40, 0, 0, 0, 0, 64};
    std::copy(ip.begin(), ip.end(), frame.begin() + ip_at);
    const std::array<uint8_t, 16> tcp = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff};
    std::copy(tcp.begin(), tcp.end(), frame.begin() + tcp_at);
    return frame;
}

template<class T> void set_constant(bpf_object* object, size_t at, T value) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        if (std::string(bpf_map__name(map)).find(".rodata") == std::string::npos)
            continue;
        size_t size = 0;
        auto* bytes = static_cast<char*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
        if (at + sizeof value <= size)
            std::memcpy(bytes + at, &value, sizeof value);
    }
}

struct Header {
    uint32_t saddr, daddr, ports, protocol;
};

bool fill_headers(bpf_object* object, const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<Header> all(1U << 20);
    const size_t size = all.size() * sizeof(Header);
    file.read(reinterpret_cast<char*>(all.data()), static_cast<std::streamsize>(size));
    const auto count = static_cast<size_t>(file.gcount()) / sizeof(Header);
    if (count == 0)
        return false;
    for (size_t i = count; i < all.size(); ++i) // a short list goes round
        all[i] = all[i - count];
    bpf_map* map = bpf_object__find_map_by_name(object, "headers");
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    if (memory == MAP_FAILED)
        return false;
    std::memcpy(memory, all.data(), size);
    munmap(memory, size);
    return true;
}

double cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

int attach_drop(const char* object_file, const char* iface) {
    bpf_object* object = bpf_object__open_file(object_file, nullptr);
    if (object == nullptr || bpf_object__load(object) != 0)
        return say("load");
    bpf_link* link = bpf_program__attach_xdp(bpf_object__find_program_by_name(object, "drop"),
                                             static_cast<int>(if_nametoindex(iface)));
    if (link == nullptr)
        return say("attach");
    std::puts("ready");
    std::fflush(stdout);
    pause();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 4 && std::string(argv[2]) == "attach")
        return attach_drop(argv[1], argv[3]);
    if (argc != 6)
        return std::fprintf(stderr, "usage: xdpc-bench-frames OBJECT INTERFACE|none MAC COUNT HEADERS\n"), 2;
    const Frame frame = make_frame(argv[3]);
    const auto count = static_cast<int>(std::strtol(argv[4], nullptr, 10));
    bpf_object* object = bpf_object__open_file(argv[1], nullptr);
    if (object == nullptr)
        return say("open");
    set_constant(object, 0, if_nametoindex(argv[2]));
    set_constant(object, 4, sum_of(frame, ip_at, tcp_at));
    if (bpf_object__load(object) != 0)
        return say("load");
    if (!fill_headers(object, argv[5]))
        return say(argv[5]);
    xdp_md context{};
    context.data_end = frame.size();
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<uint32_t>(frame.size()), .ctx_in = &context,
                .ctx_size_in = sizeof context, .repeat = count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
                .batch_size = 64);
    const int program = bpf_program__fd(bpf_object__find_program_by_name(object, "frames"));
    const double begin = cpu_ns();
    if (bpf_prog_test_run_opts(program, &options) != 0)
        return say("run");
    std::printf("%.3f\n", (cpu_ns() - begin) / count);
    return 0;
}
