#include "runtime/exchange_sets.h"
#include "runtime/carry_sets.h"
#include "runtime/generations.h"

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

std::string stage_of(const std::string& path) {
    return path + "/stage";
}
/// Stands while sets that rules write are replaced.
std::string rules_of(const std::string& path) {
    return stage_of(path) + "/rules";
}
std::string next_of(const std::string& path) {
    return path + "/next";
}

Result<void> remove_all(const std::string& directory) {
    std::error_code error;
    std::filesystem::remove_all(directory, error);
    if (error)
        return fail_errno(fmt::format("cannot remove {}", directory), error.value());
    return {};
}

/// One new array on its way.
struct Coming {
    uint32_t id = 0;
    SetArray array;
    Fd outer;             // invalid where no rule asks the set
    uint32_t entries = 0; // of it
};

Result<std::vector<Coming>> coming_in(const std::string& path, const StateRecord& record) {
    std::vector<Coming> all;
    const auto names = names_in(next_of(path));
    if (!names)
        return tl::unexpected(names.error());
    for (const std::string& name : *names) {
        Coming one;
        if (sscanf(name.c_str(), "inner%" SCNu32, &one.id) != 1)
            continue;
        if (one.id >= record.artifact.sets.size())
            return fail(fmt::format("{} is of no set", name));
        one.array.fd = open_pin(next_of(path) + "/" + name);
        if (!one.array.fd.valid())
            return fail_errno(fmt::format("cannot open {}", next_of(path) + "/" + name));
        auto outer = open_if_pinned(path + "/" + set_map(one.id));
        if (!outer)
            return tl::unexpected(outer.error());
        one.outer = std::move(*outer);
        if (one.outer.valid()) {
            auto entries = entries_of(one.outer.get());
            if (!entries)
                return tl::unexpected(entries.error());
            one.entries = *entries;
        }
        all.push_back(std::move(one));
    }
    return all;
}

/// Where outer maps have two entries, the arrays come into those that no program looks at, and then all are
/// looked at by one store. Done again after a kill it does no harm: both entries are the same by then, or the
/// new arrays come into the other ones again.
Result<void> turn_over(const std::string& path, const StateRecord& record, const std::vector<Coming>& all) {
    std::optional<uint32_t> turned; // all are of one set
    std::optional<Epochs> epochs;
    for (const Coming& one : all) {
        if (one.entries < 2)
            continue;
        if (!epochs) {
            auto opened = Epochs::open(path);
            if (!opened)
                return tl::unexpected(opened.error());
            epochs = std::move(*opened);
        }
        step("set-put-beside");
        if (auto put = put_array(one.outer.get(), 1 - epochs->of(record, one.id) % 2, one.array); !put)
            return put;
        turned = one.id;
    }
    step("set-turn");
    if (turned)
        epochs->next(record, *turned);
    return {};
}

Result<void> finish_one(const std::string& path, const StateRecord& record, const Coming& one) {
    std::string next = next_of(path) + "/" + inner_pin(one.id);
    step("set-put");
    for (uint32_t entry = 0; entry < one.entries; entry++) { // waits for programs that look at the old one
        if (auto put = put_array(one.outer.get(), entry, one.array); !put)
            return put;
    }
    const auto carry = open_if_pinned(next_of(path) + "/" + carry_pin(one.id));
    if (!carry)
        return tl::unexpected(carry.error());
    step("set-carry");
    if (carry->valid()) { // what the old array's elements counted since they were copied
        const ArtifactSet& set = record.artifact.sets[one.id];
        auto carried = carry_counts({open_pin(path + "/" + inner_pin(one.id)), set}, {open_pin(next), set},
                                    *carry, Carry::On);
        if (!carried)
            return carried;
    }
    step("set-rename");
    if (rename(next.c_str(), (path + "/" + inner_pin(one.id)).c_str()) != 0)
        return fail_errno(fmt::format("cannot rename {}", next));
    return {};
}

} // namespace

Exchange::~Exchange() {
    if (staged_)
        (void)remove_all(stage_of(path_));
}

Result<void> Exchange::add(uint32_t set, const SetArray& array, const Fd& carry) {
    std::string stage = stage_of(path_);
    step("set-stage");
    if (!staged_ && mkdir(stage.c_str(), 0700) != 0)
        return fail_errno(fmt::format("cannot make {}", stage));
    staged_ = true;
    if (carry.valid()) {
        if (auto pinned = pin(carry, stage + "/" + carry_pin(set)); !pinned)
            return pinned;
    }
    return pin(array.fd, stage + "/" + inner_pin(set));
}

Result<void> Exchange::commit() {
    if (!staged_)
        return {};
    step("set-commit");
    if (rename(stage_of(path_).c_str(), next_of(path_).c_str()) != 0)
        return fail_errno(fmt::format("cannot rename {}", stage_of(path_)));
    staged_ = false;
    return finish_exchange(path_).map_error([](Error error) {
        error.message = "the new elements are on their way, but " + error.message;
        error.hint = "the next command finishes it";
        return error;
    });
}

Result<void> begin_replacing(const std::string& path) {
    step("set-stage");
    for (const std::string& directory : {stage_of(path), rules_of(path)}) {
        if (mkdir(directory.c_str(), 0700) != 0)
            return fail_errno(fmt::format("cannot make {}", directory));
    }
    return {};
}

Result<void> finish_exchange(const std::string& path) {
    if (is_pinned(rules_of(path))) {
        if (auto settled = settle_dynamic(path); !settled)
            return settled;
    }
    if (auto removed = remove_all(stage_of(path)); !removed)
        return removed;
    if (!is_pinned(next_of(path)))
        return {};
    auto record = read_record(path);
    if (!record)
        return tl::unexpected(record.error());
    auto all = coming_in(path, *record);
    if (!all)
        return tl::unexpected(all.error());
    if (auto turned = turn_over(path, *record, *all); !turned)
        return turned;
    for (const Coming& one : *all) {
        if (auto finished = finish_one(path, *record, one); !finished)
            return finished;
    }
    step("set-unpin");
    return remove_all(next_of(path));
}

} // namespace xdpc::rt
