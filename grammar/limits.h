// Limits, quotas, named counters, logs and samples: as statements, and as objects with a name.
#pragma once

#include "grammar/values.h"

namespace xdpc::grammar {

struct selectors;

// ---- amounts

struct amount_number : number {};
struct byte_unit : sor<keyword<"bytes">, keyword<"kbytes">, keyword<"mbytes">> {};
struct packets_unit : keyword<"packets"> {};
struct rate_amount : seq<amount_number, opt<gap, byte_unit>> {};
struct burst_amount : seq<amount_number, opt<gap, sor<byte_unit, packets_unit>>> {};
struct quota_amount : seq<amount_number, gap, must<byte_unit>> {};
struct used_amount : seq<amount_number, gap, must<byte_unit>> {};
struct over_word : keyword<"over"> {};
struct over_or_until : sor<over_word, keyword<"until">> {};

// ---- limits

struct rate_slash : one<'/'> {};
struct rate_time
    : sor<keyword<"second">, keyword<"minute">, keyword<"hour">, keyword<"day">, keyword<"week">> {};
struct burst : seq<keyword<"burst">, gap, must<burst_amount>> {};
struct size_number : number {};
struct full_word : keyword<"full"> {};
struct full_action : sor<keyword<"drop">, keyword<"pass">, keyword<"accept">, keyword<"continue">> {};
struct on_full : seq<keyword<"on">, gap, must<full_word>, gap, must<full_action>> {};
struct per_key : seq<keyword<"per">, gap, must<selectors>, opt<gap, keyword<"size">, gap, must<size_number>>,
                     opt<gap, on_full>> {};
struct rate : seq<keyword<"rate">, gap, opt<over_or_until, gap>, must<rate_amount>, gap, must<rate_slash>,
                  gap, must<rate_time>, opt<gap, burst>, opt<gap, per_key>> {};

struct object_name : sor<quoted, identifier> {};
struct object_by_name : seq<keyword<"name">, gap, must<object_name>> {};
struct limit_what : sor<rate, object_by_name> {};
struct limit_statement : seq<keyword<"limit">, gap, must<limit_what>> {};

// ---- quotas and counters

struct used : seq<keyword<"used">, gap, must<used_amount>> {};
struct quota_bytes : seq<opt<over_or_until, gap>, quota_amount, opt<gap, used>> {};
struct quota_what : sor<object_by_name, quota_bytes> {};
struct quota_statement : seq<keyword<"quota">, gap, must<quota_what>> {};
struct named_counter_statement : seq<keyword<"counter">, gap, object_by_name> {};

// ---- logs and samples

struct log_prefix : quoted {};
struct prefix_option : seq<keyword<"prefix">, gap, must<log_prefix>> {};
struct every_time : word {};
struct every_option : seq<keyword<"every">, gap, must<every_time>> {};
struct log_level : identifier {};
struct tcp_log_flag : sor<keyword<"sequence">, keyword<"options">> {};
struct tcp_log_flags : seq<tcp_log_flag, star<gap, one<','>, gap, tcp_log_flag>> {};
struct log_flags : sor<keyword<"all">, keyword<"skuid">, keyword<"ether">,
                       seq<keyword<"tcp">, gap, tcp_log_flags>, seq<keyword<"ip">, gap, keyword<"options">>> {
};
/// What nft says to its own log, which is not here.
struct ignored_log_option
    : sor<seq<keyword<"level">, gap, must<log_level>>,
          seq<sor<keyword<"group">, keyword<"snaplen">, keyword<"queue-threshold">>, gap, must<count>>,
          seq<keyword<"flags">, gap, must<log_flags>>> {};
struct log_option : sor<log_prefix, prefix_option, every_option, ignored_log_option> {};
struct log_statement : seq<keyword<"log">, star<gap, log_option>> {};

struct sample_number : number {};
struct snap_number : number {};
struct sample_statement : seq<keyword<"sample">, gap, must<sample_number>, gap, must<rate_slash>, gap,
                              must<sample_number>, opt<gap, keyword<"snap">, gap, must<snap_number>>> {};

struct stateful_statement
    : sor<limit_statement, quota_statement, named_counter_statement, log_statement, sample_statement> {};

// ---- objects

struct object_comment : seq<keyword<"comment">, gap, must<comment_text>> {};
/// nft prints them with the object; they start anew here.
struct object_counts
    : seq<keyword<"packets">, gap, must<count>, opt<gap, keyword<"bytes">, gap, must<count>>> {};
struct limit_clause : sor<rate, object_comment> {};
struct quota_clause : sor<object_comment, quota_bytes> {};
struct counter_clause : sor<object_comment, object_counts> {};

} // namespace xdpc::grammar
