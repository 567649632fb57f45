#include "runtime/carry_sets.h"
#include "runtime/comments.h"
#include "runtime/exchange_sets.h"
#include "runtime/live_sets_impl.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

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
    const std::vector<sets::Element> there = sets::live_elements(*opened.table, now);
    std::vector<sets::NewElement> elements;
    for (const sets::Element& element : there) {
        if (gone_low.empty() ||
            !(std::ranges::equal(element.low, gone_low) && std::ranges::equal(element.high, gone_high)))
            elements.push_back(sets::as_new(element));
    }
    if (added != nullptr)
        elements.push_back(*added);
    auto array = build_array(impl.set(id), elements, now, {});
    if (!array)
        return failed(array.error());
    auto carry = carry_of(impl.set(id), *opened.table, there);
    if (!carry)
        return failed(carry.error());
    Exchange exchange(impl.path);
    auto done = exchange.add(id, *array, *carry).and_then([&] { return exchange.commit(); });
    if (!done)
        return failed(done.error());
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

Changed add_dynamic(const LiveSets::Impl& impl, uint32_t id, const sets::NewElement& element, uint64_t now) {
    auto opened = impl.open_table_of(id);
    if (!opened)
        return failed(opened.error());
    auto there = put_dynamic(impl, id, *opened, element, now);
    if (!there)
        return tl::unexpected(there.error());
    if (*there)
        return refused("is already in the set");
    return {};
}

} // namespace

Result<Fd> carry_of(const ArtifactSet& set, const sets::Table& table, std::span<const sets::Element> copied) {
    return set.has_counter ? make_carry(table, copied) : Fd();
}

tl::expected<std::optional<uint32_t>, std::variant<Error, Refused>>
put_dynamic(const LiveSets::Impl& impl, uint32_t id, const DynamicTable& opened,
            const sets::NewElement& element, uint64_t now) {
    const ArtifactSet& set = impl.set(id);
    if (element.comment.size() > sets::max_comment)
        return refused(describe({.problem = sets::Problem::Comments}, shape_of(set)));
    xdpc_dynamic there{};
    if (bpf_map_lookup_elem(opened.hash.get(), element.low.data(), &there) == 0) {
        if (!expired(there, now))
            return there.value;
        bpf_map_delete_elem(opened.hash.get(), element.low.data());
    }
    if (auto written = write_comment(impl.path, id, set, element.low, element.comment); !written)
        return failed(written.error());
    auto done = put_in(opened.table, element.low, dynamic_entry(element), now);
    if (!done)
        return failed(done.error());
    if (*done == PutIn::Exists) // a rule was faster
        return element.value;
    if (*done == PutIn::Full)
        return refused(describe({.problem = sets::Problem::Full}, shape_of(set)));
    return std::nullopt;
}

LiveSets::Taken& LiveSets::Taken::operator+=(const Taken& other) {
    elements += other.elements;
    added += other.added;
    kept += other.kept;
    removed += other.removed;
    removed_of_policy += other.removed_of_policy;
    return *this;
}

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

Result<SetStats> LiveSets::stats_of(uint32_t id) const {
    return read_set_stats(*impl_->held.running.live, impl_->record, id);
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
        auto dropped = write_comment(impl_->path, id, impl_->set(id), low, "");
        return dropped ? Changed{} : failed(dropped.error());
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
    auto entries = live_entries(hash.get(), words_of(impl_->set(id).parts), now);
    auto comments = read_comments(impl_->path, id, impl_->set(id));
    if (!entries || !comments)
        return tl::unexpected(entries ? comments.error() : entries.error());
    for (const auto& entry : *entries) {
        sets::Element element;
        element.low = element.high = entry.key;
        element.timeout_ns = entry.entry.timeout_ns;
        element.expires_ns = entry.entry.expires_ns;
        element.packets = entry.entry.packets;
        element.bytes = entry.entry.bytes;
        element.value = entry.entry.value;
        element.from_file = (entry.entry.flags & XDPC_ELEMENT_FILE) != 0;
        if (auto text = comments->find(entry.key); text != comments->end() && has_comment(entry.entry))
            element.comment = text->second;
        if (!use(element))
            break;
    }
    return {};
}

} // namespace xdpc::rt
