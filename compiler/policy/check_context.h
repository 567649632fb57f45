// What the parts of check() share: the names of the policy, where diagnostics go, and the policy being built.
// Private to check*.cpp and contradictions.cpp.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diagnostics.h"
#include "compiler/policy/policy.h"

#include <array>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>

namespace xdpc::checking {

/// Values (single ones, ranges, prefixes) read and boxes built in one policy: bounds time and memory, also of
/// hostile input.
inline constexpr size_t max_values = 8'000'000;
/// Elements of one list or set, concatenations multiplied out.
inline constexpr size_t max_elements = 2'000'000;
/// Lists in defines in lists …
inline constexpr unsigned max_nesting = 64;
/// Chains on the way of a packet; nft's limit too.
inline constexpr unsigned max_chain_depth = 16;

/// One part of a key, as values are read for it.
struct Slot {
    TypeId type = TypeId::Integer;
    uint16_t width = 0;
    std::string name; // "tcp dport"
    /// `saddr` without a family: entries of the other family are not meant for this slot.
    bool skip_other_family = false;
};

struct DefineEntry {
    const ast::Define* define = nullptr;
    Span span;
    bool used = false;
    bool broken = false; // part of a cycle, already reported
};

/// What an element of a map is mapped to: a verdict, or a value or the number of an object.
using Mapped = std::variant<Verdict, u128>;
/// A set's or map's elements: of one family for sets of `inet_addr`, else [0] has all.
struct SetEntries {
    std::vector<Box> boxes;
    std::vector<Verdict> verdicts; // of a map, one for each box
    std::vector<u128> values;      // of a map to values, or numbers of objects
};
struct SetEntry {
    const ast::SetItem* item = nullptr;
    Span span;
    std::vector<Slot> slots;                  // IPv4 stands for `inet_addr`
    std::set<size_t> inet_parts;              // slots of type `inet_addr`: in an element all of one family
    std::array<SetEntries, 2> entries;        // of a constant one
    std::array<std::optional<SetId>, 2> live; // of a live one
    std::optional<Verdict> otherwise;
    std::optional<Slot> mapped; // of a map to values
    std::string objects;        // of one to objects: "limit", "quota" or "counter"
    std::optional<u128> otherwise_value;
    bool used = false;
    bool broken = false; // not usable, already reported

    [[nodiscard]] size_t families() const { return inet_parts.empty() ? 1 : 2; }
    [[nodiscard]] bool to_verdicts() const { return !mapped && objects.empty(); }
};

/// A limit, quota or counter with a name.
struct ObjectEntry {
    Span span;                        // its name
    uint32_t id = 0;                  // index into Policy::limits, quotas or counters
    std::optional<uint32_t> ip6 = {}; // of a limit per `saddr` without a family: that for IPv6
    bool used = false;
    bool broken = false; // not usable, already reported
};

/// A chain leads to another.
struct Edge {
    ChainId from, to;
    Span span;
};

struct Context {
    Context(Sources& from, Diagnostics& to, FileId file) : sources(from), diagnostics(to), main(file) {}

    Sources& sources;
    Diagnostics& diagnostics;
    FileId main;
    Policy policy;

    std::map<std::string, DefineEntry> defines;
    std::map<std::string, SetEntry> sets;
    std::map<std::string, ObjectEntry> limits, quotas, counters;
    std::vector<const ast::LimitItem*> limit_items; // by LimitId
    std::vector<const ast::QuotaItem*> quota_items;
    std::vector<const ast::CounterItem*> counter_items;
    std::map<std::string, ChainId> chains;
    std::map<std::string, Span> rule_names;
    std::vector<const ast::Chain*> chain_items; // by ChainId
    std::vector<const ast::TestItem*> test_items;
    std::vector<Span> test_spans;
    std::vector<Edge> edges;
    std::set<ChainId> mentioned_chains; // in statements that could not be read
    std::optional<ChainId> current_chain;
    size_t values_left = max_values;
    bool too_many_reported = false; // too many values, or too deep: no more are read
    /// Places of words that were reported: a define read a thousand times is wrong once.
    std::set<std::pair<uint32_t, uint32_t>> wrong_words;

    /// One of a kind for a place: a define is read wherever it is used.
    template<class... Args> Diagnostic& report(Diag kind, Span span, const Args&... args) {
        if (!reported.emplace(kind, span.file.value, span.begin, span.end).second) {
            repeated = Diagnostic{kind, span, {}, {}, {}};
            return repeated;
        }
        return diagnostics.add(kind, span, args...);
    }
    std::set<std::tuple<Diag, uint32_t, uint32_t, uint32_t>> reported;
    Diagnostic repeated{}; // takes what is said of a repetition, and is not shown
};

/// `did you mean `x`?`, or "" if nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
/// The same for a `$`define or `@`set; what it suggests counts as used, so that no warning follows from a
/// typo.
std::string did_you_mean_define(Context& context, const std::string& word);
std::string did_you_mean_set(Context& context, const std::string& word);
/// The hint for a value that does not fit.
std::string largest_of(uint16_t width);
/// "ip saddr . tcp dport"
std::string names_of(std::span<const Slot> slots);
/// The source text of a span on one line, shortened to what a message bears.
std::string shown(const Context& context, Span span, size_t most = 60);
/// The folder of the file in which `span` is, joined with `path`.
std::string beside(const Context& context, Span span, const std::string& path);

// check_names.cpp: walks the tree of files.
void collect(Context& context, const ast::File& file);
/// Counts what the text of a statement with a mistake names as used, so that no warning follows from it.
void mark_mentions(Context& context, Span span);
void report_unused(Context& context);

// check_values.cpp
struct ReadState {
    bool in_define = false; // entries of the other address family are skipped
    unsigned depth = 0;
    const Span* used_at = nullptr; // the `$name` through which it was reached
};
/// Appends the intervals that `value` stands for; false after an error was reported.
bool read_slot(Context& context, const ast::Value& value, const Slot& slot, std::vector<Interval>& out,
               ReadState state = {});
/// The single number `value` stands for.
std::optional<u128> read_single(Context& context, const ast::Value& value, const Slot& slot,
                                ReadState state = {});
/// Reads a word; false after an error was reported. Also for the lines of set files.
bool read_word(Context& context, std::string_view text, Span span, const Slot& slot,
               std::vector<Interval>& out, ReadState state = {});
bool read_prefix(Context& context, std::string_view address, std::string_view length, Span span,
                 const Slot& slot, std::vector<Interval>& out, ReadState state = {});
bool read_range(Context& context, std::string_view low, std::string_view high, Span span, const Slot& slot,
                std::vector<Interval>& out, ReadState state = {});
/// Counts values against the limits; false (reported once) if there are too many.
bool spend(Context& context, size_t values, Span span);

// check_boxes.cpp
bool read_boxes(Context& context, const ast::Value& value, std::span<const Slot> slots, std::vector<Box>& out,
                ReadState state = {});
/// The product of the parts' intervals.
bool multiply(Context& context, std::span<const std::vector<Interval>> parts, Span span,
              std::vector<Box>& out);
/// Sorts and merges boxes of one key, sorts those of more and drops repeats.
void normalize(std::vector<Box>& boxes);

// check_selectors.cpp
struct ResolvedKey {
    Key key;                  // of `saddr` without a family: the IPv4 one
    std::optional<Key> other; // of `saddr` without a family: the IPv6 one
    Slot slot;
    Span span;
};
/// `value` (may be null) decides whether `meta iif` means the index or the name; `part` is the key's place.
std::optional<ResolvedKey> resolve(Context& context, const ast::Selector& selector, const ast::Value* value,
                                   size_t part);
std::optional<std::vector<ResolvedKey>>
resolve_all(Context& context, const std::vector<ast::Selector>& selectors, const ast::Value* value);
/// The header of `exthdr frag`, `tcp option maxseg`, `ip`.
std::optional<HeaderId> resolve_header(std::string_view keyword);
/// The IPv6 twin of an `ip saddr` key.
Slot slot_of_family(const ResolvedKey& key, bool ip6);

// check_families.cpp
/// The keys with everything about one address family settled.
struct Variant {
    bool ip6 = false;
    std::vector<Key> keys;
    std::vector<Slot> slots;
};
/// Whether there is one of `saddr` or `daddr` without a family.
bool any_family(const std::vector<ResolvedKey>& keys);
Variant variant_of(const std::vector<ResolvedKey>& keys, bool ip6);
/// Whether a set can hold what the keys of this family have.
bool is_of_family(const std::vector<ResolvedKey>& keys, const Variant& variant, const SetEntry& set);
/// Whether an element of a set of `inet_addr` was one in any family; false after it was reported that it is
/// not.
bool is_of_one_family(Context& context, const SetEntry& set, size_t boxes, Span span);
/// For each family that is asked for, and that the set (may be null) can hold: one, or two.
std::vector<Variant> variants_of(const std::vector<ResolvedKey>& keys, const SetEntry* set);
/// Appends what a rule asks before its statements with these keys, one for each family: what those of any
/// family need, and with two that the packet has all keys of either.
void ask_for_families(Rule& rule, std::vector<Condition> needed, const std::vector<std::vector<Key>>& tuples,
                      Span span);

// check_matches.cpp
std::optional<Condition> check_match(Context& context, const ast::Match& match, Span span);
std::optional<Condition> check_group(Context& context, const ast::Group& group, Span span);
struct TestParts {
    std::vector<Key> keys;
    std::vector<Box> boxes;
    bool negated = false;
    Span span;
    std::string wanted;
};
/// A test, with the tests that its keys need, or two where `ether type` compares with tags and with other
/// EtherTypes (compiler/fields/README.md).
Condition make_test(TestParts parts);
/// What the table says these keys need besides (NEEDS rows of fields.def), a test for each key that needs
/// something.
std::vector<Condition> needed_tests(const std::vector<Key>& keys, Span span);

// check_bitmasks.cpp
/// The forms of `tcp flags` without `&`; nothing where the ordinary reading applies.
std::optional<std::optional<Condition>> check_flags(Context& context, const ast::Match& match,
                                                    const ResolvedKey& key, Span span);

// check_set_types.cpp
/// From `type a . b`, `typeof ip saddr . tcp dport`, `type a : dscp`; false after an error was reported.
bool read_type(Context& context, SetEntry& set);

// check_sets.cpp
void check_sets(Context& context);
/// The set that a reference names, if it can be used with these keys, and is a map or none where that is
/// asked; nothing after an error was reported.
SetEntry* use_set(Context& context, const ast::Name& name, std::optional<bool> want_map,
                  const std::vector<ResolvedKey>& keys);
/// The slots as they are for elements of one family.
std::vector<Slot> slots_of_family(const SetEntry& set, size_t family);
/// The family that a set of `inet_addr` is asked for by keys of this type there.
size_t family_of(const SetEntry& set, const std::vector<Slot>& slots);

// check_set_files.cpp
struct FileAttribute { // `timeout 10m`
    std::string_view name, value;
    Span span;
};
struct FileElement {
    std::array<std::vector<Box>, 2> boxes; // by family
    std::vector<FileAttribute> attributes;
    std::optional<Mapped> mapped; // of a map
    Span span;
};
/// Who takes a file's elements; false after an error was reported.
struct SetFileTaker {
    std::function<bool(FileElement&)> element;
    /// Tried first, with a whole line: true if it was one it knows. May be missing.
    std::function<bool(std::string_view line, Span span)> plain;
};
bool read_set_file(Context& context, SetEntry& set, const SetFileTaker& taker);
/// The same of text that is there.
bool read_set_lines(Context& context, SetEntry& set, const Source& source, const SetFileTaker& taker);

// check_updates.cpp
/// A match with a live set, for the keys of one family.
Condition live_test(const SetEntry& set, std::vector<Key> keys, const std::vector<Slot>& slots, bool negated,
                    Span span, std::string wanted);
/// The keys as live sets are asked for: of `ether type`, the one behind the tags.
std::vector<Key> live_keys(std::vector<Key> keys);
/// Adds the statement to the rule, behind what its keys need; false after an error was reported.
bool read_update(Context& context, const ast::UpdateStatement& update, Span span, Rule& rule);

// check_limits.cpp
/// The objects with a name: fills Policy::limits, quotas and counters.
void check_objects(Context& context);
/// The limits, quotas or counters (`kind`).
std::map<std::string, ObjectEntry>& objects_of(Context& context, std::string_view kind);
/// The limit, quota or counter (`kind`) of this name; null after an error was reported.
const ObjectEntry* use_object(Context& context, std::string_view kind, const ast::Name& name);
// Each adds its statement to the rule; false after an error was reported.
bool read_limit(Context& context, const ast::LimitStatement& node, Span span, Rule& rule);
bool read_quota(Context& context, const ast::QuotaStatement& node, Span span, Rule& rule);
bool read_named_counter(Context& context, const ast::NamedCounterStatement& node, Span span, Rule& rule);
bool read_log(Context& context, const ast::LogStatement& node, Span span, Rule& rule);
bool read_sample(Context& context, const ast::SampleStatement& node, Span span, Rule& rule);
/// The limit of a `reject` in a rule without one: 1000 a second, 100 at once; what is beyond is dropped.
void add_reject_limit(Context& context, Span span, Rule& rule);

// check_rewrites.cpp
/// Adds the statement to the rule, behind what its keys need; false after an error was reported.
bool read_set(Context& context, const ast::SetStatement& set, Span span, Rule& rule);
/// What the packet is answered with; adds to the rule what it asks for, and a limit where it has none.
std::optional<packet::Rewrite> read_reject(Context& context, const ast::RejectStatement& reject, Span span,
                                           Rule& rule);
/// Adds what `snat to` and `dnat to` set; false after an error was reported.
bool read_nat(Context& context, const ast::NatStatement& nat, Span span, Rule& rule);
/// Sets a field that has to be there, from the key of `from` if there is one.
void add_set_field(packet::SetField set, std::vector<Key> from, Span span, Rule& rule);
bool read_vlan_push(Context& context, const ast::VlanPushStatement& push, Span span, Rule& rule);
bool read_encap(Context& context, const ast::EncapStatement& encap, Span span, Rule& rule);
bool read_decap(Context& context, const ast::DecapStatement& decap, Span span, Rule& rule);

// check_routes.cpp
bool read_route(Context& context, const ast::RouteStatement& route, Span span, Rule& rule);
// Each adds what it says to the network; what is wrong is reported.
void read_given(Context& context, const ast::GivenIfaceStep& step, packet::Network& network);
void read_given(Context& context, const ast::GivenRouteStep& step, Span span, packet::Network& network);
/// False after an error was reported.
bool check_interface_name(Context& context, const ast::Name& name);

// check_value_maps.cpp
using ValueEntries = std::vector<std::pair<Box, u128>>;
/// What maps to values have for the keys of one family.
struct KeyedMap {
    std::vector<Key> keys;
    ValueEntries entries;
    std::optional<u128> otherwise;  // its `*`
    std::optional<SetId> live = {}; // it changes, and has no entries here
};
/// What the elements of a map are mapped to; all report what is wrong.
struct MapReader {
    std::string what; // "value", "limit"
    std::function<std::optional<u128>(const ast::Element&)> element;
    std::function<bool(const SetEntry&, Span)> takes; // whether a named map is of that kind
    std::function<std::string(u128)> text;
};
/// Values that a field can be set to.
MapReader value_reader(Context& context, const Slot& slot);
/// What the elements of a named map to values or objects are mapped to.
MapReader reader_of(Context& context, const SetEntry& map);
/// What an element of any named map is mapped to; nothing after an error was reported.
std::optional<Mapped> read_mapped(Context& context, const SetEntry& map, const ast::Element& element);
/// The elements of a map; false after an error was reported.
bool read_map_elements(Context& context, const ast::ListValue& list, std::span<const Slot> slots,
                       const MapReader& reader, ValueEntries& entries, std::optional<u128>& otherwise);
/// `KEYS map TABLE`, for each family that it is of; none after an error was reported.
std::vector<KeyedMap> read_map(Context& context, const std::vector<ast::Selector>& selectors,
                               const ast::Value& table, const MapReader& reader);

// check_object_maps.cpp
/// Whether maps may lead to this limit; quotas and counters they always may.
bool may_be_mapped_to(const Context& context, LimitId limit);
void report_unmappable(Context& context, LimitId limit, Span span);
/// Names of limits, quotas or counters, by `kind`.
MapReader object_reader(Context& context, const std::string& kind);
/// `limit name KEYS map TABLE`; false after an error was reported.
bool read_object_map(Context& context, const std::string& kind, const ast::ObjectMap& map, Span span,
                     Rule& rule);

// check_vmaps.cpp
using AnyVmap = std::variant<VmapStatement, LiveVmapStatement>;
/// One for each family that is asked for; none after an error was reported.
std::vector<AnyVmap> check_vmap(Context& context, const ast::Vmap& vmap, Span span);
bool find_conflicts(Context& context, const std::vector<std::pair<Box, Verdict>>& entries,
                    const std::vector<Span>& spans);
bool find_conflicts(Context& context, const ValueEntries& entries, const std::vector<Span>& spans,
                    const MapReader& reader);
/// What the table stands for, behind `$name`.
const ast::Value& behind_defines(Context& context, const ast::Value& value);

// check_chains.cpp
void check_chains(Context& context);
std::optional<Verdict> resolve_verdict(Context& context, const ast::VerdictNode& verdict);
// check_rules.cpp
/// False if there was a mistake in it.
bool check_rule(Context& context, const ast::Rule& rule, Rule& result);

// contradictions.cpp
void find_contradictions(Context& context, const Rule& rule);

// check_tests.cpp
void check_tests(Context& context);
// check_expected_elements.cpp
/// Adds a step for each element; what is wrong is reported.
void read_expected_elements(Context& context, const ast::ExpectElementStep& step, Span span, TestCase& test);
// check_layers.cpp
std::optional<packet::Source> read_layers(Context& context, const ast::SendStep& step, Span span);
std::optional<std::vector<uint8_t>> read_hex(std::string_view text);

} // namespace xdpc::checking
