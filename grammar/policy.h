// A policy file: the top-level statements.
#pragma once

#include "grammar/tests.h"

namespace xdpc::grammar {

struct item;
struct opening_brace : one<'{'> {};
struct item_name : identifier {};

struct path : quoted {};
struct include_item : seq<keyword<"include">, gap, must<path>> {};
struct equals : seq<one<'='>, not_at<one<'='>>> {};
struct define_item : seq<keyword<"define">, gap, must<item_name>, gap, must<equals>, gap, must<value>> {};

// ---- sets and maps

struct type_name : identifier {};
struct mapped_type : sor<selector, identifier> {};
struct type_clause
    : seq<keyword<"type">, gap, must<type_name>, star<gap, concat_operator, gap, must<type_name>>,
          opt<gap, one<':'>, gap, must<mapped_type>>> {};
struct typeof_clause
    : seq<keyword<"typeof">, gap, must<selector>, star<gap, concat_operator, gap, must<selector>>,
          opt<gap, one<':'>, gap, must<mapped_type>>> {};
struct flag : identifier {};
struct flags_clause : seq<keyword<"flags">, gap, must<flag>, star<gap, one<','>, gap, must<flag>>> {};
struct element_list : seq<list> {};
struct elements_clause : seq<keyword<"elements">, gap, must<equals>, gap, must<element_list>> {};
struct file_clause : seq<keyword<"file">, gap, must<path>> {};
struct set_option_name : word_of<text::is_set_option> {};
struct set_option : seq<set_option_name, gap, must<attribute_value>> {};
struct set_switch : word_of<text::is_set_switch> {};
struct set_clause
    : sor<type_clause, typeof_clause, flags_clause, elements_clause, file_clause, set_option, set_switch> {};
struct error_clause : failure {};
struct set_body
    : inside<separators, star<not_at<sor<one<'}'>, eof>>,
                              recovering<must<set_clause>, Resume::Line, error_clause>, separators>> {};
struct set_tail_of_item
    : seq<gap, must<item_name>, gap, must<opening_brace>, set_body, expecting<closing_brace>> {};
struct set_item : seq<keyword<"set">, set_tail_of_item> {};
struct map_item : seq<keyword<"map">, set_tail_of_item> {};

// ---- limits, quotas and counters with a name

template<class Clause>
struct object_body
    : seq<gap, must<item_name>, gap, must<opening_brace>,
          inside<separators, star<not_at<sor<one<'}'>, eof>>,
                                  recovering<must<Clause>, Resume::Line, error_clause>, separators>>,
          expecting<closing_brace>> {};
struct limit_item : seq<keyword<"limit">, object_body<limit_clause>> {};
struct quota_item : seq<keyword<"quota">, object_body<quota_clause>> {};
struct counter_item : seq<keyword<"counter">, object_body<counter_clause>> {};

// ---- chains

struct hook_line
    : seq<at<sor<seq<keyword<"type">, gap, identifier>, seq<keyword<"devices">, gap, one<'='>>>>, line_text> {
};
struct policy_verdict : verdict {};
struct policy_line : seq<keyword<"policy">, gap, must<policy_verdict>> {};
/// The next top-level statement: a chain's `}` was forgotten before it.
struct item_ahead : sor<seq<sor<keyword<"chain">, keyword<"set">, keyword<"map">, keyword<"limit">,
                                keyword<"quota">, keyword<"counter">>,
                            gap, identifier, gap, one<'{'>>,
                        seq<keyword<"test">, gap, one<'"'>>, seq<keyword<"include">, gap, one<'"'>>,
                        seq<keyword<"define">, gap, identifier, gap, one<'='>>> {};
struct hook_or_policy : sor<hook_line, policy_line> {};
struct line_end : end_of_line {};
/// What is behind a statement is a mistake of its own: the statement stays.
template<class Error> struct ends_line : recovering<must<line_end>, Resume::Line, Error> {};
struct chain_line : sor<seq<not_at<label>, recovering<hook_or_policy, Resume::Line, error_statement>, gap,
                            ends_line<error_statement>>,
                        rule> {};
struct chain_body : seq<separators, star<not_at<sor<one<'}'>, eof, item_ahead>>, chain_line, separators>> {};
struct chain_item : seq<keyword<"chain">, gap, must<item_name>, gap, must<opening_brace>, chain_body,
                        expecting<closing_brace>> {};

// ---- the rest

struct option_word : sor<identifier, word> {};
struct options_entry : seq<must<option_word>, star<gap, option_word>> {};
struct error_entry : failure {};
struct whole_entry : seq<options_entry, gap, must<line_end>> {};
struct options_block
    : seq<one<'{'>, separators,
          star<not_at<sor<one<'}'>, eof>>, recovering<whole_entry, Resume::Line, error_entry>, separators>,
          expecting<closing_brace>> {};
struct options_item : seq<keyword<"options">, gap, sor<options_block, options_entry>> {};

struct title : quoted {};
struct test_body : seq<separators, star<not_at<sor<one<'}'>, eof, item_ahead>>, any_step, separators>> {};
struct test_item
    : seq<keyword<"test">, gap, must<title>, gap, must<opening_brace>, test_body, expecting<closing_brace>> {
};

struct error_item : failure {};
struct any_item : recovering<must<item>, Resume::Line, error_item> {};
struct table_body : nested_lines<separators, star<not_at<sor<one<'}'>, eof>>, any_item, separators>> {};
struct table_item : seq<keyword<"table">, gap, must<item_name>, gap, opt<item_name, gap>, must<opening_brace>,
                        table_body, expecting<closing_brace>> {};
struct other_item : seq<at<word_of<text::is_other_item>>, line_text> {};

struct one_line_item
    : seq<sor<include_item, define_item, options_item, other_item>, gap, ends_line<error_item>> {};
struct item : sor<set_item, map_item, limit_item, quota_item, counter_item, chain_item, test_item, table_item,
                  one_line_item> {};

struct stray_brace : one<'}'> {};
struct no_stray_brace : not_at<stray_brace> {};
struct byte_order_mark : opt<string<'\xef', '\xbb', '\xbf'>> {};
struct policy_file
    : seq<byte_order_mark, separators,
          star<not_at<eof>, sor<seq<at<stray_brace>, expecting<no_stray_brace>, stray_brace>, any_item>,
               separators>,
          eof> {};
/// The layers of a send alone, for `xdpc trace`.
struct layers_text
    : seq<recovering<seq<inside<gap, send_tail, gap>, must<eof>>, Resume::Line, error_step>, star<peg::any>> {
};

} // namespace xdpc::grammar
