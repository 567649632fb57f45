// Values: words, lists, ranges, prefixes, flags and masks. From the loosest operator to the tightest:
// `/` (flags / mask), `,`, ` . `, `-`, `|`, `^`, `&`, shifts.
#pragma once

#include "grammar/text.h"

namespace xdpc::grammar {

struct value;
struct list;

struct word : Custom<word> {
    static Length length(std::string_view rest, const Context&) {
        return if_any(text::value_word_length(rest));
    }
};
struct prefix_length : Custom<prefix_length> {
    static Length length(std::string_view rest, const Context&) {
        return if_any(text::prefix_length_length(rest));
    }
};
/// False in a send, where `/` separates layers.
struct slash : Custom<slash> {
    static Length length(std::string_view rest, const Context& context) {
        return !context.slash_ends && rest.starts_with("/") ? Length(1) : Length();
    }
};
struct name : identifier {};
struct define_reference : seq<one<'$'>, must<name>> {};
struct set_reference : seq<one<'@'>, must<name>> {};
struct star_value : one<'*'> {};
struct quoted_value : quoted {};
struct prefixable : sor<define_reference, word> {};
/// 10.0.0.0/8, without blanks; with them it is `flags / mask`, which reads the same.
struct prefix : seq<prefixable, slash, prefix_length> {};

struct closing_parenthesis : one<')'> {};
struct closing_brace : one<'}'> {};
struct parenthesized : seq<one<'('>, inside<gap, must<value>, gap, must<closing_parenthesis>>> {};
struct operand;
struct negated_value : seq<sor<one<'~'>, seq<one<'!'>, not_at<one<'='>>>>, inside<gap, must<operand>>> {};
struct operand
    : sor<list, parenthesized, prefix, prefixable, set_reference, quoted_value, negated_value, star_value> {};

/// `or` joins values (`ip protocol tcp or udp`) unless a match follows (`tcp dport 22 or udp dport 53`).
template<Text Word> struct value_word : Custom<value_word<Word>> {
    static Length length(std::string_view rest, const Context& context) {
        if (text::word_at(rest) != Word.view()) {
            return {};
        }
        const size_t size = Word.view().size();
        const size_t next = size + text::skip_gap(rest.substr(size), context.free > 0);
        return text::match_ahead(rest.substr(next), context.free > 0) ? Length() : Length(size);
    }
};
struct shift_operator : sor<string<'<', '<'>, string<'>', '>'>> {};
struct and_operator : sor<seq<one<'&'>, not_at<one<'&'>>>, value_word<"and">> {};
struct xor_operator : sor<one<'^'>, value_word<"xor">> {};
struct or_operator : sor<seq<one<'|'>, not_at<one<'|'>>>, value_word<"or">> {};
struct range_operator : one<'-'> {};
struct concat_operator : one<'.'> {};

template<class Operand, class Operator>
struct joined : seq<Operand, star<gap, Operator, gap, must<Operand>>> {};
struct shifted : joined<operand, shift_operator> {};
struct and_value : joined<shifted, and_operator> {};
struct xor_value : joined<and_value, xor_operator> {};
struct or_value : joined<xor_value, or_operator> {};
struct range_value : seq<or_value, opt<gap, range_operator, gap, must<or_value>>> {};
struct concat_value : joined<range_value, concat_operator> {};
struct comma_value : joined<concat_value, one<','>> {};
struct value : seq<comma_value, opt<gap, slash, gap, must<comma_value>>> {};
/// In a list the comma separates elements.
struct element_value : seq<concat_value, opt<gap, slash, gap, must<concat_value>>> {};

// ---- elements of lists, sets and maps

struct chain_name : identifier {};
struct jump_verdict : seq<sor<keyword<"jump">, keyword<"goto">>, gap, must<chain_name>> {};
struct plain_verdict : word_of<text::is_verdict> {};
struct interface_name : sor<quoted, word> {};
/// `redirect to cpu`, `xsk` and `{ … }` are statements that are kept as text.
struct redirect_verdict : seq<keyword<"redirect">, gap, keyword<"to">, gap,
                              not_at<sor<one<'{'>, keyword<"cpu">, keyword<"xsk">>>, interface_name> {};
struct verdict : sor<jump_verdict, redirect_verdict, plain_verdict> {};

struct attribute_name : sor<keyword<"timeout">, keyword<"expires">> {};
struct attribute_value : sor<quoted_value, word> {};
struct comment_text : quoted {};
struct count : number {};
/// nft prints counts with a counter; they start anew here.
struct counts : seq<gap, keyword<"packets">, gap, must<count>, opt<gap, keyword<"bytes">, gap, must<count>>> {
};
struct timed_attribute : seq<attribute_name, gap, must<attribute_value>> {};
struct comment_attribute : seq<keyword<"comment">, gap, must<comment_text>> {};
struct counter_attribute : seq<keyword<"counter">, opt<counts>> {};
struct attribute : sor<timed_attribute, comment_attribute, counter_attribute> {};

struct mapped : sor<verdict, element_value> {};
struct element_key : element_value {};
struct element : seq<must<element_key>, star<gap, attribute>,
                     opt<gap, one<':'>, gap, must<mapped>, star<gap, attribute>>> {};
struct element_end : at<sor<one<','>, one<'}'>>> {};
struct whole_element : seq<element, gap, must<element_end>> {};
struct error_element : failure {};
struct list
    : seq<one<'{'>,
          inside<gap,
                 star<not_at<sor<one<'}'>, eof>>, recovering<whole_element, Resume::Element, error_element>,
                      gap, opt<one<','>>, gap>,
                 must<closing_brace>>> {};

} // namespace xdpc::grammar
