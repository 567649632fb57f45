// Lines of slots: 7 tags, 7 numbers, [14] reach, [15] freed slots of an epoch (codegen-templates/sets.h).
#include "runtime/sets/store.h"

#include <algorithm>

namespace xdpc::sets::hash {

namespace {

constexpr uint32_t slots = XDPC_SET_SLOTS;

struct Place {
    uint32_t tag = 0;
    uint32_t home = 0; // index of its line in the table
};

Place place_of(const Store& store, const uint32_t* key, uint32_t combination) {
    const uint64_t hash = xdpc_set_hash(key, store.l.words, combination);
    return {static_cast<uint32_t>(hash), xdpc_set_home(hash, store.l.table_lines)};
}
uint32_t* table_line(const Store& store, uint32_t index) {
    return store.line(store.l.table + index);
}
const uint32_t* key_of(const Store& store, uint32_t number) {
    return store.l.kind == XDPC_SET_HASH
               ? store.low(number)
               : store.record(store.l.entries, number, xdpc_set_stride(store.l.words));
}
uint32_t combination_of(const Store& store, uint32_t number) {
    return store.l.kind == XDPC_SET_HASH ? 0 : *store.record(store.l.entry_info, number, 1) & 0xff;
}

/// Bits of the slots of a line that were freed since the last grace period: a program may have read the tag
/// of one and not yet its number.
uint32_t freed(const Store& store, const uint32_t* line) {
    return line[15] >> 8 == (store.header().epoch & 0xffffff) ? line[15] & 0xff : 0;
}
std::optional<uint32_t> free_slot(const Store& store, const uint32_t* line) {
    const uint32_t busy = freed(store, line);
    for (uint32_t i = 0; i < slots; i++) {
        if (line[slots + i] == 0 && !(busy >> i & 1)) {
            return i;
        }
    }
    return std::nullopt;
}

/// Whether a key that is put into line `at` would hide one with its tag from programs, or be hidden. Tags of
/// keys of one word are all different.
bool is_twin(const Store& store, const Place& place, uint32_t at) {
    const uint32_t end = std::min(at + XDPC_SET_REACH, store.l.table_lines + XDPC_SET_REACH - 1);
    for (uint32_t i = place.home; i <= end; i++) {
        if (xdpc_set_match(table_line(store, i), place.tag)) {
            return true;
        }
    }
    return false;
}

Done insert_twin(Store& store, const Place& place, uint32_t number) {
    xdpc_set_header& h = store.header();
    uint32_t* free = nullptr;
    uint32_t* tag = nullptr;
    for (uint32_t i = 0; i < XDPC_SET_TWINS; i++) {
        if (h.twins[i] && h.twin_tags[i] == place.tag) {
            return tl::unexpected(Failure{.problem = Problem::Full});
        }
        if (!h.twins[i] && !free) {
            free = &h.twins[i];
            tag = &h.twin_tags[i];
        }
    }
    if (!free) {
        return tl::unexpected(Failure{.problem = Problem::Full});
    }
    publish(*tag, place.tag);
    publish(*free, number);
    return {};
}

/// The farthest line, from `home`, in which a key stands whose home it is.
uint32_t reach_of(const Store& store, uint32_t home) {
    for (uint32_t i = XDPC_SET_REACH; i > 0; i--) {
        const uint32_t* line = table_line(store, home + i);
        for (uint32_t slot = 0; slot < slots; slot++) {
            const uint32_t number = line[slots + slot];
            if (number &&
                place_of(store, key_of(store, number), combination_of(store, number)).home == home) {
                return i;
            }
        }
    }
    return 0;
}

/// Sees to it that whatever the programs' search may look at can be looked at.
void show(const Store& store, const Place& place) {
    for (uint32_t i = 0; i <= XDPC_SET_REACH; i++) {
        const uint32_t number = xdpc_set_match(table_line(store, place.home + i), place.tag);
        if (number && store.l.words > 1) {
            (void)key_of(store, number);
        }
    }
    for (const uint32_t number : store.header().twins) {
        (void)key_of(store, number);
    }
}

} // namespace

uint32_t find(const Store& store, const uint32_t* key, uint32_t combination) {
    if (store.in_windows()) {
        show(store, place_of(store, key, combination));
    }
    const uint32_t keys = store.l.kind == XDPC_SET_HASH ? store.l.keys : store.l.entries;
    return xdpc_set_probe(store.memory(), &store.l, keys, store.l.words, key, combination);
}

void prefetch(const Store& store, const uint32_t* key) {
    __builtin_prefetch(table_line(store, place_of(store, key, 0).home), 1);
}

Done insert(Store& store, const uint32_t* key, uint32_t number, uint32_t combination) {
    const Place place = place_of(store, key, combination);
    if (store.l.words == 1 && place.tag == 0) {
        publish(store.header().zero, number);
        return {};
    }
    for (const bool waited : {false, true}) {
        for (uint32_t i = 0; i <= XDPC_SET_REACH; i++) {
            uint32_t* line = table_line(store, place.home + i);
            const auto slot = free_slot(store, line);
            if (!slot) {
                continue;
            }
            if (store.l.words > 1 && is_twin(store, place, place.home + i)) {
                return insert_twin(store, place, number);
            }
            publish(line[*slot], place.tag);
            publish(line[slots + *slot], number);
            uint32_t& reach = table_line(store, place.home)[14];
            if (reach < i) {
                publish(reach, i);
            }
            return {};
        }
        if (!waited) {
            store.grace();
        }
    }
    return tl::unexpected(Failure{.problem = Problem::Full});
}

void erase(Store& store, const uint32_t* key, uint32_t number, uint32_t combination) {
    xdpc_set_header& h = store.header();
    const Place place = place_of(store, key, combination);
    if (store.l.words == 1 && place.tag == 0) {
        publish(h.zero, 0);
        return;
    }
    for (uint32_t i = 0; i < XDPC_SET_TWINS; i++) {
        if (h.twins[i] == number) {
            publish(h.twins[i], 0);
            return;
        }
    }
    for (uint32_t i = 0; i <= XDPC_SET_REACH; i++) {
        uint32_t* line = table_line(store, place.home + i);
        for (uint32_t slot = 0; slot < slots; slot++) {
            if (line[slots + slot] == number) {
                const uint32_t busy = freed(store, line) | 1U << slot;
                publish(line[slots + slot], 0);
                publish(line[slot], 0);
                line[15] = (h.epoch & 0xffffff) << 8 | busy;
                uint32_t& reach = table_line(store, place.home)[14];
                if (i == reach && i > 0) {
                    publish(reach, reach_of(store, place.home));
                }
                return;
            }
        }
    }
}

} // namespace xdpc::sets::hash
