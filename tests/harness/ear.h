// Listens in a loaded program's maps as runtime/events.cpp does (runtime/STATE.md, "Events"), but for ever.
#pragma once

#include "codegen-templates/abi.h"
#include "runtime/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace xdpc::test {

struct Heard {
    xdpc_event head{};
    std::vector<uint8_t> bytes;
};

class Ear {
public:
    Ear(const rt::Loaded& loaded, uint32_t place, uint32_t ring_bytes = 1U << 20U) : place_(place) {
        void* shared =
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, loaded.map_fd(".data.capture"), 0);
        shared_ = shared == MAP_FAILED ? nullptr : static_cast<xdpc_capture*>(shared);
        ring_map_ = rt::Fd(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ear", 0, 0, ring_bytes, nullptr));
        const int fd = ring_map_.get();
        const bool put = bpf_map_update_elem(loaded.map_fd("rings"), &place_, &fd, BPF_ANY) == 0;
        ring_ = put && shared_ != nullptr ? ring_buffer__new(fd, &Ear::take, this, nullptr) : nullptr;
        if (ring_ == nullptr) {
            return;
        }
        listener().until_ns = ~xdpc_u64{0};
        listener().snap = 65535;
        listener().actions = ~0U;
        listener().by = XDPC_BY_ANY;
    }
    Ear(const Ear&) = delete;
    Ear& operator=(const Ear&) = delete;
    ~Ear() {
        ring_buffer__free(ring_);
        if (shared_ != nullptr) {
            munmap(shared_, 4096);
        }
    }
    /// False where the program tells nothing, or the kernel refuses; the rest may not be called then.
    [[nodiscard]] bool listens() const { return ring_ != nullptr; }
    xdpc_listener& listener() { return shared_->listeners[place_]; }
    xdpc_capture& shared() { return *shared_; }
    void watch() { shared_->watching |= 1U << place_; }
    void capture() { shared_->capturing |= 1U << place_; }
    /// What was told since the last call.
    std::vector<Heard> heard() {
        heard_.clear();
        ring_buffer__consume(ring_);
        return heard_;
    }

private:
    static int take(void* self, void* data, size_t size) {
        Heard heard;
        std::memcpy(&heard.head, data, sizeof heard.head);
        const auto* bytes = static_cast<const uint8_t*>(data) + sizeof heard.head;
        const size_t room = size - sizeof heard.head;
        heard.bytes.assign(bytes, bytes + (heard.head.captured < room ? heard.head.captured : room));
        static_cast<Ear*>(self)->heard_.push_back(std::move(heard));
        return 0;
    }
    uint32_t place_;
    xdpc_capture* shared_ = nullptr;
    rt::Fd ring_map_;
    ring_buffer* ring_ = nullptr;
    std::vector<Heard> heard_;
};

} // namespace xdpc::test
