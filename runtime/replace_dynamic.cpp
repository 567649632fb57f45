// `xdpc set replace` of sets that rules write. Their tables stay, and rules go on writing them: an element
// has an epoch from which on, or until which, it is in the set, and one store of the set's epoch makes all of
// the file appear and all else vanish (STATE.md, "Epochs").
#include "runtime/comments.h"
#include "runtime/element_index.h"
#include "runtime/exchange_sets.h"
#include "runtime/live_sets_impl.h"

#include <bpf/bpf.h>

namespace xdpc::rt {

namespace {

template<class T> using OrRefused = tl::expected<T, std::variant<Error, LiveSets::FileRefused>>;

tl::unexpected<std::variant<Error, LiveSets::FileRefused>> failed(Error error) {
    return tl::unexpected<std::variant<Error, LiveSets::FileRefused>>(std::move(error));
}
tl::unexpected<std::variant<Error, LiveSets::FileRefused>> refused(uint32_t set, size_t element,
                                                                   std::string what) {
    return tl::unexpected<std::variant<Error, LiveSets::FileRefused>>(
        LiveSets::FileRefused{set, element, {std::move(what), {}, {}}});
}

/// One set on its way: of `inet_addr` there are two.
struct Coming {
    uint32_t id = 0;
    DynamicTable opened;
    std::vector<sets::NewElement> given;
    std::vector<KeyedEntry<xdpc_dynamic>> leaving;
    std::vector<size_t> staying; // of `given`
    LiveSets::Taken taken;
};

Result<void> write_there(const Coming& one, const std::vector<uint32_t>& key, const xdpc_dynamic& entry) {
    if (bpf_map_update_elem(one.opened.hash.get(), key.data(), &entry, BPF_EXIST) != 0 && errno != ENOENT)
        return fail_errno("cannot write a table");
    return {};
}

/// What leaves, what stays, and what comes, which is put in but not yet in the set.
OrRefused<void> put_beside(const LiveSets::Impl& impl, Coming& one, uint32_t epoch, uint64_t now) {
    const ArtifactSet& set = impl.set(one.id);
    auto entries = dynamic_entries(one.opened.hash.get(), words_of(set.parts));
    if (!entries)
        return failed(entries.error());
    ElementIndex index(one.given);
    std::vector<bool> there(one.given.size());
    for (auto& each : *entries) {
        if (expired(each.entry, now))
            continue;
        auto same = index.find(each.key, each.key);
        if (!same) {
            one.leaving.push_back(std::move(each));
            continue;
        }
        if (set.is_map() && each.entry.value != one.given[*same].value)
            return refused(one.id, *same, "is in the map with another verdict");
        there[*same] = true;
    }
    for (size_t i = 0; i < one.given.size(); i++) {
        const sets::NewElement& element = one.given[i];
        if (!there[i]) {
            if (auto written = write_comment(impl.path, one.id, set, element.low, element.comment); !written)
                return failed(written.error());
            xdpc_dynamic entry = dynamic_entry(element);
            entry.life = epoch + 1;
            bpf_map_delete_elem(one.opened.hash.get(), element.low.data()); // an expired one
            auto done = put_in(one.opened.table, element.low, entry, now);
            if (!done)
                return failed(done.error());
            if (*done == PutIn::Full)
                return refused(one.id, i,
                               fmt::format("finds no room: until the set is replaced, what it holds and what "
                                           "is new have to fit into its size of {}",
                                           set.size));
            there[i] = *done == PutIn::Exists; // a rule was faster
        }
        if (there[i])
            one.staying.push_back(i);
    }
    return {};
}

Result<void> mark_leaving(Coming& one, uint32_t epoch) {
    for (auto& [key, entry] : one.leaving) {
        entry.life = XDPC_LIFE_UNTIL | (epoch + 1);
        if (auto written = write_there(one, key, entry); !written)
            return written;
        one.taken.removed_of_policy += (entry.flags & XDPC_ELEMENT_FILE) != 0 ? 1 : 0;
    }
    one.taken.removed = one.leaving.size();
    one.taken.kept = one.staying.size();
    one.taken.elements = one.given.size();
    one.taken.added = one.given.size() - one.staying.size();
    return {};
}

/// Those that stay are the file's now, with times that begin anew.
Result<void> renew_staying(const LiveSets::Impl& impl, const Coming& one) {
    for (size_t i : one.staying) {
        const sets::NewElement& element = one.given[i];
        std::vector<uint32_t> key(element.low.begin(), element.low.end());
        if (auto written = write_comment(impl.path, one.id, impl.set(one.id), key, element.comment); !written)
            return written;
        xdpc_dynamic entry{};
        if (bpf_map_lookup_elem(one.opened.hash.get(), key.data(), &entry) != 0)
            continue; // a rule has removed it since
        const xdpc_dynamic wanted = dynamic_entry(element);
        if (entry.timeout_ns == 0 && wanted.timeout_ns == 0 && entry.flags == wanted.flags)
            continue;
        entry.expires_ns = wanted.expires_ns;
        entry.timeout_ns = wanted.timeout_ns;
        entry.flags = wanted.flags;
        if (auto written = write_there(one, key, entry); !written)
            return written;
    }
    return {};
}

OrRefused<LiveSets::Taken> replace_all(const LiveSets::Impl& impl, std::vector<Coming>& all, uint64_t now) {
    auto epochs = Epochs::open(impl.path);
    if (!epochs)
        return failed(epochs.error());
    const uint32_t epoch = epochs->of(impl.record, all[0].id);
    for (Coming& one : all) {
        step("set-put-beside");
        if (auto put = put_beside(impl, one, epoch, now); !put)
            return tl::unexpected(put.error());
    }
    LiveSets::Taken taken;
    for (Coming& one : all) {
        if (auto marked = mark_leaving(one, epoch); !marked)
            return failed(marked.error());
        taken += one.taken;
    }
    step("set-turn");
    epochs->next(impl.record, all[0].id);
    step("set-renew");
    for (const Coming& one : all) {
        if (auto renewed = renew_staying(impl, one); !renewed)
            return failed(renewed.error());
    }
    return taken;
}

Result<void> settle(const Coming& one, uint32_t epoch) {
    auto entries = dynamic_entries(one.opened.hash.get(), one.opened.table.words);
    if (!entries)
        return tl::unexpected(entries.error());
    for (auto& [key, entry] : *entries) {
        const bool leaves = (entry.life & XDPC_LIFE_UNTIL) != 0;
        const bool is_in = leaves ? epoch < (entry.life & ~XDPC_LIFE_UNTIL) : epoch >= entry.life;
        if (!is_in) {
            xdpc_dynamic there{}; // a rule may have put it in again
            if (bpf_map_lookup_elem(one.opened.hash.get(), key.data(), &there) == 0 &&
                there.life == entry.life)
                bpf_map_delete_elem(one.opened.hash.get(), key.data());
        } else if (leaves) {
            entry.life = 0;
            if (auto written = write_there(one, key, entry); !written)
                return written;
        }
    }
    return {};
}

} // namespace

OrRefused<LiveSets::Taken> replace_dynamic(const LiveSets::Impl& impl,
                                           std::span<const LiveSets::FileElements> files, uint64_t now) {
    std::vector<Coming> all;
    for (const auto& file : files) {
        Coming one;
        one.id = file.set;
        auto opened = impl.open_table_of(file.set);
        if (!opened)
            return failed(opened.error());
        one.opened = std::move(*opened);
        one.given = given_elements(impl.set(file.set), *file.elements, now);
        if (one.given.size() > impl.set(file.set).size)
            return refused(file.set, impl.set(file.set).size,
                           describe({.problem = sets::Problem::Full}, shape_of(impl.set(file.set))));
        all.push_back(std::move(one));
    }
    if (auto marked = begin_replacing(impl.path); !marked)
        return failed(marked.error());
    auto taken = replace_all(impl, all, now);
    if (auto finished = finish_exchange(impl.path); !finished)
        return failed(finished.error());
    return taken;
}

Result<void> settle_dynamic(const std::string& generation_path) {
    auto record = read_record(generation_path);
    if (!record)
        return tl::unexpected(record.error());
    auto epochs = Epochs::open(generation_path);
    if (!epochs)
        return tl::unexpected(epochs.error());
    for (uint32_t id = 0; id < record->artifact.sets.size(); id++) {
        if (!is_dynamic(record->artifact.sets[id]))
            continue;
        auto opened = open_dynamic(generation_path, *record, id);
        if (!opened)
            return tl::unexpected(opened.error());
        if (!*opened)
            continue;
        Coming one;
        one.id = id;
        one.opened = std::move(**opened);
        if (auto settled = settle(one, epochs->of(*record, id)); !settled)
            return settled;
    }
    return {};
}

} // namespace xdpc::rt
