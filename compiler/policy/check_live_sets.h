// What the parts of the checker share that read live sets: how a set is declared, and its elements on their
// way into SetElements.
#pragma once

#include "compiler/policy/check_context.h"

namespace xdpc::checking {

/// Elements that a live set has at most (runtime/sets/layout.h).
inline constexpr uint64_t max_live_size = uint64_t{1} << 23U;
inline constexpr uint32_t default_live_size = 65536;
/// Bytes of a comment.
inline constexpr size_t max_comment = 1024;
/// Words of a key (XDPC_MAX_KEY_WORDS).
inline constexpr unsigned max_key_words = 16;

/// What the flags and options of a set say; their places, for messages.
struct SetTraits {
    const ast::Name* constant = nullptr;
    const ast::Name* interval = nullptr;
    const ast::Name* timeout_flag = nullptr;
    const ast::Name* dynamic = nullptr;
    const ast::ElementAttribute* size = nullptr;
    const ast::ElementAttribute* timeout = nullptr;
    const ast::Name* counter = nullptr;
    const ast::Name* auto_merge = nullptr;
    const ast::Name* live = nullptr; // any of what constant sets do not have
};

/// What may stand behind an element.
struct ElementAttributes {
    std::optional<uint64_t> timeout_ns;
    std::string comment;
};

/// Takes the elements of one set; of `inet_addr` those of both families.
class LiveElements {
public:
    LiveElements(Context& context, SetEntry& set) : context_(context), set_(set) {}

    [[nodiscard]] LiveSet& live(size_t family) const {
        return context_.policy.sets[set_.live[family]->value];
    }
    /// Appends the boxes; false after an error was reported.
    bool add(size_t family, const std::vector<Box>& boxes, Span span, const ElementAttributes& attributes,
             const std::optional<Mapped>& mapped);
    /// One plain value or prefix of an IPv4 address, `192.0.2.1` or `192.0.2.0/24`; false if it is anything
    /// else, and then nothing was done. What files of a million lines are made of.
    bool add_plain_ip(std::string_view text, Span span);
    /// Drops repetitions, and reports overlaps and whatever does not fit; false after that.
    bool finish(const SetTraits& traits);
    /// Where each element stands.
    [[nodiscard]] std::vector<Span>& spans(size_t family) { return spans_[family]; }

private:
    bool room(size_t family, Span span);
    bool finish(size_t family, const SetTraits& traits);
    std::optional<std::vector<bool>> repeated(size_t family, const std::vector<uint32_t>& order);
    bool no_overlaps(size_t family, const std::vector<uint32_t>& order, const std::vector<bool>& gone);
    /// What the set keeps of what an element is mapped to; nothing after an error was reported.
    std::optional<uint32_t> number_of(LiveSet& set, const Mapped& mapped, Span span) const;
    [[nodiscard]] std::string mapped_text(const LiveSet& set, uint32_t number) const;

    Context& context_;
    SetEntry& set_;
    std::array<std::vector<Span>, 2> spans_; // by element
    bool too_many_ = false;
};

/// `timeout`, `expires`, `comment`, `counter` of an element; false after an error was reported.
bool read_attribute(Context& context, const SetEntry& set, std::string_view name, std::string_view value,
                    Span span, ElementAttributes& to);
/// `10m` in nanoseconds.
std::optional<uint64_t> read_time(Context& context, std::string_view text, Span span);

// check_live_sets.cpp
/// Takes the elements of a file; refers to what it is given.
SetFileTaker file_taker(Context& context, const SetEntry& set, LiveElements& elements);
bool check_live_set(Context& context, SetEntry& set, const SetTraits& traits);

} // namespace xdpc::checking
