// The table of header fields (fields.def) and of symbolic names (symbols.def) as C++: ids, rows, look-ups.
#pragma once

#include "compiler/base/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xdpc {

/// Every HEADER and OPTION row, in table order.
enum class HeaderId : uint8_t {
#define HEADER(id, keyword, layer, guard, min_bytes) id,
#define OPTION(id, keyword, parent, kind) id,
#include "compiler/fields/fields.def"
};

enum class FieldId : uint16_t {
#define FIELD(id, header, name, bit_offset, bit_width, type, access) id,
#include "compiler/fields/fields.def"
};

enum class MetaId : uint8_t {
#define META(id, name, bit_width, type) id,
#include "compiler/fields/fields.def"
};

enum class Layer : uint8_t {
    Link,
    Tag,
    Arp,
    Ip,
    Ip6,
    Extension,
    Transport4,
    Transport6,
    Transport,
    AnyTransport,
    Option
};

/// What a value of a field means to a person: decides how it is written, read and printed.
enum class TypeId : uint8_t {
    Integer,
    Boolean,
    EtherAddr,
    Ipv4Addr,
    Ipv6Addr,
    EtherType,
    InetProto,
    InetService,
    ArpOp,
    Dscp,
    Ecn,
    IcmpType,
    IcmpCode,
    Icmpv6Type,
    Icmpv6Code,
    IgmpType,
    TcpFlag,
    MhType,
    RtType,
    DccpType,
    IfaceIndex,
    IfaceName,
    Time,     // ns since 1970 UTC; written as "2026-01-31 12:00:00" (UTC) or as a number of seconds
    Day,      // 0 Sunday .. 6 Saturday
    Hour,     // seconds since midnight; written as "12:00" or "12:00:30"
    Fragment, // 0 none, 1 first, 2 later; the name `any` stands for {1, 2}
};

enum class Access : uint8_t { RW, RO };

struct HeaderInfo {
    const char* id;      // "TcpOptMaxseg"
    const char* keyword; // "tcp option maxseg"
    Layer layer;
    HeaderId parent;    // of an option; itself otherwise
    uint16_t guard;     // see fields.def; the kind, of an option
    uint16_t min_bytes; // 0 for options
};

struct FieldInfo {
    const char* id; // "TcpDport"
    HeaderId header;
    const char* name;
    uint16_t bit_offset;
    uint16_t bit_width;
    TypeId type;
    Access access;
};

struct MetaInfo {
    const char* id;
    const char* name;
    uint16_t bit_width;
    TypeId type;
};

/// A value of field `by` with which `field` is there.
struct FieldNeed {
    FieldId field;
    FieldId by;
    uint64_t value;
};
/// The rows of one field, in table order; none for most fields.
std::vector<FieldNeed> needs_of(FieldId field);

const HeaderInfo& info(HeaderId id);
const FieldInfo& info(FieldId id);
const MetaInfo& info(MetaId id);
const std::vector<HeaderInfo>& all_headers();
const std::vector<FieldInfo>& all_fields();
const std::vector<MetaInfo>& all_metas();

std::optional<HeaderId> find_header(std::string_view keyword);
/// `name` as in the table ("saddr ip" has a space).
std::optional<FieldId> find_field(HeaderId header, std::string_view name);
std::optional<MetaId> find_meta(std::string_view name);

enum class RawBase : uint8_t { Ll, Nh, Th, Ih };

/// What a match reads. Every key has a width in bits and is either absent or a number in a given packet
/// (README.md says when).
struct FieldKey {
    FieldId field;
    bool operator==(const FieldKey&) const = default;
};
/// `@th,16,32`: `bit_width` (1..128) bits at `bit_offset` from the base.
struct RawKey {
    RawBase base;
    uint32_t bit_offset;
    uint16_t bit_width;
    bool operator==(const RawKey&) const = default;
};
/// 1 bit: whether the header or option is there; itself absent where its parent is (README.md, "exists").
struct ExistsKey {
    HeaderId header;
    bool operator==(const ExistsKey&) const = default;
};
struct MetaKey {
    MetaId meta;
    /// `meta random` is drawn anew for each place it is written; this numbers the places. 0 for all others.
    uint32_t occurrence = 0;
    bool operator==(const MetaKey&) const = default;
};
using KeySource = std::variant<FieldKey, RawKey, ExistsKey, MetaKey>;

uint16_t width_of(const KeySource& source);
TypeId type_of(const KeySource& source);
/// As it is written in a policy: "tcp dport", "@th,16,32", "exthdr frag", "meta length".
std::string name_of(const KeySource& source);

/// A symbol of a type: `ssh` is 22 of InetService. See symbols.def.
struct Symbol {
    TypeId type;
    const char* name;
    uint64_t value;
};
const std::vector<Symbol>& all_symbols();
std::optional<uint64_t> find_symbol(TypeId type, std::string_view name);
/// The preferred (first listed) name of a value, or nothing.
std::optional<std::string_view> symbol_of(TypeId type, uint64_t value);
/// "ipv4_addr": nft's name of the type, for messages and `type` clauses; see also find_type.
std::string_view name_of(TypeId type);
std::optional<TypeId> find_type(std::string_view nft_name);
uint16_t width_of(TypeId type); // of a set's key of that type (Integer has none: 0)

/// Prints a value the way a policy writes it ("10.0.0.1", "ssh", "syn|ack", "0x1f").
std::string format_value(TypeId type, u128 value);
/// Prints an interval: prefix form for addresses where it is one, "80-90", "10.0.0.1-10.0.0.9", a single
/// value.
std::string format_interval(TypeId type, Interval interval, uint16_t width);

} // namespace xdpc
