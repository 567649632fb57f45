#include "runtime/exchange_sets.h"
#include "runtime/carry_sets.h"
#include "runtime/generations.h"

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

std::string stage_of(const std::string& path) {
    return path + "/stage";
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

/// Adds what the old array's elements counted since they were copied.
Result<void> carry_on(const std::string& path, uint32_t id, const Fd& carry) {
    auto record = read_record(path);
    if (!record)
        return tl::unexpected(record.error());
    if (id >= record->artifact.sets.size())
        return fail(fmt::format("{} is of no set", carry_pin(id)));
    const ArtifactSet& set = record->artifact.sets[id];
    return carry_counts({open_pin(path + "/" + inner_pin(id)), set},
                        {open_pin(next_of(path) + "/" + inner_pin(id)), set}, carry, Carry::On);
}

Result<void> finish_one(const std::string& path, uint32_t id) {
    std::string next = next_of(path) + "/" + inner_pin(id);
    SetArray array{open_pin(next), {}, {}};
    if (!array.fd.valid())
        return fail_errno(fmt::format("cannot open {}", next));
    step("set-put");
    Fd outer = open_pin(path + "/" + set_map(id));
    if (outer.valid()) { // waits for programs that look at the old one
        if (auto put = put_array(outer.get(), array); !put)
            return put;
    }
    Fd carry = open_pin(next_of(path) + "/" + carry_pin(id));
    step("set-carry");
    if (carry.valid()) {
        if (auto carried = carry_on(path, id, carry); !carried)
            return carried;
    }
    step("set-rename");
    if (rename(next.c_str(), (path + "/" + inner_pin(id)).c_str()) != 0)
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
    return finish_exchange(path_);
}

Result<void> finish_exchange(const std::string& path) {
    if (auto removed = remove_all(stage_of(path)); !removed)
        return removed;
    if (access(next_of(path).c_str(), F_OK) != 0)
        return {};
    for (const std::string& name : names_in(next_of(path))) {
        uint32_t id = 0;
        if (sscanf(name.c_str(), "inner%" SCNu32, &id) != 1)
            continue;
        if (auto finished = finish_one(path, id); !finished)
            return finished;
    }
    step("set-unpin");
    return remove_all(next_of(path));
}

} // namespace xdpc::rt
