#include "runtime/live_sets.h"
#include "runtime/adopt.h"
#include "runtime/held.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

struct LiveSets::Impl {
    Held held;
    std::string path; // of the live generation
    StateRecord record;
    struct Opened {
        SetArray array;
        std::optional<sets::Table> table;
    };
    std::map<uint32_t, Opened> opened;

    [[nodiscard]] const ArtifactSet& set(uint32_t id) const { return record.artifact.sets.at(id); }
    [[nodiscard]] Fd pinned(const std::string& name) const { return open_pin(path + "/" + name); }

    Result<Opened*> open(uint32_t id) {
        auto found = opened.find(id);
        if (found != opened.end())
            return &found->second;
        Fd fd = pinned(inner_pin(id));
        if (!fd.valid())
            return fail_errno(fmt::format("cannot open set `{}`", set(id).name));
        auto array = map_array_in_windows(std::move(fd));
        if (!array)
            return tl::unexpected(array.error());
        auto table = open_table(*array, set(id));
        if (!table)
            return tl::unexpected(table.error());
        Opened& made = opened[id];
        made.array = std::move(*array);
        made.table.emplace(std::move(*table));
        return &made;
    }
    Result<Fd> open_hash(uint32_t id) const {
        Fd fd = pinned(set_map(id));
        if (!fd.valid())
            return fail(fmt::format("no rule of the policy that runs uses set `{}`", set(id).name));
        return fd;
    }
};

namespace {

using Refused = LiveSets::Refused;
using Changed = LiveSets::Changed;

tl::unexpected<std::variant<Error, Refused>> refused(std::string what) {
    return tl::unexpected<std::variant<Error, Refused>>(Refused{std::move(what), {}, {}});
}
tl::unexpected<std::variant<Error, Refused>> failed(Error error) {
    return tl::unexpected<std::variant<Error, Refused>>(std::move(error));
}

/// Builds the array anew with what is in it, and the element, where it cannot be done in place.
Changed rebuild(LiveSets::Impl& impl, uint32_t id, LiveSets::Impl::Opened& opened,
                const sets::NewElement* added, std::span<const uint32_t> gone_low,
                std::span<const uint32_t> gone_high) {
    uint64_t now = monotonic_now();
    sets::Copied copied(*opened.table, now, [&](const sets::Element& element) {
        return gone_low.empty() ||
               !(std::ranges::equal(element.low, gone_low) && std::ranges::equal(element.high, gone_high));
    });
    auto elements = copied.elements();
    if (added != nullptr)
        elements.push_back(*added);
    auto array = build_array(impl.set(id), elements, now, {});
    if (!array)
        return failed(array.error());
    std::string path = impl.path + "/" + next_pin(id);
    std::string inner = impl.path + "/" + inner_pin(id);
    Fd outer = impl.pinned(set_map(id));
    unlink(path.c_str());
    if (auto pinned = pin(array->fd, path); !pinned)
        return failed(pinned.error());
    if (outer.valid()) {
        if (auto put = put_array(outer.get(), *array); !put)
            return failed(put.error());
    }
    if (rename(path.c_str(), inner.c_str()) != 0)
        return failed(fail_errno(fmt::format("cannot rename {}", path)).value());
    impl.opened.erase(id);
    return {};
}

Changed refusal(const sets::Failure& failure, const sets::Table& table) {
    Refused why{sets::describe(failure, table.shape()), {}, {}};
    if (failure.other != 0) {
        sets::Element other = table.element(failure.other);
        why.other_low = other.low;
        why.other_high = other.high;
    }
    return tl::unexpected<std::variant<Error, Refused>>(std::move(why));
}

Changed add_dynamic(LiveSets::Impl& impl, uint32_t id, const sets::NewElement& element, uint64_t now) {
    const ArtifactSet& set = impl.set(id);
    if (!element.comment.empty())
        return refused("can have no comment: rules write this set");
    auto hash = impl.open_hash(id);
    Fd ring = impl.pinned(set_ring(id));
    Fd shared = impl.pinned("dynamic");
    if (!hash || !ring.valid() || !shared.valid())
        return failed(hash ? Error{fmt::format("cannot open set `{}`", set.name), {}} : hash.error());
    auto memory = map_all(shared.get());
    if (!memory)
        return failed(memory.error());
    auto* entries = static_cast<xdpc_dynamic_set*>(memory->address());
    auto table = open_bounded(hash->get(), ring.get(), &entries[impl.record.slots.sets[id]].cursor, set.size,
                              words_of(set.parts));
    if (!table)
        return failed(table.error());
    xdpc_dynamic there{};
    if (bpf_map_lookup_elem(hash->get(), element.low.data(), &there) == 0) {
        if (there.expires_ns == 0 || there.expires_ns > now)
            return refused("is already in the set");
        bpf_map_delete_elem(hash->get(), element.low.data());
    }
    xdpc_dynamic entry{};
    entry.expires_ns = element.expires_ns;
    entry.timeout_ns = element.timeout_ns;
    entry.value = element.value;
    entry.flags = XDPC_ELEMENT_USED;
    auto done = put_in(*table, element.low, entry, now);
    if (!done)
        return failed(done.error());
    if (*done == PutIn::Exists)
        return refused("is already in the set");
    if (*done == PutIn::Full)
        return refused(fmt::format("is one too many: the set is full, its size is {}", set.size));
    return {};
}

} // namespace

LiveSets::LiveSets(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LiveSets::LiveSets(LiveSets&&) noexcept = default;
LiveSets::~LiveSets() = default;

Result<LiveSets> LiveSets::open(const std::string& iface) {
    auto held = hold_ours(iface, Ask::Link);
    if (!held)
        return tl::unexpected(held.error());
    auto impl = std::make_unique<Impl>();
    impl->held = std::move(*held);
    impl->path = impl->held.running.live->path;
    auto record = read_record(impl->path);
    if (!record)
        return tl::unexpected(record.error());
    impl->record = std::move(*record);
    return LiveSets(std::move(impl));
}

const std::vector<ArtifactSet>& LiveSets::sets() const {
    return impl_->record.artifact.sets;
}
uint32_t LiveSets::program_id() const {
    return impl_->held.attached.id;
}

Result<LiveSets::Use> LiveSets::use_of(uint32_t id) {
    Use use;
    if (is_dynamic(impl_->set(id))) {
        Fd hash = impl_->pinned(set_map(id));
        if (!hash.valid())
            return use;
        auto entries = dynamic_entries(hash.get(), words_of(impl_->set(id).parts));
        if (!entries)
            return tl::unexpected(entries.error());
        use.used = entries->size();
        use.memory = memory_of_fd(hash.get());
        Fd shared = impl_->pinned("dynamic");
        xdpc_dynamic_set common{};
        if (shared.valid() && bpf_map_lookup_elem(shared.get(), &impl_->record.slots.sets[id], &common) == 0)
            use.overflows = common.overflows;
        return use;
    }
    auto opened = impl_->open(id);
    if (!opened)
        return tl::unexpected(opened.error());
    use.used = (*opened)->table->statistics().used;
    use.memory = memory_of_fd((*opened)->array.fd.get());
    return use;
}

LiveSets::Changed LiveSets::add(uint32_t id, sets::NewElement element) {
    const ArtifactSet& set = impl_->set(id);
    uint64_t now = monotonic_now();
    if (element.timeout_ns != 0 && !set.has_timeout)
        return refused("can have no timeout: the set is without `timeout`");
    if (element.timeout_ns == 0)
        element.timeout_ns = set.timeout_ns;
    element.expires_ns = element.timeout_ns == 0 ? 0 : now + element.timeout_ns;
    if (is_dynamic(set))
        return add_dynamic(*impl_, id, element, now);
    auto opened = impl_->open(id);
    if (!opened)
        return failed(opened.error());
    auto added = (*opened)->table->add(element, now);
    if (added)
        return {};
    if (added.error().problem == sets::Problem::Rebuild)
        return rebuild(*impl_, id, **opened, &element, {}, {});
    return refusal(added.error(), *(*opened)->table);
}

LiveSets::Changed LiveSets::remove(uint32_t id, std::span<const uint32_t> low,
                                   std::span<const uint32_t> high) {
    if (is_dynamic(impl_->set(id))) {
        auto hash = impl_->open_hash(id);
        if (!hash)
            return failed(hash.error());
        if (bpf_map_delete_elem(hash->get(), low.data()) != 0)
            return refused("is not in the set");
        return {};
    }
    auto opened = impl_->open(id);
    if (!opened)
        return failed(opened.error());
    auto removed = (*opened)->table->remove(low, high, monotonic_now());
    if (removed)
        return {};
    if (removed.error().problem == sets::Problem::Rebuild)
        return rebuild(*impl_, id, **opened, nullptr, low, high);
    return refusal(removed.error(), *(*opened)->table);
}

Result<void> LiveSets::flush(uint32_t id) {
    if (!is_dynamic(impl_->set(id))) {
        auto opened = impl_->open(id);
        if (!opened)
            return tl::unexpected(opened.error());
        (*opened)->table->flush();
        return {};
    }
    auto hash = impl_->open_hash(id);
    if (!hash)
        return tl::unexpected(hash.error());
    auto entries = dynamic_entries(hash->get(), words_of(impl_->set(id).parts));
    if (!entries)
        return tl::unexpected(entries.error());
    for (const auto& entry : *entries)
        bpf_map_delete_elem(hash->get(), entry.key.data());
    return {};
}

Result<void> LiveSets::list(uint32_t id, const std::function<bool(const sets::Element&)>& use) {
    uint64_t now = monotonic_now();
    if (!is_dynamic(impl_->set(id))) {
        auto opened = impl_->open(id);
        if (!opened)
            return tl::unexpected(opened.error());
        (*opened)->table->list(
            [&](const sets::Element& element) { return element.expired(now) || use(element); });
        return {};
    }
    Fd hash = impl_->pinned(set_map(id));
    if (!hash.valid())
        return {};
    auto entries = dynamic_entries(hash.get(), words_of(impl_->set(id).parts));
    if (!entries)
        return tl::unexpected(entries.error());
    for (const auto& entry : *entries) {
        sets::Element element;
        element.low = element.high = entry.key;
        element.timeout_ns = entry.entry.timeout_ns;
        element.expires_ns = entry.entry.expires_ns;
        element.packets = entry.entry.packets;
        element.bytes = entry.entry.bytes;
        element.value = entry.entry.value;
        element.from_file = (entry.entry.flags & XDPC_ELEMENT_FILE) != 0;
        if (!element.expired(now) && !use(element))
            break;
    }
    return {};
}

} // namespace xdpc::rt
