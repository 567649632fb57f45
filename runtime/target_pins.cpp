// What apply pins of a generation (PROTOCOL.md, "What is where").
#include "runtime/event_maps.h"
#include "runtime/hooked.h"
#include "runtime/target.h"

#include <fmt/format.h>

namespace xdpc::rt {

namespace {

Result<void> pin_map(const Target& target, const std::string& name) {
    int fd = target.loaded->map_fd(name);
    return fd < 0 ? Result<void>{} : pin(fd, target.generation.path + "/" + name);
}

Result<void> pin_state(const Target& target, const Artifact& artifact) {
    const Adoption& adoption = target.adoption;
    Result<void> done;
    for (const char* name : {"limits", "quotas", "dynamic"})
        done = done.and_then([&] { return pin_map(target, name); });
    for (size_t id = 0; id < artifact.limits.size(); id++)
        done = done.and_then([&] { return pin_map(target, limit_map(id)); }).and_then([&] {
            return pin_map(target, limit_ring(id));
        });
    for (size_t id = 0; id < artifact.sets.size(); id++) {
        const SetArray& array = adoption.state->arrays[id];
        const std::string& path = target.generation.path;
        done =
            done.and_then([&] { return pin_map(target, set_map(id)); })
                .and_then([&] { return pin_map(target, set_ring(id)); })
                .and_then([&] {
                    return array.valid() ? pin(array.fd, path + "/" + inner_pin(id)) : Result<void>{};
                })
                .and_then([&] {
                    return adoption.carry[id].valid() ? pin(adoption.carry[id], path + "/" + carry_pin(id))
                                                      : Result<void>{};
                })
                .and_then([&] {
                    const Fd& comments = adoption.state->comments[id];
                    return comments.valid() ? pin(comments, path + "/" + comments_pin(id)) : Result<void>{};
                });
    }
    return done;
}

/// Somebody who captures what the old programs decide goes on with the new ones.
Result<void> pin_code(Target& target) {
    const std::vector<Code>& code = target.loaded->code();
    if (code.empty())
        return {};
    auto map = make_code_map(code);
    if (!map)
        return tl::unexpected(map.error());
    if (auto pinned = pin(*map, target.generation.path + "/code"); !pinned)
        return pinned;
    if (!target.running.live || !has_captures(*target.running.live))
        return {};
    auto hooked = make_hooked(target.generation);
    if (hooked)
        target.hooked = std::move(*hooked);
    else
        target.report.notes.push_back("captures end: " + hooked.error().message);
    return {};
}

} // namespace

Result<void> pin_generation(Target& target, const Artifact& artifact) {
    step("pin");
    auto base = make_base(artifact.slots);
    if (!base)
        return tl::unexpected(base.error());
    auto meta = make_meta(artifact, target.generation.number, static_cast<uint64_t>(time(nullptr)));
    if (!meta)
        return tl::unexpected(meta.error());
    target.pinned = true;
    auto record = make_record(artifact, target.adoption.state->slots);
    if (!record)
        return tl::unexpected(record.error());
    const std::string& path = target.generation.path;
    int counters = target.loaded->map_fd("counters");
    return make_directories(path)
        .and_then([&] { return pin(*record, path + "/state"); })
        .and_then([&] { return pin_state(target, artifact); })
        .and_then([&] { return pin(target.loaded->program_fd(), path + "/prog"); })
        .and_then([&] { return pin_map(target, programs_map); })
        .and_then([&] { return counters < 0 ? Result<void>{} : pin(counters, path + "/counters"); })
        .and_then([&] { return pin(*base, path + "/base"); })
        .and_then([&] { return pin_event_maps(*target.loaded, target.generation); })
        .and_then([&] { return pin_code(target); })
        .and_then([&] { return pin(*meta, path + "/meta"); });
}

} // namespace xdpc::rt
