// Live sets of the policy that runs on an interface: `xdpc set`. The interface's lock is held as long as a
// LiveSets lives; the program goes on as it is.
#pragma once

#include "runtime/attach.h"
#include "runtime/sets/table.h"
#include "runtime/state_stats.h"

#include <variant>

namespace xdpc::rt {

class LiveSets {
public:
    struct Impl;
    static Result<LiveSets> open(const std::string& iface);
    LiveSets(LiveSets&&) noexcept;
    ~LiveSets();
    /// By number, as they stand in the policy; those of `inet_addr` are two of one name.
    [[nodiscard]] const std::vector<ArtifactSet>& sets() const;
    [[nodiscard]] uint32_t program_id() const;

    [[nodiscard]] Result<SetStats> stats_of(uint32_t set) const;

    /// What kept an element from being put in or taken out: the words of the other element, where there is
    /// one.
    struct Refused {
        std::string what; // "is already in the set"
        std::vector<uint32_t> other_low, other_high;
    };
    using Changed = tl::expected<void, std::variant<Error, Refused>>;
    /// The element's expiry is that of now and its timeout; without one it gets the set's.
    Changed add(uint32_t set, sets::NewElement element);
    Changed remove(uint32_t set, std::span<const uint32_t> low, std::span<const uint32_t> high);
    Result<void> flush(uint32_t set);
    /// Unexpired elements; `use` returns false to end.
    Result<void> list(uint32_t set, const std::function<bool(const sets::Element&)>& use);

    /// The elements of a file for one set (compiler/policy/live_file.h).
    struct FileElements {
        uint32_t set = 0;
        const SetElements* elements = nullptr;
    };
    struct FileRefused {
        uint32_t set = 0;
        size_t element = 0; // of the file's
        Refused why;
    };
    struct Taken {
        uint64_t elements = 0; // now in the set
        uint64_t added = 0, kept = 0, removed = 0;
        uint64_t removed_of_policy = 0; // of those removed; the next apply brings them back
        Taken& operator+=(const Taken& other);
    };
    /// All sets take all elements, or none does. What is there already stays as it is; with `replace` the
    /// sets hold the file's elements alone, with the counters of those that were there, and times that begin
    /// now. Programs see each set before or after it. In sets that rules write elements appear one by one.
    tl::expected<Taken, std::variant<Error, FileRefused>> take(std::span<const FileElements> files,
                                                               bool replace);

private:
    explicit LiveSets(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace xdpc::rt
