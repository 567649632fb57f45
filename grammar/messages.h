// What a missing rule is called in "expected …, found …". A rule in must<> or expecting<> without a row here
// does not compile.
#pragma once

#include "grammar/policy.h"

namespace xdpc::grammar {

#define XDPC_EXPECTED(rule, ...)                                                                             \
    template<> inline constexpr Expected expected<rule> {                                                    \
        __VA_ARGS__                                                                                          \
    }

XDPC_EXPECTED(closing_quote, "a closing `\"` on the same line");
XDPC_EXPECTED(name, "a name");
XDPC_EXPECTED(value, "a value");
XDPC_EXPECTED(operand, "a value");
XDPC_EXPECTED(shifted, "a value");
XDPC_EXPECTED(and_value, "a value");
XDPC_EXPECTED(xor_value, "a value");
XDPC_EXPECTED(or_value, "a value");
XDPC_EXPECTED(range_value, "a value");
XDPC_EXPECTED(concat_value, "a value");
XDPC_EXPECTED(comma_value, "a value");
XDPC_EXPECTED(closing_parenthesis, "`)`");
XDPC_EXPECTED(closing_brace, "`}`");
XDPC_EXPECTED(chain_name, "the name of a chain");
XDPC_EXPECTED(attribute_value, "a value");
XDPC_EXPECTED(comment_text, "a quoted text");
XDPC_EXPECTED(count, "a number");
XDPC_EXPECTED(mapped, "a verdict or a value");
XDPC_EXPECTED(element_key, "a value");
XDPC_EXPECTED(element_end, "`,` or `}`");

XDPC_EXPECTED(field_name, "a field");
XDPC_EXPECTED(meta_key, "a meta key");
XDPC_EXPECTED(comma, "`,`");
XDPC_EXPECTED(raw_number, "a number of bits");
XDPC_EXPECTED(mask, "a value");
XDPC_EXPECTED(selector, "a field");
XDPC_EXPECTED(vmap_table, "`{` or `@` and the name of a map");
XDPC_EXPECTED(match_value, "a value");
XDPC_EXPECTED(set_to, "a value or a field");
XDPC_EXPECTED(set_number, "a value");
XDPC_EXPECTED(set_table, "`{` or `@` and the name of a map");
XDPC_EXPECTED(reply_what, "`echo`");
XDPC_EXPECTED(reset_word, "`reset`");
XDPC_EXPECTED(reject_with, "`tcp reset`, `icmp`, `icmpv6` or `icmpx`");
XDPC_EXPECTED(reject_code, "what is said to be unreachable");
XDPC_EXPECTED(vlan_id_word, "`id`");
XDPC_EXPECTED(vlan_id_value, "a number");
XDPC_EXPECTED(vlan_pcp_value, "a number");
XDPC_EXPECTED(vlan_type_value, "`8021q` or `8021ad`");
XDPC_EXPECTED(tunnel_kind, "a kind of tunnel");
XDPC_EXPECTED(encap_value, "a value");
XDPC_EXPECTED(route_table, "the number of a table");
XDPC_EXPECTED(match_tail, "a relation or a value");
XDPC_EXPECTED(group_opening, "`(`");
XDPC_EXPECTED(group_member, "a match", "match");
XDPC_EXPECTED(statement, "a match or a statement", "statement");

XDPC_EXPECTED(updated_set, "`@` and the name of a set");
XDPC_EXPECTED(update_opening, "`{`");
XDPC_EXPECTED(updated_keys, "a field");
XDPC_EXPECTED(looked_up_set, "`@` and the name of a set");
XDPC_EXPECTED(element_opening, "`{`");
XDPC_EXPECTED(selectors, "a field");
XDPC_EXPECTED(byte_unit, "`bytes`, `kbytes` or `mbytes`");
XDPC_EXPECTED(rate_amount, "a number");
XDPC_EXPECTED(rate_slash, "`/`");
XDPC_EXPECTED(rate_time, "`second`, `minute`, `hour`, `day` or `week`");
XDPC_EXPECTED(burst_amount, "a number");
XDPC_EXPECTED(size_number, "a number");
XDPC_EXPECTED(full_word, "`full`");
XDPC_EXPECTED(full_action, "`drop`, `pass` or `continue`");
XDPC_EXPECTED(object_name, "a name");
XDPC_EXPECTED(limit_what, "`rate` or `name`");
XDPC_EXPECTED(quota_what, "a number of bytes, `over` or `name`");
XDPC_EXPECTED(used_amount, "a number");
XDPC_EXPECTED(log_prefix, "a quoted text");
XDPC_EXPECTED(every_time, "a time");
XDPC_EXPECTED(log_level, "a level");
XDPC_EXPECTED(log_flags, "`all`, `skuid`, `ether`, `tcp sequence`, `tcp options` or `ip options`");
XDPC_EXPECTED(sample_number, "a number");
XDPC_EXPECTED(snap_number, "a number");
XDPC_EXPECTED(limit_clause, "`rate`");
XDPC_EXPECTED(quota_clause, "a number of bytes or `over`");
XDPC_EXPECTED(counter_clause, "`packets`, `comment` or `}`");

XDPC_EXPECTED(interface_name, "the name of an interface");
XDPC_EXPECTED(moment, "a time");
XDPC_EXPECTED(send_value, "a value");
XDPC_EXPECTED(payload_value, "a quoted text, 0x… or a number");
XDPC_EXPECTED(layer, "a layer");
XDPC_EXPECTED(capture_name, "a quoted file name");
XDPC_EXPECTED(sent, "a layer");
XDPC_EXPECTED(rule_reference, "the name of a rule, `policy` or FILE:LINE");
XDPC_EXPECTED(expect_verdict, "a verdict", "verdict");
XDPC_EXPECTED(with_opening, "`{`");
XDPC_EXPECTED(with_match, "a match", "match");
XDPC_EXPECTED(expect_count, "a number");
XDPC_EXPECTED(expect_bytes_count, "a number");
XDPC_EXPECTED(expected_bytes, "bytes as 0x…");
XDPC_EXPECTED(expectation, "a verdict, `counter`, `element` or `bytes`", "expectation");
XDPC_EXPECTED(advance_time, "a time");
XDPC_EXPECTED(given_value, "a value");
XDPC_EXPECTED(given_prefix, "an address or a prefix");
XDPC_EXPECTED(given_target, "`via`, `local`, `blackhole`, `unreachable` or `prohibit`");
XDPC_EXPECTED(given_what, "`iface` or `route`");
XDPC_EXPECTED(test_step, "`given`, `send`, `expect` or `advance`", "test step");
XDPC_EXPECTED(step_end, "the end of the step");

XDPC_EXPECTED(path, "a quoted file name");
XDPC_EXPECTED(item_name, "a name");
XDPC_EXPECTED(equals, "`=`");
XDPC_EXPECTED(type_name, "a type");
XDPC_EXPECTED(mapped_type, "`verdict` or a type");
XDPC_EXPECTED(flag, "a flag");
XDPC_EXPECTED(element_list, "`{`");
XDPC_EXPECTED(set_clause, "`type`, `flags`, `elements` or another statement of a set", "set statement");
XDPC_EXPECTED(opening_brace, "`{`");
XDPC_EXPECTED(policy_verdict, "a verdict");
XDPC_EXPECTED(line_end, "the end of the line");
XDPC_EXPECTED(option_word, "an option");
XDPC_EXPECTED(title, "a quoted title");
XDPC_EXPECTED(item, "a top-level statement", "top-level statement");
XDPC_EXPECTED(no_stray_brace, "a top-level statement");
XDPC_EXPECTED(eof, "the end of the packet");

#undef XDPC_EXPECTED

} // namespace xdpc::grammar
