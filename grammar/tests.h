// Tests in a policy: what is sent, and what is expected.
#pragma once

#include "grammar/statements.h"

namespace xdpc::grammar {

// ---- send

struct times_number : digits {};
struct times : seq<one<'x'>, times_number, not_at<peg::identifier_other>> {};
struct on_interface : seq<keyword<"on">, gap, must<interface_name>> {};
struct moment : word {};
struct at_time : seq<keyword<"at">, gap, opt<one<'+'>>, must<moment>> {};
struct send_option : sor<times, on_interface, at_time> {};

struct layer_name : identifier {};
struct layer_header
    : Custom<layer_header> { // `tcp`, `exthdr frag`; an unknown one is the checker's to report
    static Length length(std::string_view rest, Context& context) {
        const auto header = text::read_header(rest, context.free > 0);
        context.header = header ? header->name : std::string(text::word_at(rest));
        return header ? Length(header->length) : if_any(text::word_length(rest));
    }
};
template<bool Alone> struct layer_field_of : Custom<layer_field_of<Alone>> {
    static Length length(std::string_view rest, const Context& context) {
        const auto field = text::read_layer_field(context.header, rest, context.free > 0);
        return field && field->alone == Alone ? Length(field->length) : Length();
    }
};
struct lone_option : layer_field_of<true> {};
struct layer_field_name : layer_field_of<false> {};
struct send_value : slash_ends<comma_value> {};
struct layer_field : sor<lone_option, seq<layer_field_name, gap, must<send_value>>> {};
struct header_layer : seq<layer_header, star<gap, not_at<send_option>, layer_field>> {};

struct bytes_word : keyword<"bytes"> {};
struct payload_value : sor<quoted_value, word> {};
struct payload_layer : seq<keyword<"payload">, gap, must<payload_value>, opt<gap, bytes_word>> {};
struct raw_layer : seq<keyword<"raw">, gap, must<payload_value>> {};
struct truncate_layer : seq<keyword<"truncate">, gap, must<payload_value>> {};
struct layer : sor<payload_layer, raw_layer, truncate_layer, header_layer> {};
struct layers : seq<layer, star<gap, one<'/'>, gap, must<layer>>> {};

struct capture_name : quoted {};
struct send_pcap : seq<keyword<"pcap">, gap, must<capture_name>> {};
struct sent : sor<send_pcap, layers> {};
struct send_tail : seq<must<sent>, star<gap, send_option>> {};
struct send_step : seq<keyword<"send">, gap, send_tail> {};

// ---- expect

/// A rule's name, `policy`, or FILE:LINE.
struct rule_reference_text : plus<sor<peg::alnum, one<'_', '-', '.', '/', ':', '<', '>'>>> {};
struct rule_reference : sor<quoted, rule_reference_text> {};
struct by_rule : seq<keyword<"by">, gap, must<rule_reference>> {};
struct to_interface : seq<keyword<"to">, gap, must<interface_name>> {};
struct expect_count : number {};
struct with_opening : one<'{'> {};
struct with_match : sor<negated_group, group, boolean_match, header_match, match_statement> {};
struct with_matches
    : seq<keyword<"with">, gap, must<with_opening>,
          inside<gap, star<not_at<sor<one<'}'>, eof>>, must<with_match>, gap, opt<one<';'>>, gap>,
                 must<closing_brace>>> {};
struct any_redirect : keyword<"redirect"> {};
struct expect_verdict : seq<sor<any_redirect, verdict>, opt<gap, expect_count>,
                            star<gap, sor<by_rule, to_interface, with_matches>>> {};
struct expect_verdicts : seq<expect_verdict, star<gap, one<','>, gap, must<expect_verdict>>> {};
struct expect_bytes_count : number {};
struct expect_counter : seq<keyword<"counter">, gap, must<rule_reference>, gap, opt<keyword<"packets">, gap>,
                            must<expect_count>, opt<gap, keyword<"bytes">, gap, must<expect_bytes_count>>> {};
struct expected_packets : seq<keyword<"packets">, gap, must<expect_count>> {};
struct expected_expiry : seq<keyword<"expires">, gap, must<attribute_value>> {};
struct expected_element
    : seq<must<element_key>, star<gap, sor<expected_packets, expected_expiry>>, gap, must<element_end>> {};
struct no_word : keyword<"no"> {};
struct looked_up_set : set_reference {};
struct element_opening : one<'{'> {};
struct expect_element
    : seq<opt<no_word, gap>, keyword<"element">, gap, must<looked_up_set>, gap, must<element_opening>,
          inside<gap, star<not_at<sor<one<'}'>, eof>>, expected_element, gap, opt<one<','>>, gap>,
                 must<closing_brace>>> {};
struct expected_bytes : word {};
struct expect_bytes : seq<keyword<"bytes">, gap, must<expected_bytes>> {};
struct line_text : Custom<line_text> {
    template<class State> static Length length(std::string_view rest, const State& state) {
        return state.line_length(rest);
    }
};
struct expect_other : seq<at<word_of<text::is_other_expect>>, line_text> {};
struct expectation : sor<expect_counter, expect_element, expect_bytes, expect_other, expect_verdicts> {};
struct expect_step : seq<keyword<"expect">, gap, must<expectation>> {};

// ---- the rest

struct advance_time : word {};
struct advance_step : seq<keyword<"advance">, gap, must<advance_time>> {};
struct given_option_name : sor<keyword<"ether">, keyword<"mtu">, keyword<"table">> {};
struct given_value : operand {};
struct given_option : seq<given_option_name, gap, must<given_value>> {};
struct given_iface : seq<keyword<"iface">, gap, must<interface_name>, star<gap, given_option>> {};
struct given_prefix : operand {};
struct given_via : seq<keyword<"via">, gap, must<interface_name>> {};
struct given_kind : sor<keyword<"local">, keyword<"blackhole">, keyword<"unreachable">, keyword<"prohibit">> {
};
struct given_target : sor<given_via, given_kind> {};
struct given_route
    : seq<keyword<"route">, gap, must<given_prefix>, gap, must<given_target>, star<gap, given_option>> {};
struct given_what : sor<given_iface, given_route> {};
struct given_step : seq<keyword<"given">, gap, must<given_what>> {};
struct test_step : sor<send_step, expect_step, advance_step, given_step> {};
struct step_end : end_of_line {};
struct whole_step : seq<must<test_step>, gap, must<step_end>> {};
struct error_step : failure {};
struct any_step : recovering<whole_step, Resume::Line, error_step> {};

} // namespace xdpc::grammar
