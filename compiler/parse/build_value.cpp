#include "compiler/parse/build.h"

#include "compiler/parse/text.h"

#include <charconv>

namespace xdpc::parsing {
namespace {

constexpr size_t max_operators = 64; // a tree that deep must not exhaust the stack

ast::ValuePtr shared(ast::Value value) {
    return std::make_shared<const ast::Value>(std::move(value));
}

ast::BinaryOp shift_of(NodeRef node) {
    return node.text() == "<<" ? ast::BinaryOp::Shl : ast::BinaryOp::Shr;
}

/// a | b | c: from the left.
ast::Value build_binary(NodeRef node, ast::BinaryOp op, Diagnostics& diagnostics) {
    std::optional<ast::Value> left;
    size_t operators = 0;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::shift_operator) {
            op = shift_of(child);
            continue;
        }
        if (!left) {
            left = build_value(child, diagnostics);
            continue;
        }
        if (++operators > max_operators) {
            diagnostics.add(Diag::ExpressionTooLong, child.span(), max_operators);
            return {node.span(), ast::ErrorValue{}};
        }
        ast::Value right = build_value(child, diagnostics);
        const Span span = join(left->span, right.span);
        left = ast::Value{span, ast::BinaryValue{op, shared(std::move(*left)), shared(std::move(right))}};
    }
    return std::move(*left);
}

template<class Joined> ast::Value build_joined(NodeRef node, Diagnostics& diagnostics) {
    Joined joined;
    for (const NodeRef child : node) {
        joined.parts.push_back(build_value(child, diagnostics));
    }
    if (joined.parts.size() == 1) {
        return std::move(joined.parts.front());
    }
    const Span span = join(joined.parts.front().span, joined.parts.back().span);
    return {span, std::move(joined)};
}

template<class Pair> ast::Value build_pair(NodeRef node, Diagnostics& diagnostics) {
    std::vector<ast::Value> parts;
    for (const NodeRef child : node) {
        parts.push_back(build_value(child, diagnostics));
    }
    if (parts.size() == 1) {
        return std::move(parts.front());
    }
    const Span span = join(parts[0].span, parts[1].span);
    return {span, Pair{shared(std::move(parts[0])), shared(std::move(parts[1]))}};
}

ast::ElementAttribute build_attribute(NodeRef node, Diagnostics& diagnostics) {
    ast::ElementAttribute out;
    if (node.kind() == NodeKind::timed_attribute) {
        for (const NodeRef child : node) {
            if (child.kind() == NodeKind::attribute_name) {
                out.name = name_of(child);
            } else {
                out.value = build_value(child, diagnostics);
            }
        }
    } else if (node.kind() == NodeKind::comment_attribute) {
        out.name = {"comment", node.span()};
        out.value = ast::Value{node.first().span(), ast::Quoted{unquoted(node.first())}};
    } else {
        out.name = {"counter", node.span()};
    }
    return out;
}

ast::Element build_element(NodeRef node, Diagnostics& diagnostics) {
    ast::Element out;
    out.span = node.span();
    if (node.kind() == NodeKind::error_element) {
        out.key = {node.span(), ast::ErrorValue{}};
        return out;
    }
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::element_key) {
            out.key = build_value(child, diagnostics);
        } else if (child.kind() == NodeKind::mapped) {
            if (child.first().kind() == NodeKind::verdict) {
                out.mapped = build_verdict(child.first());
            } else {
                out.mapped = build_value(child.first(), diagnostics);
            }
        } else {
            out.attributes.push_back(build_attribute(child, diagnostics));
        }
    }
    return out;
}

} // namespace

std::string unquoted(NodeRef node) {
    std::string_view text = node.text();
    if (text.size() >= 2 && text.front() == '"') {
        text = text.substr(1, text.size() - 2);
    }
    return std::string(text);
}

ast::Name name_of(NodeRef node) {
    return {unquoted(node), node.span()};
}

uint64_t number_of(NodeRef node, Diagnostics& diagnostics) {
    uint64_t value = 0;
    const std::string_view text = node.text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) {
        diagnostics.add(Diag::NumberTooLarge, node.span(), text);
        return 0;
    }
    return value;
}

ast::VerdictNode build_verdict(NodeRef node) {
    ast::VerdictNode out;
    out.span = node.span();
    const std::string_view word = text::word_at(node.text());
    using Kind = ast::VerdictKind;
    const std::pair<std::string_view, Kind> kinds[] = {
        {"pass", Kind::Pass},     {"accept", Kind::Pass},       {"drop", Kind::Drop}, {"abort", Kind::Abort},
        {"tx", Kind::Tx},         {"redirect", Kind::Redirect}, {"jump", Kind::Jump}, {"goto", Kind::Goto},
        {"return", Kind::Return}, {"continue", Kind::Continue}};
    for (const auto& [name, kind] : kinds) {
        if (name == word) {
            out.kind = kind;
        }
    }
    out.accept_spelling = word == "accept";
    if (!node.empty()) {
        out.target = name_of(node.first());
    }
    return out;
}

ast::Value build_value(NodeRef node, Diagnostics& diagnostics) {
    const Span span = node.span();
    switch (node.kind()) {
    case NodeKind::quoted_value:
        return {span, ast::Quoted{unquoted(node)}};
    case NodeKind::define_reference:
        return {span, ast::DefineRef{name_of(node.first())}};
    case NodeKind::set_reference:
        return {span, ast::SetRef{name_of(node.first())}};
    case NodeKind::star_value:
        return {span, ast::Star{}};
    case NodeKind::shifted:
        return build_binary(node, ast::BinaryOp::Shl, diagnostics);
    case NodeKind::and_value:
        return build_binary(node, ast::BinaryOp::And, diagnostics);
    case NodeKind::xor_value:
        return build_binary(node, ast::BinaryOp::Xor, diagnostics);
    case NodeKind::or_value:
        return build_binary(node, ast::BinaryOp::Or, diagnostics);
    case NodeKind::range_value:
        return build_pair<ast::RangeValue>(node, diagnostics);
    case NodeKind::concat_value:
        return build_joined<ast::ConcatValue>(node, diagnostics);
    case NodeKind::comma_value:
        return build_joined<ast::CommaValue>(node, diagnostics);
    case NodeKind::prefix:
    case NodeKind::value:
    case NodeKind::match_value:
    case NodeKind::set_constant:
    case NodeKind::element_value:
    case NodeKind::element_key:
        return build_pair<ast::SlashValue>(node, diagnostics);
    case NodeKind::negated_value:
        return {span, ast::NotValue{shared(build_value(node.first(), diagnostics))}};
    case NodeKind::list: {
        ast::ListValue list;
        for (const NodeRef child : node) {
            list.elements.push_back(build_element(child, diagnostics));
        }
        return {span, std::move(list)};
    }
    case NodeKind::parenthesized:
    case NodeKind::mask:
    case NodeKind::set_number:
    case NodeKind::vlan_id_value:
    case NodeKind::vlan_pcp_value:
    case NodeKind::set_table:
    case NodeKind::encap_value:
    case NodeKind::vmap_table:
    case NodeKind::attribute_value:
    case NodeKind::payload_value:
        return build_value(node.first(), diagnostics);
    default: // words, under the names of what they are for
        return {span, ast::Word{std::string(node.text())}};
    }
}

} // namespace xdpc::parsing
