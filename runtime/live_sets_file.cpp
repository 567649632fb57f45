// `xdpc set load` and `replace`: the elements of a file into live sets, all or none.
#include "runtime/element_index.h"
#include "runtime/exchange_sets.h"
#include "runtime/live_sets_impl.h"

#include <algorithm>
#include <bpf/bpf.h>

namespace xdpc::rt {

namespace {

using FileElements = LiveSets::FileElements;
using FileRefused = LiveSets::FileRefused;
using Taken = LiveSets::Taken;
template<class T> using OrRefused = tl::expected<T, std::variant<Error, FileRefused>>;

tl::unexpected<std::variant<Error, FileRefused>> failed(Error error) {
    return tl::unexpected<std::variant<Error, FileRefused>>(std::move(error));
}
tl::unexpected<std::variant<Error, FileRefused>> refused(uint32_t set, size_t element,
                                                         LiveSets::Refused why) {
    return tl::unexpected<std::variant<Error, FileRefused>>(FileRefused{set, element, std::move(why)});
}

std::string mapped_otherwise(const ArtifactSet& set) {
    return "is in the map with another " + set.maps_to;
}

/// What a set is to hold.
struct Wanted {
    std::vector<sets::Element> there;
    std::vector<sets::NewElement> elements; // refer to `there` and the file's
    std::vector<size_t> from_file;          // for each: which of the file's, or none
    Taken taken;
};
constexpr size_t none = SIZE_MAX;

/// Calls `use` for what is in the set now; keeps that only where it is needed later.
template<class Use>
void each_there(Wanted& wanted, const ArtifactSet& set, const sets::Table& table, bool replace, uint64_t now,
                Use use) {
    if (replace && !set.has_counter) {
        table.list([&](const sets::Element& element) {
            if (!element.expired(now))
                use(element);
            return true;
        });
        return;
    }
    wanted.there = sets::live_elements(table, now);
    for (const sets::Element& element : wanted.there)
        use(element);
}

tl::unexpected<std::variant<Error, FileRefused>> refused_full(const FileElements& file, size_t element,
                                                              const ArtifactSet& set) {
    return refused(file.set, element, {describe({.problem = sets::Problem::Full}, shape_of(set)), {}, {}});
}

OrRefused<void> put_together(Wanted& wanted, const ArtifactSet& set, const sets::Table& table,
                             const FileElements& file, bool replace, uint64_t now) {
    std::vector<sets::NewElement> given = given_elements(set, *file.elements, now);
    ElementIndex index(given);
    std::vector<bool> known(given.size());
    std::optional<size_t> differs;
    each_there(wanted, set, table, replace, now, [&](const sets::Element& element) {
        const auto same = index.find(element.low, element.high);
        if (same) {
            known[*same] = true;
            wanted.taken.kept++;
            if (!replace && set.is_map() && given[*same].value != element.value && !differs)
                differs = *same;
            given[*same].packets = element.packets;
            given[*same].bytes = element.bytes;
        }
        if (!replace) {
            wanted.elements.push_back(sets::as_new(element));
            wanted.from_file.push_back(none);
        } else if (!same) {
            wanted.taken.removed++;
            wanted.taken.removed_of_policy += element.from_file ? 1 : 0;
        }
    });
    if (differs)
        return refused(file.set, *differs, {mapped_otherwise(set), {}, {}});
    wanted.taken.added = static_cast<uint64_t>(std::ranges::count(known, false));
    if (replace) {
        if (given.size() > set.size)
            return refused_full(file, set.size, set);
        wanted.elements = std::move(given);
        for (size_t i = 0; i < wanted.elements.size(); i++)
            wanted.from_file.push_back(i);
    }
    for (size_t i = 0; i < given.size() && !replace; i++) {
        if (known[i])
            continue;
        if (wanted.elements.size() == set.size)
            return refused_full(file, i, set);
        wanted.elements.push_back(given[i]);
        wanted.from_file.push_back(i);
    }
    wanted.taken.elements = wanted.elements.size();
    return {};
}

OrRefused<SetArray> build(const Wanted& wanted, const ArtifactSet& set, uint32_t id, uint64_t now) {
    auto array = make_array(set);
    if (!array)
        return failed(array.error());
    auto table = sets::Table::create(array->bytes(), shape_of(set), {});
    const auto built = table.build(wanted.elements, now);
    if (built)
        return std::move(*array);
    const sets::Failure& failure = built.error();
    LiveSets::Refused why{describe(failure, shape_of(set)), {}, {}};
    size_t element = failure.index;
    size_t other = failure.other == 0 ? none : failure.other - 1;
    // Of two the file's is to be named by its place.
    if (other != none && element < wanted.from_file.size() && wanted.from_file[element] == none)
        std::swap(element, other);
    if (other != none) {
        const auto& there = wanted.elements[other];
        why.other_low.assign(there.low.begin(), there.low.end());
        why.other_high.assign(there.high.begin(), there.high.end());
    }
    return refused(id, wanted.from_file[element] == none ? 0 : wanted.from_file[element], std::move(why));
}

/// Where rules write, elements go in one by one; `put` are those that were not there.
OrRefused<Taken> load_dynamic(const LiveSets::Impl& impl, const DynamicTable& opened,
                              const FileElements& file, uint64_t now,
                              std::vector<std::vector<uint32_t>>& put) {
    const ArtifactSet& set = impl.set(file.set);
    const auto given = given_elements(set, *file.elements, now);
    Taken taken;
    for (size_t i = 0; i < given.size(); i++) {
        auto there = put_dynamic(impl, file.set, opened, given[i], now);
        if (!there) {
            if (const auto* error = std::get_if<Error>(&there.error()))
                return failed(*error);
            return refused(file.set, i, std::get<LiveSets::Refused>(there.error()));
        }
        if (!*there) {
            put.emplace_back(given[i].low.begin(), given[i].low.end());
            continue;
        }
        if (set.is_map() && **there != given[i].value)
            return refused(file.set, i, {mapped_otherwise(set), {}, {}});
        taken.kept++;
    }
    taken.added = put.size();
    auto entries = live_entries(opened.hash.get(), words_of(set.parts), now);
    if (!entries)
        return failed(entries.error());
    taken.elements = entries->size();
    return taken;
}

/// Takes all out again where one does not go in.
OrRefused<Taken> load_all_dynamic(const LiveSets::Impl& impl, std::span<const FileElements> files,
                                  uint64_t now) {
    Taken all;
    std::vector<DynamicTable> opened;
    std::vector<std::vector<std::vector<uint32_t>>> put(files.size());
    for (size_t i = 0; i < files.size(); i++) {
        auto one = impl.open_table_of(files[i].set);
        if (!one)
            return failed(one.error());
        opened.push_back(std::move(*one));
    }
    for (size_t i = 0; i < files.size(); i++) {
        auto taken = load_dynamic(impl, opened[i], files[i], now, put[i]);
        if (!taken) {
            for (size_t j = 0; j <= i; j++)
                for (const auto& key : put[j])
                    bpf_map_delete_elem(opened[j].hash.get(), key.data());
            return taken;
        }
        all += *taken;
    }
    return all;
}

} // namespace

std::vector<sets::NewElement> given_elements(const ArtifactSet& set, const SetElements& elements,
                                             uint64_t now) {
    std::vector<sets::NewElement> given = new_elements(set, elements, now);
    for (sets::NewElement& element : given)
        element.from_file = false;
    return given;
}

OrRefused<Taken> LiveSets::take(std::span<const FileElements> files, bool replace) {
    const uint64_t now = monotonic_now();
    if (!files.empty() && is_dynamic(impl_->set(files[0].set)))
        return replace ? replace_dynamic(*impl_, files, now) : load_all_dynamic(*impl_, files, now);
    Taken all;
    Exchange exchange(impl_->path);
    for (const FileElements& file : files) {
        const ArtifactSet& set = impl_->set(file.set);
        auto opened = impl_->open(file.set);
        if (!opened)
            return failed(opened.error());
        Wanted wanted;
        if (auto fits = put_together(wanted, set, *(*opened)->table, file, replace, now); !fits)
            return tl::unexpected(fits.error());
        all += wanted.taken;
        if (!replace && wanted.taken.added == 0)
            continue;
        auto array = build(wanted, set, file.set, now);
        if (!array)
            return tl::unexpected(array.error());
        auto carry = carry_of(set, *(*opened)->table, wanted.there);
        if (!carry)
            return failed(carry.error());
        if (auto added = exchange.add(file.set, *array, *carry); !added)
            return failed(added.error());
        impl_->opened.erase(file.set);
    }
    if (auto done = exchange.commit(); !done)
        return failed(done.error());
    return all;
}

} // namespace xdpc::rt
