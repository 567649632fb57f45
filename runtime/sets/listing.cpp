// What a set holds, and a set that is built anew from what another one holds.
#include "runtime/sets/store.h"

namespace xdpc::sets {

namespace {

void read_element(const Store& store, const xdpc_set_layout& layout, uint32_t number, Element& element) {
    element.number = number;
    element.low.assign(store.low(number), store.low(number) + layout.words);
    element.high.assign(store.high(number), store.high(number) + layout.words);
    element.from_file = (store.info(number).state & XDPC_ELEMENT_FILE) != 0;
    element.timeout_ns = store.info(number).timeout;
    element.comment = store.comment(number);
    if (store.has_attributes()) {
        const xdpc_set_attribute& a = store.attribute(number);
        element.expires_ns = a.expires;
        element.packets = a.packets;
        element.bytes = a.bytes;
        element.value = a.value;
    }
}

} // namespace

Element Table::element(uint32_t number) const {
    const Store store(const_cast<Table&>(*this));
    Element element;
    read_element(store, layout_, number, element);
    return element;
}

void Table::list(const std::function<bool(const Element&)>& use) const {
    const Store store(const_cast<Table&>(*this));
    if (windows_ != nullptr) {
        windows_->need_all();
    }
    Element element; // one for all: its memory is used again
    for (uint32_t e = 1; e <= store.header().element_fresh && e <= layout_.element_count; e++) {
        if (!store.is_used(e)) {
            continue;
        }
        read_element(store, layout_, e, element);
        if (!use(element)) {
            return;
        }
    }
}

Statistics Table::statistics() const {
    const Store store(const_cast<Table&>(*this));
    const xdpc_set_header& h = store.header();
    return {.size = layout_.size,
            .used = h.used,
            .pages = layout_.page_count,
            .pages_used = h.pages_used,
            .entries = layout_.entry_count,
            .entries_used = h.entries_used,
            .masks = h.mask_count};
}

std::vector<Element> live_elements(const Table& table, uint64_t now) {
    std::vector<Element> all;
    table.list([&](const Element& element) {
        if (!element.expired(now)) {
            all.push_back(element);
        }
        return true;
    });
    return all;
}

NewElement as_new(const Element& element) {
    return {.low = element.low,
            .high = element.high,
            .timeout_ns = element.timeout_ns,
            .expires_ns = element.expires_ns,
            .packets = element.packets,
            .bytes = element.bytes,
            .value = element.value,
            .from_file = element.from_file,
            .comment = element.comment};
}

} // namespace xdpc::sets
