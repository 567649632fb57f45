// Classes of one number. Private to compiler/plan/classify.
#pragma once

#include "compiler/plan/classify/classify.h"

namespace xdpc::classify {

struct WordsHash {
    size_t operator()(const std::vector<uint32_t>& words) const {
        uint64_t hash = 0x9e3779b97f4a7c15;
        for (const uint32_t word : words) {
            hash = (hash ^ word) * 0xff51afd7ed558ccd;
            hash ^= hash >> 29;
        }
        return hash;
    }
};

/// Where classes change along numbers, and the classes that each interval consists of. These are adjacent:
/// classes are numbered as they first appear, and those within an interval appear nowhere before it.
struct Steps {
    std::vector<std::pair<uint32_t, uint32_t>> steps; // first number, class; ascending
    uint32_t classes = 0;
    std::vector<Range> of; // by interval: its first and last class
};
/// Numbers up to `most`, told apart by the intervals that hold them. An interval of all is of all classes.
Steps steps_of(const std::vector<Range>& intervals, uint32_t most);
/// The class of each number up to `most`.
std::vector<uint32_t> by_number(const Steps& steps, uint32_t most);
/// A leaf that gives these classes for a field; a trie where it is wide.
Rfc::Leaf leaf_of(const Steps& steps, size_t field, unsigned width);
uint32_t class_of(const Rfc::Leaf& leaf, uint32_t number);
size_t bytes_of(const Rfc::Leaf& leaf);

} // namespace xdpc::classify
