#include "runtime/events.h"
#include "runtime/held.h"
#include "runtime/hooked.h"

#include <algorithm>
#include <atomic>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace xdpc::rt {

namespace {

/// Renewed every second: a listener that was killed costs this long at most.
constexpr uint64_t term_ns = 3'000'000'000;
constexpr uint64_t renew_ns = 1'000'000'000;

uint64_t clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

struct CloseRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

/// The maps of a generation by which one listens to it; later generations usually have the same.
struct Place {
    uint32_t generation = 0;
    uint32_t map_id = 0; // of `capture`
    Mapping mapping;
    Fd rings;
    bool has_hooks = false; // to be put in while somebody captures
    [[nodiscard]] xdpc_capture& shared() const { return *static_cast<xdpc_capture*>(mapping.address()); }
};

Result<uint32_t> id_of_map(const Fd& map) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail_errno("cannot ask for a pinned map");
    if (info.value_size != sizeof(xdpc_capture))
        return fail("the policy was applied by another version of xdpc", "apply it again");
    return info.id;
}

Result<Place> open_place(const Generation& generation) {
    Place place;
    place.generation = generation.number;
    Fd capture = open_pin(generation.path + "/capture");
    place.rings = open_pin(generation.path + "/rings");
    if (!capture.valid() || !place.rings.valid()) {
        if (errno != ENOENT)
            return fail_errno(fmt::format("cannot open the pins in {}", generation.path));
        return fail("the policy tells nothing: it has `options capture off`, and no `log` or `sample`");
    }
    auto id = id_of_map(capture);
    if (!id)
        return tl::unexpected(id.error());
    place.map_id = *id;
    constexpr size_t size = (sizeof(xdpc_capture) + 4095) / 4096 * 4096;
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, capture.get(), 0);
    if (address == MAP_FAILED)
        return fail_errno("cannot map what listeners share");
    place.mapping = Mapping(address, size);
    place.has_hooks = access((generation.path + "/code").c_str(), F_OK) == 0;
    return place;
}

std::atomic_ref<uint32_t> word(uint32_t& of) {
    return std::atomic_ref<uint32_t>(of);
}

void set_bit(uint32_t& bits, uint32_t index, bool to) {
    if (to)
        word(bits).fetch_or(1U << index);
    else
        word(bits).fetch_and(~(1U << index));
}

} // namespace

struct Listener::Impl {
    std::string iface;
    std::string directory;
    ListenOptions options;
    Place place;
    uint64_t network_namespace = 0;
    uint32_t ifindex = 0;
    uint32_t index = 0; // of the listener
    InterfaceLock lock; // on that index
    Fd ring_map;
    std::unique_ptr<ring_buffer, CloseRing> ring;
    std::map<uint32_t, Artifact> policies; // by generation
    std::vector<std::string> notes;
    uint64_t lost_before = 0; // in maps that are not the policy's any more
    uint64_t renewed_ns = 0;
    bool hooked = false; // the hooks are in because of us too
    const std::function<bool(const Event&)>* use = nullptr;
    bool stopped = false;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        leave();
        lock.remove_file();
        if (hooked)
            unhook_unwatched();
    }

    [[nodiscard]] xdpc_listener& mine() const { return place.shared().listeners[index]; }
    [[nodiscard]] bool placed() const { return place.mapping.address() != nullptr && lock.valid(); }
    [[nodiscard]] const Decider* decider_of(const Artifact& policy, const xdpc_event& event) const;
    const Artifact* policy_of(uint32_t generation);
    [[nodiscard]] uint32_t wanted_author() const;
    Result<void> take_place();
    Result<void> enter();
    void leave();
    void renew();
    Result<void> follow();
    Result<void> hook_again();
    void unhook_unwatched() const;
    void handle(const void* data, size_t size);
};

const Decider* Listener::Impl::decider_of(const Artifact& policy, const xdpc_event& event) const {
    const bool by_slot = event.kind == XDPC_EVENT_CAPTURE && (event.by & XDPC_BY_SLOT) != 0;
    if (!by_slot)
        return event.by < policy.deciders.size() ? &policy.deciders[event.by] : nullptr;
    for (const Decider& decider : policy.deciders) {
        if (decider.slot == (event.by & ~XDPC_BY_SLOT))
            return &decider;
    }
    return nullptr;
}

const Artifact* Listener::Impl::policy_of(uint32_t generation) {
    auto found = policies.find(generation);
    if (found == policies.end()) {
        auto meta = read_meta(generation_of(directory, generation));
        if (!meta)
            return nullptr;
        if (policies.size() >= 8) // of those, no event can be on its way any more
            policies.erase(policies.begin());
        found = policies.emplace(generation, std::move(meta->artifact)).first;
    }
    return &found->second;
}

/// What xdpc_listener::by has to be for the rule that is wanted.
uint32_t Listener::Impl::wanted_author() const {
    const auto policy = policies.find(place.generation);
    if (options.rule.empty() || policy == policies.end())
        return XDPC_BY_ANY;
    const auto& deciders = policy->second.deciders;
    for (uint32_t i = 0; i < deciders.size(); i++) {
        if (deciders[i].display == options.rule)
            return deciders[i].slot ? XDPC_BY_SLOT | *deciders[i].slot : i;
    }
    return XDPC_BY_ANY & ~XDPC_BY_SLOT; // nobody's number
}

/// A free place among the listeners, held by a lock.
Result<void> Listener::Impl::take_place() {
    std::string holders;
    for (index = 0; index < XDPC_LISTENERS; index++) {
        auto held = InterfaceLock::acquire_listener(network_namespace, ifindex, index);
        if (held) {
            lock = std::move(*held);
            return {};
        }
        holders += (holders.empty() ? "" : ", ") + held.error().message;
    }
    return fail(fmt::format("{} listeners are the most on an interface: {}", int{XDPC_LISTENERS}, holders),
                "end one of them");
}

/// Puts the ring buffer into the maps of the policy and says what is wanted.
Result<void> Listener::Impl::enter() {
    const int ring_fd = ring_map.get();
    if (bpf_map_update_elem(place.rings.get(), &index, &ring_fd, BPF_ANY) != 0)
        return fail_errno("cannot hand the ring buffer to the policy");
    xdpc_listener& listener = mine();
    listener.lost = 0;
    listener.snap = options.snap;
    listener.actions = options.actions;
    renew();
    return {};
}

void Listener::Impl::renew() {
    xdpc_listener& listener = mine();
    // In this order: a number is of the generation that stands beside it, or of one that is not asked.
    word(listener.generation).store(0);
    word(listener.by).store(wanted_author());
    word(listener.generation).store(place.generation);
    renewed_ns = clock_ns(CLOCK_MONOTONIC);
    std::atomic_ref<xdpc_u64>(listener.until_ns).store(renewed_ns + term_ns);
    set_bit(place.shared().capturing, index, options.packets);
    set_bit(place.shared().watching, index, options.statements);
}

void Listener::Impl::leave() {
    if (!placed())
        return;
    set_bit(place.shared().capturing, index, false);
    set_bit(place.shared().watching, index, false);
    std::atomic_ref<xdpc_u64>(mine().until_ns).store(0);
    (void)bpf_map_delete_elem(place.rings.get(), &index);
    lost_before += mine().lost;
    place = Place();
}

/// Whoever was stopped for longer than its term has lost the hooks to another command.
Result<void> Listener::Impl::hook_again() {
    auto held = InterfaceLock::acquire(network_namespace, ifindex);
    if (!held)
        return tl::unexpected(held.error());
    renew();
    auto running = repair(directory);
    if (!running)
        return tl::unexpected(running.error());
    return running->live && running->live->number == place.generation ? rt::hook(*running) : Result<void>{};
}

/// Repairing takes hooks out that nobody needs. If a command holds the lock, the next one does it.
void Listener::Impl::unhook_unwatched() const {
    if (const auto held = InterfaceLock::acquire(network_namespace, ifindex))
        (void)repair(directory);
}

/// Looks whether another policy runs by now, and goes over to it.
Result<void> Listener::Impl::follow() {
    auto running = find_running(directory);
    if (!running)
        return tl::unexpected(running.error());
    if (!running->link || !running->live)
        return fail(fmt::format("the policy was taken off `{}`", iface));
    if (running->live->number == place.generation)
        return hooked && !running->hooked && place.has_hooks ? hook_again() : Result<void>{};
    const Artifact* policy = policy_of(running->live->number);
    auto next = open_place(*running->live);
    if (policy == nullptr || !next) {
        // Replaced once more in this instant, or it cannot be listened to.
        const auto all = generations(directory);
        if (!all)
            return tl::unexpected(all.error());
        if (all->empty() || all->back().number != running->live->number)
            return {};
        return next ? fail(fmt::format("the policy was taken off `{}`", iface))
                    : tl::unexpected(next.error());
    }
    notes.push_back(fmt::format("another policy was applied: generation {}", running->live->number));
    const auto& deciders = policy->deciders;
    if (!options.rule.empty() && std::none_of(deciders.begin(), deciders.end(), [&](const Decider& decider) {
            return decider.display == options.rule;
        }))
        notes.push_back(fmt::format("it has no rule `{}`", options.rule));
    if (next->map_id == place.map_id) {
        place.generation = next->generation;
        place.has_hooks = next->has_hooks;
        return {};
    }
    leave();
    place = std::move(*next);
    return enter();
}

void Listener::Impl::handle(const void* data, size_t size) {
    xdpc_event raw{};
    if (stopped || size < sizeof raw)
        return;
    std::memcpy(&raw, data, sizeof raw);
    if (raw.ifindex != ifindex) // `apply` tries a program with a packet of its own before it attaches it
        return;
    Event event;
    event.kind = raw.kind == XDPC_EVENT_LOG      ? Event::Kind::Log
                 : raw.kind == XDPC_EVENT_SAMPLE ? Event::Kind::Sample
                                                 : Event::Kind::Packet;
    event.wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC) + raw.time_ns;
    event.generation = raw.generation;
    event.policy = policy_of(raw.generation);
    event.decider = event.policy != nullptr ? decider_of(*event.policy, raw) : nullptr;
    if (!options.rule.empty() && (event.decider == nullptr || event.decider->display != options.rule))
        return;
    if (event.kind == Event::Kind::Packet)
        event.action = raw.action;
    if (event.kind == Event::Kind::Log && event.policy != nullptr && raw.index < event.policy->logs.size())
        event.prefix = event.policy->logs[raw.index].prefix;
    event.ifindex = raw.ifindex;
    event.rxqueue = raw.rxqueue;
    event.length = raw.length;
    event.frame = {static_cast<const uint8_t*>(data) + sizeof raw,
                   std::min<size_t>(raw.captured, size - sizeof raw)};
    stopped = !(*use)(event);
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

Result<Listener> Listener::open(const std::string& iface, const ListenOptions& options) {
    auto held = hold_ours(iface);
    if (!held)
        return tl::unexpected(held.error());
    auto impl = std::make_unique<Impl>();
    impl->iface = iface;
    impl->directory = held->running.directory;
    impl->network_namespace = held->network_namespace;
    impl->ifindex = held->iface.index;
    impl->options = options;
    auto place = open_place(*held->running.live);
    if (!place)
        return tl::unexpected(place.error());
    if (impl->policy_of(place->generation) == nullptr)
        return fail(fmt::format("the pins of the policy on `{}` are gone", iface), "apply it again");
    if (auto taken = impl->take_place(); !taken)
        return tl::unexpected(taken.error());
    impl->place = std::move(*place);
    impl->ring_map =
        Fd(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "xdpc_events", 0, 0, options.ring_bytes, nullptr));
    if (!impl->ring_map.valid())
        return fail_errno("cannot make a ring buffer");
    const auto handle = [](void* self, void* data, size_t size) {
        static_cast<Impl*>(self)->handle(data, size);
        return 0;
    };
    impl->ring.reset(ring_buffer__new(impl->ring_map.get(), handle, impl.get(), nullptr));
    if (!impl->ring)
        return fail_errno("cannot read the ring buffer");
    if (auto entered = impl->enter(); !entered)
        return tl::unexpected(entered.error());
    if (options.packets) {
        if (auto hooked = hook(held->running); !hooked)
            return tl::unexpected(hooked.error());
        impl->hooked = true;
    }
    return Listener(std::move(impl));
}

Result<void> Listener::poll(int milliseconds, const std::function<bool(const Event&)>& use) {
    impl_->use = &use;
    impl_->stopped = false;
    const int polled = ring_buffer__poll(impl_->ring.get(), milliseconds);
    impl_->use = nullptr;
    if (polled < 0 && polled != -EINTR)
        return fail_errno("cannot read the ring buffer", -polled);
    if (clock_ns(CLOCK_MONOTONIC) - impl_->renewed_ns < renew_ns)
        return {};
    auto followed = impl_->follow();
    if (followed)
        impl_->renew();
    return followed;
}

uint64_t Listener::lost() const {
    return impl_->lost_before + (impl_->placed() ? impl_->mine().lost : 0);
}

const Artifact& Listener::policy() const {
    return impl_->policies.at(impl_->place.generation);
}

std::vector<std::string> Listener::take_notes() {
    return std::exchange(impl_->notes, {});
}

} // namespace xdpc::rt
