// xdpc-bench-load OBJECT INTERFACE PIN: what a small loader of hand-written C does, for comparison with `xdpc
// apply`: opens, loads, attaches by link in native mode and pins the link.
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <net/if.h>

namespace {
int say(const char* what) {
    std::fprintf(stderr, "xdpc-bench-load: %s: %s\n", what, std::strerror(errno));
    return 3;
}
} // namespace

int main(int argc, char** argv) {
    if (argc != 4)
        return std::fprintf(stderr, "usage: xdpc-bench-load OBJECT INTERFACE PIN\n"), 2;
    bpf_object* object = bpf_object__open_file(argv[1], nullptr);
    if (object == nullptr)
        return say("open");
    if (bpf_object__load(object) != 0)
        return say("load");
    bpf_link* link = bpf_program__attach_xdp(bpf_object__find_program_by_name(object, "hand"),
                                             static_cast<int>(if_nametoindex(argv[2])));
    if (link == nullptr)
        return say("attach");
    if (bpf_link__pin(link, argv[3]) != 0)
        return say("pin");
    return 0;
}
