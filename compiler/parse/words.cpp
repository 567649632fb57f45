// Names from the field table in text, and the closed lists of words that are not in it.
#include "compiler/fields/fields.h"
#include "compiler/fields/tunnels.h"
#include "compiler/parse/text.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace xdpc::text {
namespace {

template<size_t N> bool one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 7> verdicts = {"pass", "accept", "drop",    "abort",
                                                      "tx",   "return", "continue"};
constexpr std::array<std::string_view, 9> reserved = {"jump", "goto", "vmap",   "or",     "and",
                                                      "xor",  "not",  "exists", "missing"};
constexpr std::array<std::string_view, 25> bare_metas = {
    "iif",      "iifname", "iiftype", "iifgroup",    "oif",         "oifname",   "oiftype",
    "oifgroup", "mark",    "skuid",   "skgid",       "nftrace",     "rtclassid", "ibriport",
    "obriport", "ibrname", "obrname", "ibridgename", "obridgename", "pkttype",   "cpu",
    "cgroup",   "time",    "day",     "hour"};
// Statements and matches of the language, or of nft, that are kept as text.
constexpr std::array<std::string_view, 6> actions = {"reflect", "reply", "reject", "encap", "decap", "route"};
constexpr std::array<std::string_view, 39> other_statements = {
    "limit",  "quota",  "log",        "sample",   "redirect", "snat",   "dnat",    "add",
    "update", "delete", "balance",    "synproxy", "ct",       "fib",    "pcap",    "inner",
    "gre",    "geneve", "vxlan",      "gue",      "ipip",     "ip6ip6", "notrack", "dup",
    "fwd",    "queue",  "masquerade", "tproxy",   "numgen",   "jhash",  "symhash", "socket",
    "osf",    "meter",  "flow",       "reset",    "ipsec",    "xfrm",   "last"};
constexpr std::array<std::string_view, 12> ending = {"counter", "nocount", "comment", "log",
                                                     "limit",   "quota",   "sample",  "redirect",
                                                     "reject",  "reflect", "route",   "notrack"};
constexpr std::array<std::string_view, 4> other_items = {"service", "extern", "assert", "flowtable"};
constexpr std::array<std::string_view, 13> items = {"include", "define",  "set",   "map",     "limit",
                                                    "quota",   "counter", "chain", "options", "test",
                                                    "table",   "service", "extern"};
constexpr std::array<std::string_view, 5> set_options = {"size", "timeout", "gc-interval", "policy",
                                                         "comment"};
constexpr std::array<std::string_view, 2> set_switches = {"counter", "auto-merge"};
constexpr std::array<std::string_view, 2> other_expects = {"log", "sample"};

/// nft's other spellings of TCP options.
std::string_view option_alias(std::string_view name) {
    if (name == "mss") {
        return "maxseg";
    }
    if (name == "sack-permitted") {
        return "sack-perm";
    }
    if (name.size() == 5 && name.starts_with("sack") && name[4] >= '0' && name[4] <= '3') {
        return "sack";
    }
    return name;
}

const std::unordered_set<std::string>& header_keywords() {
    static const auto keywords = [] {
        std::unordered_set<std::string> out;
        for (const HeaderInfo& header : all_headers()) {
            out.insert(header.keyword);
        }
        return out;
    }();
    return keywords;
}
/// "tcp option", "ip option": headers whose options follow by name.
const std::unordered_set<std::string>& option_prefixes() {
    static const auto prefixes = [] {
        std::unordered_set<std::string> out;
        for (const HeaderInfo& header : all_headers()) {
            if (header.layer == Layer::Option) {
                const std::string_view keyword = header.keyword;
                out.emplace(keyword.substr(0, keyword.rfind(' ')));
            }
        }
        return out;
    }();
    return prefixes;
}

/// A word, or the digits of an option's number.
size_t option_word_length(std::string_view rest) {
    if (const size_t length = word_length(rest)) {
        return length;
    }
    size_t i = 0;
    while (i < rest.size() && rest[i] >= '0' && rest[i] <= '9') {
        ++i;
    }
    return i;
}

} // namespace

bool is_verdict(std::string_view word) {
    return one_of(verdicts, word);
}
bool is_reserved(std::string_view word) {
    return one_of(verdicts, word) || one_of(reserved, word);
}
bool is_bare_meta(std::string_view word) {
    return one_of(bare_metas, word);
}
bool is_boolean_meta(std::string_view word) {
    const auto meta = find_meta(word);
    return meta && info(*meta).type == TypeId::Boolean;
}
bool is_tunnel(std::string_view word) {
    return tunnel_named(word).has_value();
}
bool is_other_statement(std::string_view word) {
    return one_of(other_statements, word) && !find_header(word);
}
bool is_other_item(std::string_view word) {
    return one_of(other_items, word);
}
bool is_other_expect(std::string_view word) {
    return one_of(other_expects, word);
}
bool is_set_option(std::string_view word) {
    return one_of(set_options, word);
}
bool is_set_switch(std::string_view word) {
    return one_of(set_switches, word);
}
size_t object_map_length(std::string_view rest) {
    // An object may be called `map`, and may be named by a string.
    size_t at = 0;
    for (unsigned words = 0; at < rest.size(); ++words) {
        const std::string_view word = word_at(rest.substr(at));
        const bool fits = words == 0   ? word == "limit" || word == "quota" || word == "counter"
                          : words == 1 ? word == "name"
                                       : true;
        if (!fits) {
            return 0;
        }
        if (words > 2 && word == "map") {
            return at + word.size();
        }
        at += std::max<size_t>(word.size(), 1);
        at += skip_gap(rest.substr(at), false);
        if (at < rest.size() && std::string_view("\n;{}\"").find(rest[at]) != std::string_view::npos) {
            return 0;
        }
    }
    return 0;
}
bool ends_other_statement(std::string_view word) {
    return is_verdict(word) || word == "jump" || word == "goto" || one_of(ending, word);
}

std::optional<TableName> read_header(std::string_view rest, bool free) {
    const std::string first(word_at(rest));
    if (first.empty()) {
        return {};
    }
    size_t next = first.size() + skip_gap(rest.substr(first.size()), free);
    const std::string_view second = word_at(rest.substr(next));
    if (first == "exthdr") {
        return TableName{second.empty() ? first : std::string(second),
                         second.empty() ? first.size() : next + second.size()};
    }
    const std::string prefix = first + " " + std::string(second);
    if (!second.empty() && option_prefixes().contains(prefix)) {
        next += second.size();
        next += skip_gap(rest.substr(next), free);
        const size_t length = option_word_length(rest.substr(next));
        if (length > 0) {
            return TableName{prefix + " " + std::string(option_alias(rest.substr(next, length))),
                             next + length};
        }
    }
    if (!header_keywords().contains(first)) {
        return {};
    }
    return TableName{first, first.size()};
}

std::optional<TableName> read_field(std::string_view header, std::string_view written_header,
                                    std::string_view rest, bool free) {
    const std::string_view first = word_at(rest);
    if (first.empty() || is_reserved(first)) {
        return {};
    }
    const auto id = find_header(header);
    const size_t next = first.size() + skip_gap(rest.substr(first.size()), free);
    const std::string_view second = word_at(rest.substr(next));
    if (id && !second.empty()) {
        std::string both = std::string(first) + " " + std::string(second);
        if (find_field(*id, both)) {
            return TableName{std::move(both), next + second.size()};
        }
    }
    std::string name(first);
    const char block = written_header.empty() ? '0' : written_header.back();
    if (header == "tcp option sack" && block >= '1' && block <= '3') {
        name += block;
    }
    return TableName{std::move(name), first.size()};
}

std::optional<TableName> read_layer_field(std::string_view header, std::string_view rest, bool free) {
    const std::string_view first = word_at(rest);
    const std::string prefix = std::string(header) + " option";
    if (first != "option" || !option_prefixes().contains(prefix)) {
        return read_field(header, header, rest, free);
    }
    size_t next = first.size() + skip_gap(rest.substr(first.size()), free);
    const std::string_view written = rest.substr(next, option_word_length(rest.substr(next)));
    if (written.empty()) {
        return {};
    }
    const std::string option(option_alias(written));
    next += written.size();
    TableName out{"option " + option, next, true};
    const std::string keyword = prefix + " " + option;
    next += skip_gap(rest.substr(next), free);
    const auto id = find_header(keyword);
    const auto field = read_field(keyword, written, rest.substr(next), free);
    if (id && field && find_field(*id, field->name)) {
        out = {out.name + " " + field->name, next + field->length, false};
    }
    return out;
}

bool match_ahead(std::string_view rest, bool free) {
    size_t i = 0;
    for (;;) {
        if (i < rest.size() && rest[i] == '(') {
            ++i;
        } else if (word_at(rest.substr(i)) == "not") {
            i += 3;
        } else {
            break;
        }
        i += skip_gap(rest.substr(i), free);
    }
    const std::string_view here = rest.substr(i);
    const std::string_view word = word_at(here);
    if (word == "meta" || word == "saddr" || word == "daddr" || is_bare_meta(word) || here.starts_with("@")) {
        return true;
    }
    if (is_other_statement(word)) {
        // `ip protocol tcp or gre`: a statement's keyword that is a protocol, too
        const size_t next = word.size() + skip_gap(here.substr(word.size()), free);
        const std::string_view follows = word_at(here.substr(next));
        return !follows.empty() && !is_reserved(follows);
    }
    const auto header = read_header(here, free);
    if (!header) {
        return false;
    }
    const size_t next = header->length + skip_gap(here.substr(header->length), free);
    const std::string_view follows = word_at(here.substr(next));
    if (follows == "exists" || follows == "missing") {
        return true;
    }
    const auto field = read_field(header->name, here.substr(0, header->length), here.substr(next), free);
    if (!field) {
        return false;
    }
    const auto id = find_header(header->name);
    return (id && find_field(*id, field->name)) ||
           !(read_header(here.substr(next), free) || ends_other_statement(follows) ||
             is_other_statement(follows) || follows == "meta");
}

bool field_ahead(std::string_view rest, bool free) {
    if (word_at(rest) == "meta") {
        return true;
    }
    if (rest.starts_with("@")) {
        const std::string_view base = word_at(rest.substr(1));
        return base == "ll" || base == "nh" || base == "th" || base == "ih";
    }
    const auto header = read_header(rest, free);
    const size_t next = header ? header->length + skip_gap(rest.substr(header->length), free) : 0;
    const auto id = header ? find_header(header->name) : std::nullopt;
    const auto field =
        id ? read_field(header->name, rest.substr(0, header->length), rest.substr(next), free) : std::nullopt;
    return field && find_field(*id, field->name);
}

std::vector<std::string> candidates(std::string_view kind) {
    std::vector<std::string> out;
    const auto add = [&out](const auto& words) { out.insert(out.end(), words.begin(), words.end()); };
    if (kind == "top-level statement") {
        add(items);
        add(other_items);
    } else if (kind == "set statement") {
        add(set_options);
        add(set_switches);
        add(std::array<std::string_view, 5>{"type", "typeof", "flags", "elements", "file"});
    } else if (kind == "test step") {
        add(std::array<std::string_view, 4>{"send", "expect", "advance", "given"});
    } else if (kind == "expectation") {
        add(verdicts);
        add(other_expects);
        add(std::array<std::string_view, 4>{"counter", "element", "no", "bytes"});
    } else {
        add(verdicts);
        add(std::array<std::string_view, 7>{"jump", "goto", "counter", "nocount", "comment", "not",
                                            "policy"});
        add(std::array<std::string_view, 4>{"meta", "exthdr", "saddr", "daddr"});
        add(actions);
        add(other_statements);
        add(bare_metas);
        for (const HeaderInfo& header : all_headers()) {
            const std::string_view keyword = header.keyword;
            if (keyword.find(' ') == std::string_view::npos) {
                out.emplace_back(keyword);
            }
        }
    }
    return out;
}

} // namespace xdpc::text
