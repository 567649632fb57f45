#include "runtime/sets/store.h"

#include <algorithm>
#include <cstring>

namespace xdpc::sets {

namespace {

constexpr size_t comment_bytes = XDPC_SET_LINE - 4; // of a line, behind the number of the next + 1

} // namespace

void Store::grace() {
    if (table_.grace_) {
        table_.grace_();
    }
    xdpc_set_header& h = header();
    h.epoch++;
    while (h.element_gone) { // the list of those gone is short, or has just been long
        const uint32_t e = h.element_gone;
        h.element_gone = info(e).comment;
        info(e).comment = h.element_free;
        h.element_free = e;
    }
    for (; h.page_gone > 0; h.page_gone--) {
        const uint32_t number = *record(l.retired, h.page_gone - 1, 1);
        if (l.kind == XDPC_SET_INTERVAL) {
            free_page(number);
        } else {
            *record(l.entry_info, number, 1) = h.entry_free;
            h.entry_free = number;
        }
    }
}

uint32_t Store::take_element(const NewElement& element) {
    xdpc_set_header& h = header();
    if (!h.element_free && h.element_fresh >= l.element_count) {
        grace();
    }
    uint32_t e = h.element_free;
    if (e) {
        h.element_free = info(e).comment;
    } else if (h.element_fresh < l.element_count) {
        e = ++h.element_fresh;
    } else {
        return 0;
    }
    info(e) = {};
    std::copy_n(element.low.data(), l.words, low(e));
    if (has_ends()) {
        std::copy_n((element.high.empty() ? element.low : element.high).data(), l.words, high(e));
    }
    set_attributes(e, element);
    return e;
}

void Store::give_element(uint32_t e) {
    drop_comment(e);
    xdpc_set_header& h = header();
    info(e) = {.state = 0, .comment = h.element_gone, .timeout = 0};
    h.element_gone = e;
}

void Store::set_attributes(uint32_t e, const NewElement& element) {
    info(e).timeout = element.timeout_ns;
    if (has_attributes()) {
        xdpc_set_attribute& a = attribute(e);
        a.packets = element.packets;
        a.bytes = element.bytes;
        publish(a.value, element.value);
        a.order = ++header().sequence;
        if (l.kind == XDPC_SET_TUPLES) {
            a.order = tuples::order_of(*this, low(e), high(e)) | (a.order & 0x7fffff);
        }
        publish(a.expires, element.expires_ns);
    }
}

bool Store::set_comment(uint32_t e, std::string_view text) {
    info(e).comment = 0;
    if (text.size() > max_comment) {
        return false;
    }
    xdpc_set_header& h = header();
    uint32_t* link = &info(e).comment;
    while (!text.empty()) {
        uint32_t at = h.comment_free;
        if (at) {
            h.comment_free = line(l.comments + at - 1)[0];
        } else if (h.comment_fresh < l.comment_count) {
            at = ++h.comment_fresh;
        } else {
            drop_comment(e);
            return false;
        }
        uint32_t* words = line(l.comments + at - 1);
        std::memset(words, 0, XDPC_SET_LINE);
        const size_t part = std::min(text.size(), comment_bytes);
        std::memcpy(words + 1, text.data(), part);
        text.remove_prefix(part);
        *link = at;
        link = words;
    }
    return true;
}

void Store::drop_comment(uint32_t e) {
    xdpc_set_header& h = header();
    for (uint32_t at = info(e).comment; at != 0;) {
        uint32_t* words = line(l.comments + at - 1);
        const uint32_t next = words[0];
        words[0] = h.comment_free;
        h.comment_free = at;
        at = next;
    }
    info(e).comment = 0;
}

std::string Store::comment(uint32_t e) const {
    std::string text;
    // Bounded: a writer may be at it.
    for (uint32_t at = info(e).comment; at != 0 && at <= l.comment_count && text.size() < max_comment;) {
        const uint32_t* words = line(l.comments + at - 1);
        const char* part = reinterpret_cast<const char*>(words + 1);
        text.append(part, strnlen(part, comment_bytes));
        at = words[0];
    }
    return text;
}

bool Store::reserve(uint32_t count) {
    const xdpc_set_header& h = header();
    const auto enough = [&] {
        return l.kind == XDPC_SET_INTERVAL ? h.pages_used + h.page_gone + count <= l.page_count
                                           : h.entries_used + h.page_gone + count <= l.entry_count;
    };
    if (!enough() && h.page_gone > 0) {
        grace();
    }
    return enough();
}

uint32_t Store::take_page() {
    xdpc_set_header& h = header();
    h.pages_used++;
    if (const uint32_t page = h.page_free) { // numbers + 1
        h.page_free = line(l.pages + page - 1)[0];
        return page - 1;
    }
    return h.page_fresh++;
}

void Store::free_page(uint32_t page) {
    line(l.pages + page)[0] = header().page_free;
    header().page_free = page + 1;
}

uint32_t Store::count_stack(uint32_t ref, int more) {
    if (ref >> 30 != XDPC_REF_STACK) {
        return 1;
    }
    uint32_t& count = line(l.pages + (ref & XDPC_REF_NUMBER))[XDPC_SET_LINE / 4 - 1];
    count += static_cast<uint32_t>(more);
    return count;
}

void Store::retire(uint32_t number) {
    xdpc_set_header& h = header();
    if (h.page_gone == l.retired_count) {
        grace();
    }
    *record(l.retired, h.page_gone++, 1) = number;
}

void Store::retire_page(uint32_t page) {
    header().pages_used--;
    retire(page);
}

uint32_t Store::take_entry() {
    xdpc_set_header& h = header();
    h.entries_used++;
    if (const uint32_t entry = h.entry_free) {
        h.entry_free = *record(l.entry_info, entry, 1);
        return entry;
    }
    return ++h.entry_fresh;
}

void Store::retire_entry(uint32_t entry) {
    header().entries_used--;
    retire(entry);
}

} // namespace xdpc::sets
