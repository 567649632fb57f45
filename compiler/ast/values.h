// Names, values and what matches read, as written. Part of ast.h.
#pragma once

#include "compiler/base/source.h"
#include "compiler/fields/fields.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xdpc::ast {

/// A name or a word and where it stands.
struct Name {
    std::string text;
    Span span;
    bool operator==(const Name& other) const { return text == other.text; } // places do not count
};

// ---- values
// ----------------------------------------------------------------------------------------------------

struct Value;
using ValuePtr = std::shared_ptr<const Value>; // immutable tree

struct Word { // 22, 0x1f, 10.0.0.1, 2001:db8::1, 02:00:00:00:00:01, echo-request, 10m, 20%
    std::string text;
};
struct Quoted {       // "eth0", "2026-01-01 10:00:00"
    std::string text; // without quotes
};
struct DefineRef { // $office
    Name name;
};
struct SetRef { // @blocklist
    Name name;
};
struct Star {};     // * as a vmap key
struct RangeValue { // a-b
    ValuePtr low, high;
};
/// a/b: a prefix (10.0.0.0/8), or flags / mask (syn / fin,syn): the checker decides by type.
struct SlashValue {
    ValuePtr left, right;
};
struct CommaValue { // syn,ack
    std::vector<Value> parts;
};
struct ConcatValue { // 10.0.0.1 . 22
    std::vector<Value> parts;
};
enum class BinaryOp { Or, And, Xor, Shl, Shr, Plus, Minus };
struct BinaryValue { // (syn | ack), also `tcp or udp`
    BinaryOp op;
    ValuePtr left, right;
};
struct NotValue { // ~x, !x
    ValuePtr operand;
};
/// An element of `{ … }`: a key, in a map what it maps to, and attributes.
struct Element;
struct ListValue {
    std::vector<Element> elements;
};
struct ErrorValue {}; // already diagnosed

struct Value {
    Span span;
    std::variant<Word, Quoted, DefineRef, SetRef, Star, RangeValue, SlashValue, CommaValue, ConcatValue,
                 BinaryValue, NotValue, ListValue, ErrorValue>
        node;
};

enum class VerdictKind : uint8_t { Pass, Drop, Abort, Tx, Redirect, Jump, Goto, Return, Continue };
struct VerdictNode {
    Span span;
    VerdictKind kind = VerdictKind::Pass;
    bool accept_spelling = false; // `accept` was written for `pass`; fmt prints `pass`
    Name target;                  // of jump and goto; of redirect the interface
};

struct ElementAttribute { // timeout 10m, comment "x", counter, expires …
    Name name;
    std::optional<Value> value;
};
struct Element {
    Span span;
    Value key;
    std::variant<std::monostate, VerdictNode, Value> mapped;
    std::vector<ElementAttribute> attributes;
};

// ---- what a match reads
// -------------------------------------------------------------------------------------------

/// `tcp dport`, `exthdr frag id`, `tcp option maxseg size`, `vlan.inner id`. `field` is empty for existence
/// tests of a header (`exthdr frag exists`). Unknown names stay text: the checker reports them.
struct FieldSelector {
    Name header; // keyword as in the table: `exthdr frag` is "frag", `tcp option mss` "tcp option maxseg"
    Name field;
};
struct MetaSelector { // `meta length`, also the unqualified `iifname`, `l4proto` nft accepts
    Name name;
};
struct RawSelector { // @th,16,32
    Name base;
    uint64_t offset = 0;
    uint64_t length = 0;
};
struct AddressSelector { // `saddr` / `daddr` without a family
    Name name;
};
struct Selector {
    Span span;
    std::variant<FieldSelector, MetaSelector, RawSelector, AddressSelector> node;
    std::optional<BinaryOp> op; // `& MASK` and its kin, with operand
    std::optional<Value> operand;
};

} // namespace xdpc::ast
