// A rule: matches, verdicts and other statements. Names of headers and fields come from the field table
// (compiler/fields/fields.def), not from here.
#pragma once

#include "grammar/limits.h"

#include <algorithm>
#include <cctype>

namespace xdpc::grammar {

// ---- what a match reads

struct header_name : Custom<header_name> {
    static Length length(std::string_view rest, Context& context) {
        const auto header = text::read_header(rest, context.free > 0);
        if (!header) {
            return {};
        }
        context.header = header->name;
        context.written_header = rest.substr(0, header->length);
        return header->length;
    }
};
struct field_name : Custom<field_name> {
    static Length length(std::string_view rest, const Context& context) {
        const auto field = text::read_field(context.header, context.written_header, rest, context.free > 0);
        return field ? Length(field->length) : Length();
    }
};
struct meta_key : identifier {};
struct raw_base : sor<keyword<"ll">, keyword<"nh">, keyword<"th">, keyword<"ih">> {};
struct raw_number : number {};
struct comma : one<','> {};

struct field_selector : seq<header_name, gap, must<field_name>> {};
struct meta_selector : seq<keyword<"meta">, gap, must<meta_key>> {};
struct bare_meta_selector : word_of<text::is_bare_meta> {};
struct address_selector : sor<keyword<"saddr">, keyword<"daddr">> {};
struct raw_selector : seq<one<'@'>, raw_base, gap, must<comma>, gap, must<raw_number>, gap, must<comma>, gap,
                          must<raw_number>> {};
struct mask_operator
    : sor<seq<one<'&'>, not_at<one<'&'>>>, seq<one<'|'>, not_at<one<'|'>>>, one<'^'>, shift_operator> {};
struct mask : operand {};
struct selector : seq<sor<raw_selector, meta_selector, bare_meta_selector, address_selector, field_selector>,
                      opt<gap, mask_operator, gap, must<mask>>> {};
struct selectors : seq<selector, star<gap, concat_operator, gap, must<selector>>> {};

// ---- matches

struct equal_to : sor<string<'=', '='>, keyword<"eq">> {};
struct not_equal_to : sor<string<'!', '='>, keyword<"ne">> {};
struct less_or_equal : sor<string<'<', '='>, keyword<"le">> {};
struct less : sor<seq<one<'<'>, not_at<one<'<'>>>, keyword<"lt">> {};
struct greater_or_equal : sor<string<'>', '='>, keyword<"ge">> {};
struct greater : sor<seq<one<'>'>, not_at<one<'>'>>>, keyword<"gt">> {};
struct relation : sor<equal_to, not_equal_to, less_or_equal, less, greater_or_equal, greater> {};
struct exists : keyword<"exists"> {};
struct missing : keyword<"missing"> {};

struct vmap_table : sor<list, set_reference> {};
struct vmap_tail : seq<keyword<"vmap">, gap, must<vmap_table>> {};
/// The text of a statement that is kept as text: to the end of the rule, or to where the next statement
/// begins.
struct kept_text : Custom<kept_text> {
    template<class State> static Length length(std::string_view rest, const State& state) {
        return state.kept_length(rest);
    }
};
/// A field that is read, not the symbol that its header's name may be, too (`ether type set ip`).
struct field_ahead : Custom<field_ahead> {
    static Length length(std::string_view rest, const Context& context) {
        return text::field_ahead(rest, context.free > 0) ? Length(1) : Length();
    }
};
struct set_source : sor<raw_selector, meta_selector, field_selector> {};
struct set_operator : sor<one<'+'>, one<'-'>, and_operator, xor_operator, or_operator, shift_operator> {};
struct set_number : operand {};
struct set_operation : seq<set_operator, gap, must<set_number>> {};
struct set_constant : value {};
/// `ip saddr . tcp dport map @name`
struct set_key : sor<raw_selector, meta_selector, address_selector, field_selector> {};
struct set_table : sor<list, set_reference, define_reference> {};
struct set_map
    : seq<set_key, star<gap, concat_operator, gap, set_key>, gap, keyword<"map">, gap, must<set_table>> {};
struct set_to : sor<seq<at<sor<field_ahead, address_selector>>, set_map>,
                    seq<at<field_ahead>, set_source, star<gap, set_operation>>, set_constant> {};
struct set_tail : seq<keyword<"set">, gap, must<set_to>> {};
struct match_value : value {};
struct match_tail : sor<vmap_tail, set_tail, exists, missing, seq<opt<relation, gap>, must<match_value>>> {};
struct match_statement : seq<selectors, gap, must<match_tail>> {};
/// `exthdr frag exists`, `ip missing`: a header without a field.
struct header_match : seq<header_name, gap, sor<exists, missing>> {};
/// `meta malformed` alone.
struct boolean_key : word_of<text::is_boolean_meta> {};
struct tail_ahead : sor<relation, exists, missing, peg::digit, keyword<"true">, keyword<"false">,
                        keyword<"vmap">, keyword<"set">, one<'.'>, mask_operator, one<'$'>> {};
struct boolean_match : seq<keyword<"meta">, gap, boolean_key, not_at<gap, tail_ahead>> {};

// ---- other statements

struct counter_statement : seq<keyword<"counter">, not_at<gap, keyword<"name">>, opt<counts>> {};
struct nocount_statement : keyword<"nocount"> {};
struct comment_statement : seq<keyword<"comment">, gap, must<comment_text>> {};
struct reset_word : keyword<"reset"> {};
struct reflect_statement : keyword<"reflect"> {};
struct reply_what : keyword<"echo"> {};
struct reply_statement : seq<keyword<"reply">, gap, must<reply_what>> {};
struct reject_reset : seq<keyword<"tcp">, gap, must<reset_word>> {};
struct reject_family : sor<keyword<"icmpx">, keyword<"icmpv6">, keyword<"icmp">> {};
struct reject_code : identifier {};
struct reject_with
    : sor<reject_reset, seq<reject_family, gap, opt<keyword<"type">, gap>, must<reject_code>>> {};
struct reject_statement : seq<keyword<"reject">, opt<gap, keyword<"with">, gap, must<reject_with>>> {};
struct vlan_id_word : keyword<"id"> {};
struct vlan_id_value : operand {};
struct vlan_pcp_value : operand {};
struct vlan_type_value : word {};
struct vlan_push_statement
    : seq<keyword<"vlan">, gap, keyword<"push">, gap, must<vlan_id_word>, gap, must<vlan_id_value>,
          star<gap, sor<seq<keyword<"pcp">, gap, must<vlan_pcp_value>>,
                        seq<keyword<"type">, gap, must<vlan_type_value>>>>> {};
struct vlan_pop_statement : seq<keyword<"vlan">, gap, keyword<"pop">> {};
struct tunnel_kind : word {};
struct encap_option_name : sor<keyword<"from">, keyword<"to">, keyword<"ttl">, keyword<"dscp">,
                               keyword<"port">, keyword<"vni">, keyword<"mtu">> {};
struct encap_value : operand {};
struct encap_too_large : sor<keyword<"drop">, keyword<"reject">> {};
struct encap_option : seq<encap_option_name, gap, must<encap_value>, opt<gap, encap_too_large>> {};
struct encap_statement : seq<keyword<"encap">, gap, must<tunnel_kind>, star<gap, encap_option>> {};
struct decap_kind : Custom<decap_kind> { // may begin with a digit
    static Length length(std::string_view rest, const Context&) {
        const auto end =
            std::find_if(rest.begin(), rest.end(), [](unsigned char c) { return !std::isalnum(c); });
        const std::string_view word = rest.substr(0, static_cast<size_t>(end - rest.begin()));
        return text::is_tunnel(word) ? Length(word.size()) : Length();
    }
};
struct decap_option_name : sor<keyword<"vni">, keyword<"port">> {};
struct decap_option : seq<decap_option_name, gap, must<encap_value>> {};
struct decap_statement : seq<keyword<"decap">, opt<gap, decap_kind>, star<gap, decap_option>> {};
/// 10.0.0.5, 10.0.0.5:80, [2001:db8::5]:80, 10.1.0.0/16, :8080
struct nat_text : plus<sor<peg::xdigit, one<'.', ':', '/', '[', ']'>>> {};
struct nat_target : sor<define_reference, nat_text> {};
struct nat_word : sor<keyword<"snat">, keyword<"dnat">> {};
struct nat_statement : seq<nat_word, gap, keyword<"to">, gap, nat_target, not_at<gap, range_operator>> {};
struct route_table : operand {};
struct route_statement : seq<keyword<"route">, opt<gap, keyword<"table">, gap, must<route_table>>> {};
struct action_statement
    : sor<nat_statement, reflect_statement, reply_statement, reject_statement, vlan_push_statement,
          vlan_pop_statement, encap_statement, decap_statement, route_statement> {};
struct update_word : sor<keyword<"add">, keyword<"update">, keyword<"delete">> {};
struct updated_set : set_reference {};
struct update_opening : one<'{'> {};
struct updated_keys : selectors {};
struct update_timeout : seq<keyword<"timeout">, gap, must<attribute_value>> {};
struct update_statement
    : seq<update_word, gap, must<updated_set>, gap, must<update_opening>,
          inside<gap, must<updated_keys>, gap, opt<update_timeout>, gap, must<closing_brace>>> {};
struct call
    : seq<not_at<sor<keyword<"not">, keyword<"or">, keyword<"and">>>, at<identifier, one<'('>>, kept_text> {};
struct keyword_statement : seq<at<word_of<text::is_other_statement>>, kept_text> {};
struct other_statement : sor<keyword_statement, call> {};

/// `counter name tcp dport map { 22 : "ssh" }`: nft's choice of an object by a map.
struct object_map_ahead : Custom<object_map_ahead> {
    static Length length(std::string_view rest, const Context&) {
        return if_any(text::object_map_length(rest));
    }
};
struct object_map_statement
    : seq<at<object_map_ahead>, sor<keyword<"limit">, keyword<"quota">, keyword<"counter">>, gap,
          keyword<"name">, gap, selectors, gap, keyword<"map">, gap, must<set_table>> {};

struct group;
struct group_opening : at<one<'('>> {};
struct negated_group : seq<keyword<"not">, gap, must<group_opening>, group> {};
struct group_member : sor<negated_group, group, update_statement, stateful_statement, action_statement,
                          other_statement, boolean_match, header_match, match_statement> {};
struct alternative
    : seq<must<group_member>, star<gap, not_at<sor<one<')'>, keyword<"or">, eof>>, must<group_member>>> {};
struct group : seq<one<'('>, inside<gap, alternative, star<gap, keyword<"or">, gap, alternative>, gap,
                                    must<closing_parenthesis>>> {};

struct statement : sor<negated_group, group, verdict, counter_statement, nocount_statement, comment_statement,
                       object_map_statement, update_statement, stateful_statement, action_statement,
                       other_statement, boolean_match, header_match, match_statement> {};
struct error_statement : failure {};
struct any_statement : recovering<must<statement>, Resume::Line, error_statement> {};

struct label_name : identifier {};
struct label : seq<label_name, one<':'>, not_at<one<':'>>> {};
struct statements : seq<any_statement, star<gap, not_at<end_of_line>, any_statement>> {};
/// A label alone is a mistake; the next line is a rule of its own.
struct nothing_labelled : seq<at<end_of_line>, expecting<statement>> {};
struct rule : sor<seq<label, gap, sor<nothing_labelled, statements>>, statements> {};

} // namespace xdpc::grammar
