// Sets of several parts with intervals. Each part of an element is split into prefixes; each product of
// prefixes is an entry: its first key, in a hash under the number of its combination of prefix lengths.
#include "compiler/base/value.h"
#include "runtime/sets/store.h"

#include <algorithm>
#include <bit>
#include <set>

namespace xdpc::sets {

namespace {

u128 value_of(const uint32_t* words, uint32_t count) {
    u128 value = 0;
    for (uint32_t i = 0; i < count; i++) {
        value = value << 32 | words[i];
    }
    return value;
}
void put_value(std::vector<uint32_t>& words, u128 value, uint32_t count) {
    for (uint32_t i = count; i-- > 0;) {
        words.push_back(static_cast<uint32_t>(value >> (32 * i)));
    }
}
uint32_t words_of_width(uint32_t width) {
    return (width + 31) / 32;
}
unsigned trailing_zeros(u128 value) {
    const auto low = static_cast<uint64_t>(value);
    return low != 0 ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<uint64_t>(value >> 64));
}
unsigned bits_of(u128 value) {
    const auto high = static_cast<uint64_t>(value >> 64);
    return high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<uint64_t>(value));
}

struct Prefix {
    u128 first = 0;
    u128 mask = 0; // within the part's words
};
/// The fewest prefixes that make up [low, high].
std::vector<Prefix> prefixes_of(u128 low, u128 high, uint32_t width) {
    const u128 all = max_of_width(width);
    std::vector<Prefix> prefixes;
    for (;;) {
        unsigned free =
            low == 0 ? width
                     : std::min<unsigned>(trailing_zeros(low), width); // bits a prefix at low may leave open
        while (free > 0 && (max_of_width(free) > high - low)) {
            free--;
        }
        const u128 open = free == 0 ? 0 : max_of_width(free);
        prefixes.push_back({low, all & ~open});
        if (high - low == open) {
            return prefixes;
        }
        low += open + 1;
    }
}

/// Calls use(low, high, width, first word) with each part of a box; false ends it.
template<class F> bool each_part(const Store& store, const uint32_t* low, const uint32_t* high, F use) {
    uint32_t at = 0;
    for (const uint16_t width : store.shape().parts) {
        const uint32_t words = words_of_width(width);
        if (!use(value_of(low + at, words), value_of(high + at, words), width, at)) {
            return false;
        }
        at += words;
    }
    return true;
}

bool overlaps(const Store& store, uint32_t e, const uint32_t* low, const uint32_t* high) {
    return each_part(store, low, high, [&](u128 l, u128 h, uint32_t width, uint32_t at) {
        return value_of(store.low(e) + at, words_of_width(width)) <= h &&
               value_of(store.high(e) + at, words_of_width(width)) >= l;
    });
}

struct Product {
    std::vector<uint32_t> key, mask;
};
/// How many products an element has, without making them.
uint64_t count_products(const Store& store, uint32_t number) {
    uint64_t count = 1;
    each_part(store, store.low(number), store.high(number), [&](u128 l, u128 h, uint32_t width, uint32_t) {
        count *= prefixes_of(l, h, width).size();
        return count < (1ULL << 32);
    });
    return count;
}
std::vector<Product> products_of(const Store& store, uint32_t number) {
    std::vector<Product> products(1);
    each_part(store, store.low(number), store.high(number), [&](u128 l, u128 h, uint32_t width, uint32_t) {
        const uint32_t words = words_of_width(width);
        std::vector<Product> longer;
        for (const Prefix& prefix : prefixes_of(l, h, width)) {
            for (const Product& product : products) {
                longer.push_back(product);
                put_value(longer.back().key, prefix.first, words);
                put_value(longer.back().mask, prefix.mask, words);
            }
        }
        products = std::move(longer);
        return true;
    });
    return products;
}

// ---- combinations

uint32_t* mask_of(const Store& store, uint32_t combination) {
    return store.record(store.l.masks, combination, xdpc_set_stride(store.l.words));
}
uint32_t& entries_of(const Store& store, uint32_t combination) {
    const size_t masks = size_t{XDPC_SET_MASKS} * xdpc_set_stride(store.l.words) * 4;
    return *store.at(store.l.masks, masks + size_t{combination} * 4, 4);
}

std::optional<uint32_t> find_combination(const Store& store, const std::vector<uint32_t>& mask) {
    for (uint32_t i = 0; i < store.header().mask_count; i++) {
        if (std::equal(mask.begin(), mask.end(), mask_of(store, i))) {
            return i;
        }
    }
    return std::nullopt;
}
std::optional<uint32_t> unused_combination(const Store& store) {
    for (uint32_t i = 0; i < store.header().mask_count; i++) {
        if (entries_of(store, i) == 0) {
            return i;
        }
    }
    return std::nullopt;
}
/// Its number; nothing is left to be given where there is none.
std::optional<uint32_t> take_combination(Store& store, const std::vector<uint32_t>& mask) {
    if (const auto found = find_combination(store, mask)) {
        return found;
    }
    uint32_t& count = store.header().mask_count;
    if (count < XDPC_SET_MASKS) {
        std::copy(mask.begin(), mask.end(), mask_of(store, count));
        publish(count, count + 1);
        return count - 1;
    }
    const auto unused = unused_combination(store);
    if (unused) { // no program is to have one key masked by the old mask, or half of each, and find an entry
                  // of the new
        std::copy(mask.begin(), mask.end(), mask_of(store, *unused));
        store.grace();
    }
    return unused;
}
bool has_room_for(const Store& store, const std::vector<Product>& products) {
    std::set<std::vector<uint32_t>> wanted;
    for (const Product& product : products) {
        if (!find_combination(store, product.mask)) {
            wanted.insert(product.mask);
        }
    }
    size_t free = XDPC_SET_MASKS - store.header().mask_count;
    for (uint32_t i = 0; i < store.header().mask_count && free < wanted.size(); i++) {
        free += entries_of(store, i) == 0 ? 1 : 0;
    }
    return wanted.size() <= free;
}

uint32_t* entry_key(const Store& store, uint32_t entry) {
    return store.record(store.l.entries, entry, xdpc_set_stride(store.l.words));
}
uint32_t& entry_info(const Store& store, uint32_t entry) {
    return *store.record(store.l.entry_info, entry, 1);
}

void erase_products(Store& store, const std::vector<Product>& products, size_t count, uint32_t number) {
    for (size_t i = 0; i < count; i++) {
        const auto combination = find_combination(store, products[i].mask);
        const uint32_t entry = combination ? hash::find(store, products[i].key.data(), *combination) : 0;
        if (entry && entry_info(store, entry) == (number << 8 | *combination)) {
            hash::erase(store, products[i].key.data(), entry, *combination);
            entries_of(store, *combination)--;
            store.retire_entry(entry);
        }
    }
}

} // namespace

namespace tuples {

uint32_t order_of(const Store& store, const uint32_t* low, const uint32_t* high) {
    uint32_t open = 0;
    each_part(store, low, high, [&](u128 l, u128 h, uint32_t, uint32_t) {
        open += bits_of(h - l);
        return true;
    });
    return (XDPC_MAX_KEY_WORDS * 32 - 1 - std::min<uint32_t>(open, XDPC_MAX_KEY_WORDS * 32 - 1)) << 23;
}

uint32_t find(const Store& store, const uint32_t* low, const uint32_t* high) {
    std::vector<uint32_t> key;
    std::vector<uint32_t> mask;
    each_part(store, low, high, [&](u128 l, u128 h, uint32_t width, uint32_t) {
        const Prefix prefix = prefixes_of(l, h, width).front();
        put_value(key, prefix.first, words_of_width(width));
        put_value(mask, prefix.mask, words_of_width(width));
        return true;
    });
    const auto combination = find_combination(store, mask);
    const uint32_t entry = combination ? hash::find(store, key.data(), *combination) : 0;
    if (entry == 0) {
        return 0;
    }
    const uint32_t e = entry_info(store, entry) >> 8;
    const uint32_t words = store.l.words;
    return std::equal(low, low + words, store.low(e)) && std::equal(high, high + words, store.high(e)) ? e
                                                                                                       : 0;
}

uint32_t overlapping(const Store& store, const uint32_t* low, const uint32_t* high, uint64_t now,
                     std::vector<uint32_t>& expired) {
    for (uint32_t e = 1; e <= store.header().element_fresh; e++) {
        if (store.is_used(e) && overlaps(store, e, low, high)) {
            if (!store.expired(e, now)) {
                return e;
            }
            expired.push_back(e);
        }
    }
    return 0;
}

Done insert(Store& store, uint32_t number) {
    const uint64_t count = count_products(store, number);
    const uint64_t usable = store.l.entry_count - store.l.retired_count;
    if (store.header().entries_used + count > usable) {
        return tl::unexpected(Failure{.problem = Problem::TooMany, .needed = count});
    }
    const std::vector<Product> products = products_of(store, number);
    if (!store.reserve(static_cast<uint32_t>(count))) {
        return tl::unexpected(Failure{.problem = Problem::TooMany, .needed = count});
    }
    if (!has_room_for(store, products)) {
        return tl::unexpected(Failure{.problem = Problem::TooMany});
    }
    for (size_t i = 0; i < products.size(); i++) {
        const Product& product = products[i];
        const auto combination = take_combination(store, product.mask);
        Done done = tl::unexpected(Failure{.problem = Problem::TooMany});
        if (const uint32_t other = combination ? hash::find(store, product.key.data(), *combination) : 0) {
            done =
                tl::unexpected(Failure{.problem = Problem::Overlaps, .other = entry_info(store, other) >> 8});
        } else if (combination) {
            const uint32_t entry = store.take_entry();
            std::copy(product.key.begin(), product.key.end(), entry_key(store, entry));
            entry_info(store, entry) = number << 8 | *combination;
            done = hash::insert(store, product.key.data(), entry, *combination);
            if (done) {
                entries_of(store, *combination)++;
            } else {
                store.retire_entry(entry);
            }
        }
        if (!done) {
            erase_products(store, products, i, number);
            return done;
        }
    }
    return {};
}

void erase(Store& store, uint32_t number) {
    const std::vector<Product> products = products_of(store, number);
    erase_products(store, products, products.size(), number);
}

std::optional<std::pair<uint32_t, uint32_t>> overlap(const Store& store, uint32_t count) {
    // Swept along the part of which most elements have a place of their own.
    struct Place {
        u128 low, high;
        uint32_t element;
    };
    std::vector<Place> best;
    size_t most = 0;
    uint32_t at = 0;
    for (const uint16_t width : store.shape().parts) {
        const uint32_t words = words_of_width(width);
        std::vector<Place> places;
        for (uint32_t e = 1; e <= count; e++) {
            places.push_back({value_of(store.low(e) + at, words), value_of(store.high(e) + at, words), e});
        }
        std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.low < b.low; });
        size_t distinct = 0;
        for (size_t i = 0; i < places.size(); i++) {
            distinct += i == 0 || places[i].low != places[i - 1].low ? 1 : 0;
        }
        if (distinct > most) {
            most = distinct;
            best = std::move(places);
        }
        at += words;
    }
    std::vector<Place> over; // the place a sweep is at
    for (const Place& place : best) {
        std::erase_if(over, [&](const Place& other) { return other.high < place.low; });
        for (const Place& other : over) {
            if (overlaps(store, other.element, store.low(place.element), store.high(place.element))) {
                return std::minmax(place.element, other.element);
            }
        }
        over.push_back(place);
    }
    return std::nullopt;
}

} // namespace tuples

} // namespace xdpc::sets
