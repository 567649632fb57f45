#include "runtime/sets/layout.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace xdpc::sets {

namespace {

/// Lines for `count` records of `words` words.
uint32_t lines_for(uint64_t count, uint64_t words) {
    return static_cast<uint32_t>((count * words + 15) / 16);
}

uint32_t flag(bool is_set, uint32_t bit) {
    return is_set ? bit : 0;
}

/// So few keys belong to a line that eight lines in a row are all but never full.
constexpr uint32_t keys_a_line = 3;
/// Of the longest comment.
constexpr uint32_t comment_lines = 3;
/// Tuples: entries for each element, on average.
constexpr uint32_t entries_an_element = 4;

void lay_out_intervals(xdpc_set_layout& l, uint32_t width, uint32_t n) {
    const uint32_t units = xdpc_set_units(l.words);
    const uint32_t first_width = width - 64 * (units - 1);
    // The first bits of IPv6 addresses tell little: a few registries' prefixes.
    const uint32_t most_bits = units == 2 ? 20 : 16;
    const uint32_t size_bits = static_cast<uint32_t>(std::bit_width(n)) + (units == 2 ? 4 : 0);
    l.root_bits = std::min({most_bits, first_width, size_bits});
    l.root_shift = first_width - l.root_bits;
    // n elements have 2n ends. Pages hold three intervals at least on average, but for those a bucket has to
    // itself and, in keys of two units, those of the second, of which each end may need one.
    const uint64_t ends = 2ULL * n;
    uint64_t pages = (units == 2 ? 4ULL : 1ULL) * n + std::min<uint64_t>(ends, 1ULL << l.root_bits);
    if ((l.flags & XDPC_SET_TIMEOUT) && (l.flags & XDPC_SET_AUTO_MERGE)) {
        pages += ends;
    }
    l.retired_count = 512;
    l.page_count = static_cast<uint32_t>(pages + l.retired_count + 128);
}

} // namespace

uint32_t words_of(const Shape& shape) {
    uint32_t words = 0;
    for (const uint16_t width : shape.parts) {
        words += (width + 31U) / 32;
    }
    return words;
}

xdpc_set_layout layout_of(const Shape& shape) {
    const uint32_t n = shape.size;
    assert(n >= 1 && n <= max_size);
    xdpc_set_layout l{};
    l.kind = static_cast<uint32_t>(shape.kind);
    l.words = words_of(shape);
    l.flags = flag(shape.has_timeout, XDPC_SET_TIMEOUT) | flag(shape.has_counter, XDPC_SET_COUNTER) |
              flag(shape.is_map, XDPC_SET_MAP) | flag(shape.auto_merge, XDPC_SET_AUTO_MERGE);
    assert(l.words >= 1 && l.words <= XDPC_MAX_KEY_WORDS);
    l.size = n;
    // Some that were freed may wait for readers to be done.
    l.element_count = n + n / 16 + 64;
    uint32_t at = XDPC_SET_HEADER_LINES;
    const auto region = [&at](uint32_t lines) {
        const uint32_t first = at;
        at += lines;
        return first;
    };
    const uint32_t stride = xdpc_set_stride(l.words);
    uint64_t keyed = n;
    if (shape.kind == Kind::Interval) {
        assert(shape.parts.size() == 1);
        lay_out_intervals(l, shape.parts[0], n);
        l.root = region(lines_for(1ULL << l.root_bits, 1));
        l.pages = region(l.page_count);
        l.retired = region(lines_for(l.retired_count, 1));
    }
    if (shape.kind == Kind::Tuples) {
        keyed = static_cast<uint64_t>(n) * entries_an_element + 256;
        l.retired_count = 512;
        l.entry_count = static_cast<uint32_t>(keyed + l.retired_count);
        l.masks =
            region(lines_for(XDPC_SET_MASKS, stride + 1)); // behind the masks, how many entries each has
        l.entries = region(lines_for(l.entry_count + 1ULL, stride));
        l.entry_info = region(lines_for(l.entry_count + 1ULL, 1));
        l.retired = region(lines_for(l.retired_count, 1));
    }
    if (shape.kind != Kind::Interval) {
        l.table_lines = static_cast<uint32_t>((keyed + keys_a_line - 1) / keys_a_line);
        l.table = region(l.table_lines + XDPC_SET_REACH);
    }
    // A key of a hash lies within a line; others are read by user space alone.
    const uint32_t key_words = shape.kind == Kind::Hash ? stride : 2 * l.words;
    l.keys = region(lines_for(l.element_count + 1ULL, key_words));
    l.info = region(lines_for(l.element_count + 1ULL, sizeof(xdpc_set_info) / 4));
    if (shape.kind == Kind::Interval && shape.auto_merge) {
        l.entry_info = region(lines_for(l.element_count + 1ULL, 2 + l.words));
    }
    if (l.flags & XDPC_SET_ATTRIBUTES) {
        l.attributes = region(lines_for(l.element_count + 1ULL, sizeof(xdpc_set_attribute) / 4));
    }
    l.comment_count = std::min(comment_lines * n, 4096U + n / 8); // all elements of small sets may have one
    l.comments = region(l.comment_count);
    l.lines = at;
    return l;
}

} // namespace xdpc::sets
