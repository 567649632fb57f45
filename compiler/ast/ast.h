// A policy file as written: names unresolved, values as text, every node with its span. Error nodes stand
// where the text was wrong, so that checking can go on. Printing is in ast/print.h.
#pragma once

#include "compiler/ast/values.h"

namespace xdpc::ast {

// ---- matches and statements
// --------------------------------------------------------------------------------------

enum class Relation : uint8_t {
    Implied,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Exists,
    Missing,
    True
}; // True: `meta malformed`

struct Match {
    std::vector<Selector> keys; // one, or a concatenation
    Relation relation = Relation::Implied;
    std::optional<Value> value; // none for Exists, Missing, True
};

struct Statement;
/// `( a b or c )`, `not ( … )`: alternatives of conjunctions of Match and Group.
struct Group {
    bool negated = false;
    std::vector<std::vector<Statement>> alternatives;
};
struct Vmap { // KEYS vmap { … } or @map
    std::vector<Selector> keys;
    Value table; // ListValue or SetRef
};
/// `update @seen { ip saddr timeout 10m }`
struct UpdateStatement {
    enum class Op : uint8_t { Add, Update, Delete } op = Op::Add;
    Name set;
    std::vector<Selector> keys;
    std::optional<Value> timeout;
};
/// `10 kbytes`, `400`, `400 packets`.
struct Amount {
    uint64_t number = 0;
    Name unit; // empty text where none is written
    Span span;
};
/// `rate over 200/second burst 400 per ip saddr size 65536 on full drop`
struct Rate {
    Span span;
    bool over = false;
    Amount amount;
    Name time; // "second"
    std::optional<Amount> burst;
    std::vector<Selector> keys; // of `per`
    std::optional<Amount> size;
    Name on_full; // "drop", "pass", "continue"; empty text where nothing is said
};
/// `over 500 mbytes used 10 mbytes`
struct QuotaBytes {
    Span span;
    bool over = false;
    Amount amount;
    std::optional<Amount> used;
};
/// `ip saddr map { 10.0.0.1 : "slow" }`: which named object it is.
struct ObjectMap {
    std::vector<Selector> keys;
    Value table;
};
struct LimitStatement {
    std::variant<Rate, Name, ObjectMap> what; // or `name x`, `name ip saddr map @m`
};
struct QuotaStatement {
    std::variant<QuotaBytes, Name, ObjectMap> what;
};
struct NamedCounterStatement { // `counter name x`
    std::variant<Name, ObjectMap> what;
};
struct LogStatement {
    std::optional<Name> prefix, every;
    std::vector<Name> ignored; // nft's `level warn`, `group 2`, …
};
struct SampleStatement { // `sample 1/100 snap 64`
    Amount one, one_in;
    std::optional<Amount> snap;
};
struct SetOperation { // `- 1`
    Name op;
    Value number;
};
/// `FIELD set VALUE`, `FIELD set FIELD - 1`, `FIELD set KEY map TABLE`
struct SetStatement {
    Selector field;
    std::optional<Selector> from;
    std::vector<SetOperation> operations; // on what `from` has
    std::vector<Selector> keys;           // of `ip saddr . tcp dport map TABLE`, whose table is `value`
    std::optional<Value> value;           // else
};
/// `snat to 10.0.0.5:80`
struct NatStatement {
    bool source = false;          // else the destination
    std::optional<Value> address; // also a prefix or a define
    std::optional<Value> port;
};
struct ReflectStatement {};
struct ReplyStatement {}; // reply echo
struct RejectStatement {  // reject with icmp port-unreachable
    Name with;            // "tcp reset", "icmp", "icmpv6", "icmpx"; empty text for `reject` alone
    Name code;            // empty text of a reset, and where nothing is said
};
struct VlanPushStatement {
    Value id;
    std::optional<Value> pcp;
    Name type; // "8021q", "8021ad"; empty text where nothing is said
};
struct VlanPopStatement {};
struct TunnelOption {
    Name name; // "mtu"
    Value value;
    Name too_large; // of mtu: "drop", "reject"; empty text where nothing is said
};
/// `encap vxlan vni 7 from 192.0.2.1 to 192.0.2.2 mtu 1500 reject`
struct EncapStatement {
    Name kind;
    std::vector<TunnelOption> options;
};
struct DecapStatement {
    Name kind; // empty text: any
    std::vector<TunnelOption> options;
};
struct RouteStatement { // route table 7
    std::optional<Value> table;
};
struct CounterStatement {}; // `counter`, also `counter packets N bytes N`
struct NocountStatement {};
struct CommentStatement {
    std::string text;
};
/// A statement of the language that is not built yet, or nft's that has no meaning here. `text` is all of it,
/// keyword included, with single blanks; `keyword` is what a message names (`limit`, `ip ttl set`).
struct OtherStatement {
    Name keyword;
    std::string text;
};
struct ErrorStatement {};

struct Statement {
    Span span;
    std::variant<Match, Group, Vmap, VerdictNode, UpdateStatement, CounterStatement, NocountStatement,
                 CommentStatement, LimitStatement, QuotaStatement, NamedCounterStatement, LogStatement,
                 SampleStatement, SetStatement, NatStatement, ReflectStatement, ReplyStatement,
                 RejectStatement, VlanPushStatement, VlanPopStatement, EncapStatement, DecapStatement,
                 RouteStatement, OtherStatement, ErrorStatement>
        node;
};

struct Rule {
    Span span;
    Name label; // empty text when unnamed
    std::vector<Statement> statements;
};

// ---- tests
// -------------------------------------------------------------------------------------------------------

struct LayerField {             // dport 22
    Name name;                  // "saddr", "saddr ip", "option maxseg size", …
    std::optional<Value> value; // none for an option named alone: `option sack-perm`
};
/// `tcp dport 22 flags syn`, `payload "x"`, `payload 20 bytes`, `raw 0x…`, `truncate 40`.
struct SendLayer {
    Span span;
    Name keyword;
    std::vector<LayerField> fields; // of header layers
    std::optional<Value> value;     // of payload, raw, truncate
    bool bytes_suffix = false;      // `payload 20 bytes`
};
struct SendStep {
    std::vector<SendLayer> layers; // empty when `pcap` is given
    std::optional<Name> pcap;
    uint64_t count = 1;        // xN
    std::optional<Name> iface; // on IFACE
    std::optional<Value> at;   // at +5s: the word `5s`
};
struct ExpectVerdict {
    VerdictNode verdict;
    std::optional<uint64_t> count;
    std::optional<Name> by;      // a rule's name, FILE:LINE or `policy`
    std::optional<Name> iface;   // to IFACE
    std::vector<Statement> with; // matches that hold of the frame that goes out
};
struct ExpectStep { // expect pass 10, drop 10
    std::vector<ExpectVerdict> verdicts;
};
struct ExpectedElement {
    Span span;
    Value key;
    std::optional<uint64_t> packets;
    std::optional<Value> expires;
};
struct ExpectCounterStep {
    Name rule;
    uint64_t packets = 0;
    std::optional<uint64_t> bytes; // expect counter RULE N [bytes M]
};
/// `expect element @seen { 192.0.2.1 packets 3 expires 10s }`, `expect no element @seen { … }`
struct ExpectElementStep {
    bool missing = false;
    Name set;
    std::vector<ExpectedElement> elements;
};
struct ExpectBytesStep {
    Value bytes; // 0x…
};
struct AdvanceStep {
    Value time;
};
struct GivenOption { // mtu 1400
    Name name;
    Value value;
};
/// `given iface eth1 mtu 1400`
struct GivenIfaceStep {
    Name iface;
    std::vector<GivenOption> options;
};
/// `given route 10.0.0.0/8 via eth1 ether 02:00:00:00:01:02`, `given route 10.9.0.0/16 blackhole`
struct GivenRouteStep {
    Value prefix;
    std::optional<Name> via; // an interface
    Name kind;               // else; empty text where nothing is said
    std::vector<GivenOption> options;
};
struct OtherStep { // an expectation that is not yet supported
    Name keyword;
    std::string text;
};
struct ErrorStep {};
struct TestStep {
    Span span;
    std::variant<SendStep, ExpectStep, ExpectCounterStep, ExpectElementStep, ExpectBytesStep, AdvanceStep,
                 GivenIfaceStep, GivenRouteStep, OtherStep, ErrorStep>
        node;
};

// ---- top level
// ---------------------------------------------------------------------------------------------------

struct File;
struct Include {
    Name path;
    std::shared_ptr<const File> file; // filled by the loader; null if it could not be read (diagnosed
                                      // there) or was included before: then its contents are there already
};
struct Define {
    Name name;
    Value value;
};
struct TypePart { // `ipv4_addr`, or a selector for typeof
    std::variant<Name, Selector> node;
};
struct SetItem {
    bool is_map = false;
    Name name;
    bool is_typeof = false;
    std::vector<TypePart> key_type;  // concatenation
    std::optional<Name> mapped_type; // `verdict`, or a type
    std::vector<Name> flags;
    std::vector<ElementAttribute> options; // size, timeout, gc-interval, counter, policy, auto-merge
    std::optional<Value> elements;         // ListValue
    std::optional<Name> file;
};
struct ChainPolicy {
    Span span;
    VerdictNode verdict;
};
struct Chain {
    Name name;
    std::optional<ChainPolicy> policy;
    std::vector<Name> hook; // nft's `type filter hook …` lines, each a text, ignored with a note
    std::vector<Rule> rules;
};
struct OptionsItem {
    std::vector<std::vector<Name>> entries; // `counters off` → {"counters", "off"}
};
struct TestItem {
    Name title;
    std::vector<TestStep> steps;
};
struct LimitItem { // limit NAME { rate … }
    Name name;
    std::optional<Rate> rate;
    std::optional<Name> comment;
};
struct QuotaItem { // quota NAME { over 500 mbytes }
    Name name;
    std::optional<QuotaBytes> bytes;
    std::optional<Name> comment;
};
struct CounterItem { // counter NAME { }
    Name name;
    std::optional<Name> comment;
};
struct OtherItem { // service, extern, assert: not yet supported
    Name keyword;
    std::string text;
};
struct ErrorItem {};
struct Item;
struct Table { // table FAMILY NAME { … }
    Name family, name;
    std::vector<Item> items;
};
struct Item {
    Span span;
    std::variant<Include, Define, SetItem, LimitItem, QuotaItem, CounterItem, Chain, OptionsItem, TestItem,
                 Table, OtherItem, ErrorItem>
        node;
};

struct Comment { // "# …" to the end of its line
    Span span;
    std::string text;
};
struct File {
    FileId id;
    std::vector<Item> items;
    std::vector<Comment> comments; // in order; the printer puts them back by their places
};

} // namespace xdpc::ast
