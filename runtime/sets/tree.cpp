#include "runtime/sets/tree.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace xdpc::sets {

namespace {

constexpr uint32_t narrow_count = 15; // the word that says how many references of a page are used

/// Intervals are worth joining; what is below pages is not looked at.
bool is_end(uint32_t ref) {
    return kind_of(ref) == XDPC_REF_ELEMENT || kind_of(ref) == XDPC_REF_STACK;
}

} // namespace

Tree::Tree(Store& store)
    : store_(store), shift_(store.l.root_shift), units_(xdpc_set_units(store.l.words)),
      narrow_(store.l.words == 1), refs_(narrow_ ? XDPC_SET_NARROW_REFS : XDPC_SET_WIDE_REFS) {
    const uint32_t width = store.l.root_bits + shift_ + 64 * (units_ - 1);
    last_ = width == 128 ? ~u128{0} : (u128{1} << width) - 1;
}

void Tree::Entries::insert(uint32_t i, Entry entry) {
    std::copy_backward(at.begin() + i, at.begin() + count, at.begin() + count + 1);
    at[i] = entry;
    count++;
}
void Tree::Entries::erase(uint32_t i) {
    std::copy(at.begin() + i + 1, at.begin() + count, at.begin() + i);
    count--;
}
uint32_t Tree::Entries::index_of(uint64_t k) const {
    uint32_t i = 0;
    while (i + 1 < count && at[i + 1].start <= k) {
        i++;
    }
    return i;
}

Tree::Entries Tree::load(uint32_t page) const {
    const uint32_t* words = store_.line(store_.l.pages + page);
    Entries entries;
    entries.push({0, words[0]});
    if (narrow_) {
        for (uint32_t i = 1; i < std::min(words[narrow_count], refs_); i++) {
            entries.push({static_cast<uint32_t>(~words[refs_ - 1 + i]), words[i]});
        }
        return entries;
    }
    for (uint32_t i = 1; i < refs_; i++) {
        uint64_t key = 0;
        std::memcpy(&key, words + refs_ + (i - 1) * 2, 8);
        if (key == 0) {
            break;
        }
        entries.push({0 - key, words[i]});
    }
    return entries;
}

uint32_t Tree::write(const Entries& entries) {
    assert(entries.count >= 2 && entries.count <= refs_);
    const uint32_t page = store_.take_page();
    uint32_t* words = store_.line(store_.l.pages + page);
    std::memset(words, 0, XDPC_SET_LINE);
    for (uint32_t i = 0; i < refs_; i++) {
        words[i] = entries.at[std::min(i, entries.count - 1)].ref;
    }
    for (uint32_t i = 1; i < entries.count; i++) {
        if (narrow_) {
            words[refs_ - 1 + i] = ~static_cast<uint32_t>(entries.at[i].start);
        } else {
            const uint64_t key = 0 - entries.at[i].start;
            std::memcpy(words + refs_ + (i - 1) * 2, &key, 8);
        }
    }
    if (narrow_) {
        words[narrow_count] = entries.count;
    }
    return page;
}

Cell Tree::cell_of(uint32_t page, uint32_t index) const {
    const bool is_last = index + 1 == load(page).count;
    return {store_.line(store_.l.pages + page) + index, is_last ? refs_ - index : 1};
}

Tree::Way Tree::descend(Cell top, uint32_t kind, uint64_t k) const {
    Way way;
    way.end = top;
    while (kind_of(way.end.get()) == (way.count == 0 ? kind : XDPC_REF_PAGE)) {
        assert(way.count < way.steps.size());
        const uint32_t page = number_of(way.end.get());
        const uint32_t index = load(page).index_of(k);
        way.steps[way.count] = {way.end, page, index, way.count == 0 ? kind : XDPC_REF_PAGE};
        way.count++;
        way.end = cell_of(page, index);
    }
    return way;
}

bool Tree::split_unit(Cell top, uint32_t kind, uint64_t k) {
    const Way way = descend(top, kind, k);
    bool all_full = true;
    for (uint32_t i = 0; i < way.count; i++) {
        const Entries entries = load(way.steps[i].page);
        if (way.steps[i].index > 0 && entries.at[way.steps[i].index].start == k) {
            return true;
        }
        all_full = all_full && entries.count == refs_;
    }
    if ((all_full && way.count == way.steps.size()) || !store_.reserve(2 * way.count + 1)) {
        return false;
    }
    uint32_t left = way.end.get();
    Entry right{k, left};
    store_.count_stack(left, 1);
    uint32_t level = way.count;
    bool placed = false;
    while (level > 0 && !placed) { // as far up as pages are full, two take the place of one
        const Step& step = way.steps[--level];
        Entries entries = load(step.page);
        entries.at[step.index].ref = left;
        entries.insert(step.index + 1, right);
        if (entries.count <= refs_) {
            step.cell.set(make_ref(step.kind, write(entries)));
            placed = true;
            break;
        }
        Entries upper;
        const uint32_t half = entries.count / 2;
        for (uint32_t i = half; i < entries.count; i++) {
            upper.push(entries.at[i]);
        }
        entries.count = half;
        left = make_ref(XDPC_REF_PAGE, write(entries));
        right = {upper.at[0].start, make_ref(XDPC_REF_PAGE, write(upper))};
    }
    if (!placed) {
        Entries entries;
        entries.push({0, left});
        entries.push(right);
        top.set(make_ref(kind, write(entries)));
    }
    for (uint32_t i = level; i < way.count; i++) {
        store_.retire_page(way.steps[i].page);
    }
    return true;
}

/// Makes one page of the thin one at `level`, which is to hold `entries`, and one beside it.
bool Tree::merge(const Way& way, uint32_t level, const Entries& entries) {
    const Step& parent = way.steps[level - 1];
    Entries above = load(parent.page);
    for (const bool is_left : {true, false}) { // the thin one of the two
        if (is_left ? parent.index + 1 == above.count : parent.index == 0) {
            continue;
        }
        const uint32_t left = is_left ? parent.index : parent.index - 1;
        const uint32_t beside = above.at[is_left ? left + 1 : left].ref;
        if (kind_of(beside) != XDPC_REF_PAGE) {
            continue;
        }
        const Entries other = load(number_of(beside));
        if (other.count + entries.count > refs_) {
            continue;
        }
        Entries both = is_left ? entries : other;
        const Entries& more = is_left ? other : entries;
        for (uint32_t i = 0; i < more.count; i++) {
            both.push({i == 0 ? above.at[left + 1].start : more.at[i].start, more.at[i].ref});
        }
        const uint32_t merged = write(both);
        above.at[left].ref = make_ref(XDPC_REF_PAGE, merged);
        above.erase(left + 1);
        parent.cell.set(make_ref(parent.kind, above.count == 1 ? merged : write(above)));
        store_.retire_page(way.steps[level].page);
        store_.retire_page(number_of(beside));
        store_.retire_page(parent.page);
        return true;
    }
    return false;
}

void Tree::join_unit(Cell top, uint32_t kind, uint64_t k) {
    const Way way = descend(top, kind, k);
    uint32_t level = 0;
    Entries entries;
    for (;; level++) {
        if (level == way.count) {
            return; // nothing begins at k
        }
        entries = load(way.steps[level].page);
        if (way.steps[level].index > 0 && entries.at[way.steps[level].index].start == k) {
            break;
        }
    }
    const Step& step = way.steps[level];
    const uint32_t left = entries.at[step.index - 1].ref;
    if (!is_end(left) || left != entries.at[step.index].ref || !store_.reserve(2)) {
        return; // an interval more than need be changes nothing
    }
    store_.count_stack(left, -1);
    entries.erase(step.index);
    if (entries.count == 1) {
        step.cell.set(left);
        store_.retire_page(step.page);
        if (level > 0) { // and on both sides of what was a page
            const Step& parent = way.steps[level - 1];
            const Entries above = load(parent.page);
            if (parent.index > 0) {
                join_unit(top, kind, above.at[parent.index].start);
            }
            if (parent.index + 1 < above.count) {
                join_unit(top, kind, above.at[parent.index + 1].start);
            }
        }
        return;
    }
    if (entries.count <= 2 && level > 0 && merge(way, level, entries)) {
        return;
    }
    step.cell.set(make_ref(step.kind, write(entries)));
    store_.retire_page(step.page);
}

bool Tree::split(u128 x) {
    const uint64_t k = first(x);
    const Cell top = bucket(k);
    if (!begins_bucket(k) && !split_unit(top, XDPC_REF_PAGE, k)) {
        return false;
    }
    if (second(x) == 0) {
        return true;
    }
    if (!begins_bucket(k + 1) && !split_unit(top, XDPC_REF_PAGE, k + 1)) {
        return false;
    }
    const Cell cell = descend(top, XDPC_REF_PAGE, k).end; // just the keys that begin with k
    return split_unit(cell, XDPC_REF_NEXT, second(x));
}

void Tree::join(u128 x) {
    const uint64_t k = first(x);
    const Cell top = bucket(k);
    if (second(x) != 0) {
        const Cell cell = descend(top, XDPC_REF_PAGE, k).end;
        join_unit(cell, XDPC_REF_NEXT, second(x));
        if (!is_end(cell.get())) {
            return;
        }
        if (!begins_bucket(k + 1)) {
            join_unit(top, XDPC_REF_PAGE, k + 1);
        }
    }
    if (!begins_bucket(k)) {
        join_unit(top, XDPC_REF_PAGE, k);
    }
}

uint32_t Tree::pack(std::vector<Entry>& entries, uint32_t kind, bool& room) {
    for (const Entry& entry : entries) {
        store_.count_stack(entry.ref, 1);
    }
    if (entries.size() == 1 && kind == XDPC_REF_PAGE) {
        return entries[0].ref;
    }
    const size_t fill =
        narrow_ ? refs_ - 1 : refs_; // a place for a later one costs wide pages too much depth
    for (;;) {
        const size_t pages = entries.size() <= refs_ ? 1 : (entries.size() + fill - 1) / fill;
        if (!store_.reserve(static_cast<uint32_t>(pages))) {
            room = false;
            return 0;
        }
        std::vector<Entry> above;
        for (size_t p = 0; p < pages; p++) {
            const size_t begin = entries.size() * p / pages;
            Entries page;
            for (size_t i = begin; i < entries.size() * (p + 1) / pages; i++) {
                page.push(entries[i]);
            }
            above.push_back({entries[begin].start, make_ref(pages == 1 ? kind : XDPC_REF_PAGE, write(page))});
        }
        if (pages == 1) {
            return above[0].ref;
        }
        entries = std::move(above);
    }
}

bool Tree::build(const std::vector<Segment>& segments) {
    bool room = true;
    size_t at = 0;
    std::vector<Entry> entries;
    std::vector<Entry> below;
    for (uint64_t b = 0; b < 1ULL << store_.l.root_bits && room; b++) {
        const uint64_t begin = b << shift_;
        entries.assign(1, {begin, segments[at].ref});
        const auto inside = [&](size_t i) {
            return i < segments.size() && first(segments[i].start) >> shift_ == b;
        };
        while (inside(at + 1)) {
            const uint64_t k = first(segments[at + 1].start);
            uint32_t ref = segments[at].ref;
            if (second(segments[at + 1].start) == 0) {
                ref = segments[++at].ref;
            }
            const auto next_in_k = [&] { return inside(at + 1) && first(segments[at + 1].start) == k; };
            if (next_in_k()) {
                below.assign(1, {0, ref});
                while (next_in_k()) {
                    at++;
                    below.push_back({second(segments[at].start), segments[at].ref});
                }
                ref = pack(below, XDPC_REF_NEXT, room);
            }
            if (entries.back().start == k) {
                entries.back().ref = ref;
            } else {
                entries.push_back({k, ref});
            }
            if (kind_of(ref) == XDPC_REF_NEXT && !begins_bucket(k + 1)) {
                entries.push_back({k + 1, segments[at].ref});
            }
        }
        if (room) {
            *root(b) = pack(entries, XDPC_REF_PAGE, room);
        }
    }
    return room;
}

void Tree::clear() {
    for (uint64_t b = 0; b < 1ULL << store_.l.root_bits; b++) {
        publish(*root(b), 0);
    }
}

} // namespace xdpc::sets
