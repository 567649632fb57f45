// How the grammar's smallest pieces are read from text: blanks, words, and names from the field table. Plain
// functions without PEGTL, used by grammar/ to match and by the builders to look again.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::text {

/// Length of blanks, comments and continued line ends at the start of `rest`; newlines count if `free`.
size_t skip_gap(std::string_view rest, bool free);
/// The same with newlines and `;`: what may stand between rules.
size_t skip_separators(std::string_view rest);
/// Length of an identifier (letters, digits, `_`, inner `-` and `.`), 0 if there is none.
size_t word_length(std::string_view rest);
inline std::string_view word_at(std::string_view rest) {
    return rest.substr(0, word_length(rest));
}
/// Length of a value's word: an address, a number with its unit, a time, a symbol, `eth*`.
size_t value_word_length(std::string_view rest);
/// `rest` begins with the digits or dotted address that can follow `/` in a prefix.
size_t prefix_length_length(std::string_view rest);
/// Runs of blanks, newlines and comments become one blank; strings stay.
std::string normalized(std::string_view text);

/// A name of the table found in text (its words may stand on several lines if `free`): its canonical spelling
/// and how much text it took.
struct TableName {
    std::string name;
    size_t length = 0;
    bool alone = false; // of a send's field: an option without a field
};
/// `tcp`, `vlan.inner`, `exthdr frag` (name "frag"), `tcp option mss` (name "tcp option maxseg"). An unknown
/// word after `exthdr` or `option` is kept. Nothing if no header keyword stands here.
std::optional<TableName> read_header(std::string_view rest, bool free = true);
/// A field of `header`: `saddr ip`, `left` of `sack1` (written is then the header as in the text). Unknown
/// words are kept; verdicts and operators are not taken for a field.
std::optional<TableName> read_field(std::string_view header, std::string_view written_header,
                                    std::string_view rest, bool free = true);
/// A field in a send's layer: as read_field, and `option maxseg size`.
std::optional<TableName> read_layer_field(std::string_view header, std::string_view rest, bool free = true);
/// Up to the word `map` of `limit name KEY map …` and its kin, which name their object by a map; 0: it is no
/// such statement.
size_t object_map_length(std::string_view rest);
/// A match begins here: for `or`, which joins values or matches.
bool match_ahead(std::string_view rest, bool free);
/// A field of the table begins here, a meta key or raw bytes.
bool field_ahead(std::string_view rest, bool free);

// Closed lists of words that are not in the field table.
bool is_verdict(std::string_view word);      // pass, accept, drop, …; not jump and goto
bool is_reserved(std::string_view word);     // never a value
bool is_bare_meta(std::string_view word);    // meta keys nft takes without `meta`
bool is_boolean_meta(std::string_view word); // may stand alone: `meta malformed`
bool is_tunnel(std::string_view word);       // vxlan
bool is_other_statement(std::string_view word);
bool is_other_item(std::string_view word);
bool is_other_expect(std::string_view word);
bool is_set_option(std::string_view word); // with a value
bool is_set_switch(std::string_view word); // without
bool ends_other_statement(std::string_view word);

/// What an unknown word may have been meant to be: `kind` is "statement", "top-level statement", ….
std::vector<std::string> candidates(std::string_view kind);

} // namespace xdpc::text
