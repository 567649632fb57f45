// What live_sets*.cpp share: the policy's sets as they are opened one by one.
#pragma once

#include "runtime/held.h"
#include "runtime/live_sets.h"
#include "runtime/load_state.h"

#include <fmt/format.h>
#include <map>

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
    [[nodiscard]] Result<Fd> open_hash(uint32_t id) const {
        Fd fd = pinned(set_map(id));
        if (!fd.valid())
            return unused(id);
        return fd;
    }
    [[nodiscard]] Result<DynamicTable> open_table_of(uint32_t id) const {
        auto opened = open_dynamic(path, record, id);
        if (!opened)
            return tl::unexpected(opened.error());
        if (!*opened)
            return unused(id);
        return std::move(**opened);
    }
    [[nodiscard]] tl::unexpected<Error> unused(uint32_t id) const {
        return fail(fmt::format("no rule of the policy that runs uses set `{}`", set(id).name));
    }
};

/// What has to be carried from this table to one that begins with the counters of `copied`; an invalid one of
/// a set that counts nothing.
Result<Fd> carry_of(const ArtifactSet& set, const sets::Table& table, std::span<const sets::Element> copied);

/// Puts an element into a set that rules write; or gives the value of the one that is there.
tl::expected<std::optional<uint32_t>, std::variant<Error, LiveSets::Refused>>
put_dynamic(const LiveSets::Impl& impl, uint32_t id, const DynamicTable& opened,
            const sets::NewElement& element, uint64_t now);

/// The elements of a file, as they are added now: those of the policy alone are marked as a file's.
std::vector<sets::NewElement> given_elements(const ArtifactSet& set, const SetElements& elements,
                                             uint64_t now);

/// Rules go on writing the sets; what they put in meanwhile stays.
tl::expected<LiveSets::Taken, std::variant<Error, LiveSets::FileRefused>>
replace_dynamic(const LiveSets::Impl& impl, std::span<const LiveSets::FileElements> files, uint64_t now);

} // namespace xdpc::rt
