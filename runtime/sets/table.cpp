#include "runtime/sets/table.h"

#include "runtime/sets/store.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace xdpc::sets {

namespace {

tl::unexpected<Failure> failed(Problem problem, uint32_t other = 0) {
    return tl::unexpected(Failure{.problem = problem, .other = other});
}

const uint32_t* high_of(const Store& store, std::span<const uint32_t> low, std::span<const uint32_t> high) {
    return store.has_ends() && !high.empty() ? high.data() : low.data();
}

/// Of the kind of set: which element has just these ends; 0: none.
uint32_t find_element(const Store& store, const uint32_t* low, const uint32_t* high) {
    switch (store.l.kind) {
    case XDPC_SET_HASH:
        return hash::find(store, low);
    case XDPC_SET_INTERVAL:
        return interval::find(store, low, high);
    default:
        return tuples::find(store, low, high);
    }
}
Done insert_element(Store& store, uint32_t e) {
    switch (store.l.kind) {
    case XDPC_SET_HASH:
        return hash::insert(store, store.low(e), e);
    case XDPC_SET_INTERVAL:
        return interval::insert(store, e);
    default:
        return tuples::insert(store, e);
    }
}
/// Takes an element out, and its place back.
Done erase_element(Store& store, uint32_t e) {
    Done done;
    switch (store.l.kind) {
    case XDPC_SET_HASH:
        hash::erase(store, store.low(e), e);
        break;
    case XDPC_SET_INTERVAL:
        done = interval::erase(store, e);
        break;
    default:
        tuples::erase(store, e);
    }
    if (done) {
        store.give_element(e);
        store.header().used--;
    }
    return done;
}

/// While it lives, whoever opens the set knows that it is being changed.
class Change {
public:
    explicit Change(Store& store) : store_(store) { publish(store_.header().changing, 1); }
    ~Change() { publish(store_.header().changing, 0); }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

private:
    Store& store_;
};

uint32_t state_of(bool from_file) {
    return from_file ? static_cast<uint32_t>(XDPC_ELEMENT_USED) | static_cast<uint32_t>(XDPC_ELEMENT_FILE)
                     : static_cast<uint32_t>(XDPC_ELEMENT_USED);
}

uint32_t sweep_expired(Store& store, uint64_t now) {
    uint32_t swept = 0;
    if (store.has_timeout()) {
        for (uint32_t e = 1; e <= store.header().element_fresh; e++) {
            if (store.is_used(e) && store.expired(e, now) && erase_element(store, e)) {
                swept++;
            }
        }
    }
    return swept;
}

bool any_expired(const Store& store, uint64_t now) {
    for (uint32_t e = 1; e <= store.header().element_fresh; e++) {
        if (store.is_used(e) && store.expired(e, now)) {
            return true;
        }
    }
    return false;
}

/// Finds what two elements of a set that is being built have in common, or links them all.
Done link_all(Store& store, uint32_t count) {
    if (store.l.kind == XDPC_SET_INTERVAL) {
        return interval::build(store, count);
    }
    constexpr uint32_t ahead = 12; // whose lines are on their way into the cache
    for (uint32_t e = 1; e <= count; e++) {
        if (store.l.kind == XDPC_SET_HASH && e + ahead <= count) {
            hash::prefetch(store, store.low(e + ahead));
        }
        if (const uint32_t same = find_element(store, store.low(e), store.high(e))) {
            return tl::unexpected(Failure{.problem = Problem::Exists, .other = same, .index = e});
        }
        if (auto done = insert_element(store, e); !done) {
            Failure failure = done.error();
            failure.index = e;
            return tl::unexpected(failure);
        }
        store.info(e).state = state_of(false); // tuples compare with those that are used
    }
    if (store.l.kind == XDPC_SET_TUPLES && !store.auto_merge()) {
        if (const auto both = tuples::overlap(store, count)) {
            return tl::unexpected(
                Failure{.problem = Problem::Overlaps, .other = both->first, .index = both->second});
        }
    }
    return {};
}

} // namespace

Table::Table(std::span<std::byte> memory, const Shape& shape, Grace grace)
    : memory_(memory), shape_(shape), layout_(layout_of(shape)), grace_(std::move(grace)) {}

Table Table::create(std::span<std::byte> memory, const Shape& shape, Grace grace) {
    Table table(memory, shape, std::move(grace));
    assert(memory.size() >= static_cast<size_t>(table.layout_.lines) * XDPC_SET_LINE);
    xdpc_set_header& header = Store(table).header();
    header.layout = table.layout_;
    publish(header.magic, XDPC_SET_MAGIC);
    return table;
}

Result<Table> Table::open(std::span<std::byte> memory, const Shape& shape, Grace grace, Windows* windows) {
    Table table(memory, shape, std::move(grace));
    table.windows_ = windows;
    if (memory.size() < static_cast<size_t>(table.layout_.lines) * XDPC_SET_LINE) {
        return fail("the set's array is smaller than sets of its type and size are");
    }
    const xdpc_set_header& header = Store(table).header();
    if (header.magic != XDPC_SET_MAGIC ||
        std::memcmp(&header.layout, &table.layout_, sizeof(table.layout_)) != 0) {
        return fail("the set's array was laid out by another version of xdpc", "apply the policy again");
    }
    return table;
}

tl::expected<void, Failure> Table::build(std::span<const NewElement> elements, uint64_t now) {
    Store store(*this);
    const Change change(store);
    std::vector<size_t> index{0}; // of the element with a number
    for (size_t i = 0; i < elements.size(); i++) {
        const NewElement& element = elements[i];
        if (element.expires_ns != 0 && element.expires_ns <= now) {
            continue;
        }
        const bool is_full = store.header().element_fresh == layout_.size;
        const uint32_t e = is_full ? 0 : store.take_element(element);
        if (e == 0 || !store.set_comment(e, element.comment)) {
            return tl::unexpected(Failure{.problem = e ? Problem::Comments : Problem::Full, .index = i});
        }
        index.push_back(i);
    }
    const auto count = static_cast<uint32_t>(index.size() - 1);
    if (auto done = link_all(store, count); !done) {
        Failure failure = done.error();
        failure.index = failure.index ? index[failure.index] : 0;
        failure.other = failure.other ? static_cast<uint32_t>(index[failure.other] + 1) : 0;
        return tl::unexpected(failure);
    }
    for (uint32_t e = 1; e <= count; e++) {
        store.info(e).state = state_of(elements[index[e]].from_file);
    }
    store.header().used = count;
    return {};
}

tl::expected<uint32_t, Failure> Table::add(const NewElement& element, uint64_t now) {
    Store store(*this);
    if (damaged()) {
        return failed(Problem::Rebuild);
    }
    const Change change(store);
    const uint32_t* low = element.low.data();
    const uint32_t* high = high_of(store, element.low, element.high);
    const uint32_t same = find_element(store, low, high);
    if (same && !store.expired(same, now)) {
        return failed(Problem::Exists, same);
    }
    const bool stacks = layout_.kind == XDPC_SET_INTERVAL && interval::needs_stacks(store);
    if (same && stacks) {
        if (auto done = erase_element(store, same); !done) {
            return tl::unexpected(done.error());
        }
    } else if (same) {
        store.drop_comment(same); // begins anew where it stands
        if (!store.set_comment(same, element.comment)) {
            return failed(Problem::Comments);
        }
        store.info(same).state = state_of(element.from_file);
        store.set_attributes(same, element);
        return same;
    }
    const bool is_full = store.header().used >= layout_.size;
    if (is_full && sweep_expired(store, now) == 0) {
        return failed(stacks && any_expired(store, now) ? Problem::Rebuild : Problem::Full);
    }
    if (store.has_ends() && !store.auto_merge()) {
        std::vector<uint32_t> expired;
        const auto& overlapping =
            layout_.kind == XDPC_SET_INTERVAL ? interval::overlapping : tuples::overlapping;
        if (const uint32_t other = overlapping(store, low, high, now, expired)) {
            return failed(Problem::Overlaps, other);
        }
        for (const uint32_t e : expired) {
            if (auto done = erase_element(store, e); !done) {
                return tl::unexpected(done.error());
            }
        }
    }
    const uint32_t e = store.take_element(element);
    if (e == 0) {
        return failed(Problem::Full);
    }
    Done done;
    if (!store.set_comment(e, element.comment)) {
        done = failed(Problem::Comments);
    } else {
        done = insert_element(store, e);
    }
    if (!done) {
        store.give_element(e);
        return tl::unexpected(done.error());
    }
    store.header().used++;
    publish(store.info(e).state, state_of(element.from_file));
    return e;
}

tl::expected<void, Failure> Table::remove(std::span<const uint32_t> low, std::span<const uint32_t> high,
                                          uint64_t now) {
    Store store(*this);
    if (damaged()) {
        return failed(Problem::Rebuild);
    }
    const uint32_t e = find_element(store, low.data(), high_of(store, low, high));
    if (e == 0 || store.expired(e, now)) {
        return failed(Problem::Missing);
    }
    const Change change(store);
    return erase_element(store, e);
}

std::optional<uint32_t> Table::find(std::span<const uint32_t> low, std::span<const uint32_t> high,
                                    uint64_t now) const {
    const Store store(const_cast<Table&>(*this));
    const uint32_t e = find_element(store, low.data(), high_of(store, low, high));
    return e == 0 || store.expired(e, now) ? std::nullopt : std::optional(e);
}

std::optional<uint32_t> Table::lookup(std::span<const uint32_t> key, uint64_t now) const {
    if (windows_ != nullptr) {
        windows_->need_all();
    }
    const uint32_t e = xdpc_set_find(memory_.data(), &layout_, layout_.kind, layout_.words, key.data(), now);
    return e == 0 ? std::nullopt : std::optional(e);
}

void Table::set_timeout(uint32_t number, uint64_t timeout_ns, uint64_t expires_ns) {
    Store store(*this);
    assert(store.has_timeout() && store.is_used(number));
    store.info(number).timeout = timeout_ns;
    publish(store.attribute(number).expires, expires_ns);
}
void Table::set_value(uint32_t number, uint32_t value) {
    Store store(*this);
    assert(store.has_attributes() && store.is_used(number));
    publish(store.attribute(number).value, value);
}
void Table::set_origin(uint32_t number, bool from_file) {
    publish(Store(*this).info(number).state, state_of(from_file));
}

void Table::flush() {
    Store store(*this);
    if (windows_ != nullptr) {
        windows_->need_all();
    }
    xdpc_set_header& h = store.header();
    publish(h.changing, 1);
    publish(h.zero, 0);
    publish(h.mask_count, 0);
    for (uint32_t& twin : h.twins) {
        publish(twin, 0);
    }
    if (layout_.kind == XDPC_SET_INTERVAL) {
        interval::clear(store);
    } else {
        for (uint32_t i = 0; i < layout_.table_lines + XDPC_SET_REACH; i++) {
            for (uint32_t slot = 0; slot < XDPC_SET_SLOTS; slot++) {
                publish(store.line(layout_.table + i)[XDPC_SET_SLOTS + slot], 0);
            }
        }
    }
    store.grace(); // nothing is found any more, nor being looked at
    std::memset(store.line(XDPC_SET_HEADER_LINES), 0,
                (static_cast<size_t>(layout_.lines) - XDPC_SET_HEADER_LINES) * XDPC_SET_LINE);
    const xdpc_set_header old = h;
    h = {};
    h.epoch = old.epoch;
    h.sequence = old.sequence;
    h.layout = layout_;
    publish(h.magic, XDPC_SET_MAGIC);
}

uint32_t Table::sweep(uint64_t now) {
    Store store(*this);
    if (damaged()) {
        return 0;
    }
    const Change change(store);
    return sweep_expired(store, now);
}

bool Table::damaged() const {
    return Store(const_cast<Table&>(*this)).header().changing != 0;
}

} // namespace xdpc::sets
