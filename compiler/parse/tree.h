// What the grammar found, flat and in order: a node for each rule of nodes.def that matched. The builders
// turn it into the ast.
#pragma once

#include "compiler/base/source.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace xdpc {

enum class NodeKind : unsigned char {
    None,
#define XDPC_NODE(rule) rule,
#include "compiler/parse/nodes.def"
#undef XDPC_NODE
};

namespace parsing {

struct Node {
    NodeKind kind;
    uint32_t begin, end; // bytes of the source
    uint32_t next;       // index behind its last descendant
};

/// A node and where its children are; cheap to copy.
class NodeRef {
public:
    NodeRef(const Source& source, const std::vector<Node>& nodes, uint32_t index)
        : source_(&source), nodes_(&nodes), index_(index) {}

    [[nodiscard]] NodeKind kind() const { return node().kind; }
    [[nodiscard]] std::string_view text() const {
        return std::string_view(source_->text).substr(node().begin, node().end - node().begin);
    }
    [[nodiscard]] Span span() const { return {source_->id, node().begin, node().end}; }

    class Iterator;
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] Iterator end() const;
    [[nodiscard]] bool empty() const { return node().next == index_ + 1; }
    /// The first child; there must be one.
    [[nodiscard]] NodeRef first() const { return {*source_, *nodes_, index_ + 1}; }

private:
    [[nodiscard]] const Node& node() const { return (*nodes_)[index_]; }

    const Source* source_;
    const std::vector<Node>* nodes_;
    uint32_t index_;
};

class NodeRef::Iterator {
public:
    explicit Iterator(NodeRef at) : at_(at) {}
    NodeRef operator*() const { return at_; }
    Iterator& operator++() {
        at_.index_ = at_.node().next;
        return *this;
    }
    bool operator!=(const Iterator& other) const { return at_.index_ != other.at_.index_; }

private:
    NodeRef at_;
};
inline NodeRef::Iterator NodeRef::begin() const {
    return Iterator({*source_, *nodes_, index_ + 1});
}
inline NodeRef::Iterator NodeRef::end() const {
    return Iterator({*source_, *nodes_, node().next});
}

} // namespace parsing
} // namespace xdpc
