#include "compiler/ir/disjoint.h"

#include <algorithm>
#include <set>

namespace xdpc::ir {

namespace {

/// Where an entry begins (or, `begins` false, is over: the first value behind it).
struct Edge {
    u128 at;
    size_t entry;
    bool begins;
};

std::vector<Edge> edges_of(const std::vector<Table::Entry>& entries) {
    std::vector<Edge> edges;
    for (size_t i = 0; i < entries.size(); ++i) {
        const Interval& interval = entries[i].box.front();
        edges.push_back({interval.lo, i, true});
        if (interval.hi != ~u128{0}) { // else it is never over
            edges.push_back({interval.hi + 1, i, false});
        }
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
    return edges;
}

void append(std::vector<Table::Entry>& done, Interval interval, uint32_t value) {
    const bool continues =
        !done.empty() && done.back().value == value && done.back().box.front().hi + 1 == interval.lo;
    if (continues) {
        done.back().box.front().hi = interval.hi;
    } else {
        done.push_back({{interval}, value});
    }
}

} // namespace

std::vector<Table::Entry> disjoint(std::vector<Table::Entry> entries) {
    const std::vector<Edge> edges = edges_of(entries);
    std::vector<Table::Entry> done;
    std::set<size_t> open; // entries that hold the value at hand; the first counts
    for (size_t i = 0; i < edges.size();) {
        const u128 from = edges[i].at;
        for (; i < edges.size() && edges[i].at == from; ++i) {
            if (edges[i].begins) {
                open.insert(edges[i].entry);
            } else {
                open.erase(edges[i].entry);
            }
        }
        if (!open.empty()) {
            const u128 to = i < edges.size() ? edges[i].at - 1 : ~u128{0};
            append(done, {from, to}, entries[*open.begin()].value);
        }
    }
    return done;
}

} // namespace xdpc::ir
