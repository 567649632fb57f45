// Packets for every row of the field table: what each key reads from them, how many bytes that takes, and
// frames in which it is absent. A row that is added to the table is tested at once by all that use these.
#pragma once

#include "compiler/packet/build.h"

namespace xdpc::test {

struct FieldCase {
    std::string name; // "tcp dport behind ip6 / hbh, 1 tag"
    KeySource key;
    u128 value = 0;
    packet::Frame frame;
    size_t needed = 0; // cut to fewer bytes, the frame has the key no more
};
/// Every field, behind all it can stand behind, with no, one and two VLAN tags.
std::vector<FieldCase> field_cases();

struct AbsentCase {
    std::string name;
    KeySource key;
    packet::Frame frame;
};
/// Every field in frames where it is not to be found: other protocols, later fragments, a third tag, lengths
/// that contradict the frame, extension headers that leave it.
std::vector<AbsentCase> absent_cases();

/// Whether headers and options exist (and where that cannot be told: no value), and meta keys.
struct ToldCase {
    std::string name;
    KeySource key;
    std::optional<u128> value;
    packet::Frame frame;
};
std::vector<ToldCase> exists_cases();
std::vector<ToldCase> meta_cases();

/// A match on a key as a policy writes it, whether it holds where the key has that value, and where the key
/// is absent.
struct MatchText {
    std::string text;
    bool holds = false;
    bool holds_absent = false;
};
std::vector<MatchText> match_texts(const KeySource& key, u128 value);

} // namespace xdpc::test
