#include "compiler/parse/build.h"
#include "compiler/parse/text.h"

namespace xdpc::parsing {
namespace {

ast::Name header_of(NodeRef node) {
    const auto header = text::read_header(node.text());
    return {header ? header->name : std::string(node.text()), node.span()};
}

ast::FieldSelector build_field(NodeRef node) {
    ast::FieldSelector out;
    std::string_view written;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::header_name) {
            out.header = header_of(child);
            written = child.text();
        } else {
            const auto field = text::read_field(out.header.text, written, child.text());
            out.field = {field ? field->name : std::string(child.text()), child.span()};
        }
    }
    return out;
}

ast::RawSelector build_raw(NodeRef node, Diagnostics& diagnostics) {
    ast::RawSelector out;
    bool have_offset = false;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::raw_base) {
            out.base = name_of(child);
        } else {
            (have_offset ? out.length : out.offset) = number_of(child, diagnostics);
            have_offset = true;
        }
    }
    return out;
}

ast::BinaryOp mask_operator(std::string_view text) {
    switch (text[0]) {
    case '|':
        return ast::BinaryOp::Or;
    case '^':
        return ast::BinaryOp::Xor;
    case '<':
        return ast::BinaryOp::Shl;
    case '>':
        return ast::BinaryOp::Shr;
    default:
        return ast::BinaryOp::And;
    }
}

/// The words of nft as the signs they stand for.
ast::Name set_operator(NodeRef node) {
    const std::string_view text = node.text();
    return {std::string(text == "and" ? "&" : text == "or" ? "|" : text == "xor" ? "^" : text), node.span()};
}

std::optional<ast::Relation> relation_of(NodeKind kind) {
    switch (kind) {
    case NodeKind::equal_to:
        return ast::Relation::Eq;
    case NodeKind::not_equal_to:
        return ast::Relation::Ne;
    case NodeKind::less:
        return ast::Relation::Lt;
    case NodeKind::less_or_equal:
        return ast::Relation::Le;
    case NodeKind::greater:
        return ast::Relation::Gt;
    case NodeKind::greater_or_equal:
        return ast::Relation::Ge;
    case NodeKind::exists:
        return ast::Relation::Exists;
    case NodeKind::missing:
        return ast::Relation::Missing;
    default:
        return {};
    }
}

using StatementNode = decltype(ast::Statement::node);

StatementNode build_set(std::vector<ast::Selector> keys, NodeRef node, Diagnostics& diagnostics) {
    ast::SetStatement out;
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::set_source:
            out.from = build_selector(child, diagnostics);
            break;
        case NodeKind::set_key:
            out.keys.push_back(build_selector(child, diagnostics));
            break;
        case NodeKind::set_operator:
            out.operations.push_back({set_operator(child), {}});
            break;
        case NodeKind::set_number:
            out.operations.back().number = build_value(child, diagnostics);
            break;
        default:
            out.value = build_value(child, diagnostics);
        }
    }
    if (keys.size() != 1) { // `ip saddr . ip daddr set …`
        return ast::OtherStatement{{"set of several fields", node.span()}, text::normalized(node.text())};
    }
    out.field = std::move(keys.front());
    return out;
}

StatementNode build_match(NodeRef node, Diagnostics& diagnostics) {
    ast::Match match;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::selectors) {
            for (const NodeRef key : child) {
                match.keys.push_back(build_selector(key, diagnostics));
            }
        } else if (child.kind() == NodeKind::vmap_table) {
            return ast::Vmap{std::move(match.keys), build_value(child, diagnostics)};
        } else if (child.kind() == NodeKind::set_tail) {
            return build_set(std::move(match.keys), child, diagnostics);
        } else if (const auto relation = relation_of(child.kind())) {
            match.relation = *relation;
        } else {
            match.value = build_value(child, diagnostics);
        }
    }
    return match;
}

StatementNode build_header_match(NodeRef node) {
    ast::Match match;
    for (const NodeRef child : node) {
        if (const auto relation = relation_of(child.kind())) {
            match.relation = *relation;
        } else {
            match.keys.push_back({child.span(), ast::FieldSelector{header_of(child), {}}, {}, {}});
        }
    }
    return match;
}

StatementNode build_boolean_match(NodeRef node) {
    ast::Match match;
    match.relation = ast::Relation::True;
    match.keys.push_back({node.span(), ast::MetaSelector{name_of(node.first())}, {}, {}});
    return match;
}

StatementNode build_group(NodeRef node, bool negated, Diagnostics& diagnostics) {
    ast::Group group;
    group.negated = negated;
    for (const NodeRef alternative : node) {
        auto& statements = group.alternatives.emplace_back();
        for (const NodeRef child : alternative) {
            statements.push_back(build_statement(child, diagnostics));
        }
    }
    return group;
}

StatementNode build_update(NodeRef node, Diagnostics& diagnostics) {
    ast::UpdateStatement out;
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::update_word:
            out.op = child.text() == "add"      ? ast::UpdateStatement::Op::Add
                     : child.text() == "update" ? ast::UpdateStatement::Op::Update
                                                : ast::UpdateStatement::Op::Delete;
            break;
        case NodeKind::updated_set:
            out.set = name_of(child.first());
            break;
        case NodeKind::updated_keys:
            for (const NodeRef key : child) {
                out.keys.push_back(build_selector(key, diagnostics));
            }
            break;
        default: // update_timeout
            out.timeout = build_value(child.first(), diagnostics);
        }
    }
    return out;
}

StatementNode build_reject(NodeRef node) {
    ast::RejectStatement out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::reject_code) {
            out.code = name_of(child);
        } else if (child.kind() == NodeKind::reject_reset) {
            out.with = {"tcp reset", child.span()};
        } else {
            out.with = name_of(child);
        }
    }
    return out;
}

StatementNode build_vlan_push(NodeRef node, Diagnostics& diagnostics) {
    ast::VlanPushStatement out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::vlan_id_value) {
            out.id = build_value(child, diagnostics);
        } else if (child.kind() == NodeKind::vlan_pcp_value) {
            out.pcp = build_value(child, diagnostics);
        } else {
            out.type = name_of(child);
        }
    }
    return out;
}

ast::Value word_at(NodeRef node, size_t begin, size_t size) {
    const Span span = node.span();
    const auto first = span.begin + static_cast<uint32_t>(begin);
    return {{span.file, first, first + static_cast<uint32_t>(size)},
            ast::Word{std::string(node.text().substr(begin, size))}};
}

/// An address, or a prefix.
ast::Value nat_address(NodeRef node, size_t begin, size_t size) {
    const size_t slash = node.text().substr(begin, size).find('/');
    if (slash == std::string_view::npos) {
        return word_at(node, begin, size);
    }
    ast::Value address = word_at(node, begin, slash);
    ast::Value length = word_at(node, begin + slash + 1, size - slash - 1);
    const Span span{address.span.file, address.span.begin, length.span.end};
    return {span, ast::SlashValue{std::make_shared<const ast::Value>(std::move(address)),
                                  std::make_shared<const ast::Value>(std::move(length))}};
}

StatementNode build_nat(NodeRef node, Diagnostics& diagnostics) {
    ast::NatStatement out;
    for (const NodeRef child : node) {
        const std::string_view text = child.text();
        if (child.kind() == NodeKind::nat_word) {
            out.source = text == "snat";
        } else if (child.kind() != NodeKind::nat_text) {
            out.address = build_value(child, diagnostics);
        } else if (text.starts_with("[") && text.find(']') != std::string_view::npos) {
            const size_t end = text.find(']');
            out.address = nat_address(child, 1, end - 1);
            if (text.substr(end + 1).starts_with(":")) {
                out.port = word_at(child, end + 2, text.size() - end - 2);
            }
        } else {
            const size_t colon = text.find(':');
            const bool has_port = colon != std::string_view::npos && colon == text.rfind(':');
            if (!has_port || colon > 0) {
                out.address = nat_address(child, 0, has_port ? colon : text.size());
            }
            if (has_port) {
                out.port = word_at(child, colon + 1, text.size() - colon - 1);
            }
        }
    }
    return out;
}

StatementNode build_route(NodeRef node, Diagnostics& diagnostics) {
    ast::RouteStatement out;
    for (const NodeRef table : node) {
        out.table = build_value(table, diagnostics);
    }
    return out;
}

StatementNode build_other(NodeRef node) {
    std::string text = text::normalized(node.text());
    std::string keyword(text::word_at(text));
    const Span span = node.span();
    const uint32_t end = span.begin + static_cast<uint32_t>(keyword.size());
    return ast::OtherStatement{{std::move(keyword), {span.file, span.begin, std::min(end, span.end)}},
                               std::move(text)};
}

StatementNode build_statement_node(NodeRef node, Diagnostics& diagnostics) {
    switch (node.kind()) {
    case NodeKind::match_statement:
        return build_match(node, diagnostics);
    case NodeKind::header_match:
        return build_header_match(node);
    case NodeKind::boolean_match:
        return build_boolean_match(node);
    case NodeKind::group:
        return build_group(node, false, diagnostics);
    case NodeKind::negated_group:
        return build_group(node.first(), true, diagnostics);
    case NodeKind::verdict:
        return build_verdict(node);
    case NodeKind::update_statement:
        return build_update(node, diagnostics);
    case NodeKind::nat_statement:
        return build_nat(node, diagnostics);
    case NodeKind::reflect_statement:
        return ast::ReflectStatement{};
    case NodeKind::reply_statement:
        return ast::ReplyStatement{};
    case NodeKind::reject_statement:
        return build_reject(node);
    case NodeKind::vlan_push_statement:
        return build_vlan_push(node, diagnostics);
    case NodeKind::vlan_pop_statement:
        return ast::VlanPopStatement{};
    case NodeKind::encap_statement:
        return build_encap(node, diagnostics);
    case NodeKind::decap_statement:
        return build_decap(node, diagnostics);
    case NodeKind::route_statement:
        return build_route(node, diagnostics);
    case NodeKind::counter_statement:
        return ast::CounterStatement{};
    case NodeKind::nocount_statement:
        return ast::NocountStatement{};
    case NodeKind::comment_statement:
        return ast::CommentStatement{unquoted(node.first())};
    case NodeKind::other_statement:
        return build_other(node);
    default:
        return build_stateful(node, diagnostics).value_or(ast::ErrorStatement{});
    }
}

} // namespace

ast::Selector build_selector(NodeRef node, Diagnostics& diagnostics) {
    ast::Selector out;
    out.span = node.span();
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::field_selector:
            out.node = build_field(child);
            break;
        case NodeKind::meta_selector:
            out.node = ast::MetaSelector{name_of(child.first())};
            break;
        case NodeKind::bare_meta_selector:
            out.node = ast::MetaSelector{name_of(child)};
            break;
        case NodeKind::address_selector:
            out.node = ast::AddressSelector{name_of(child)};
            break;
        case NodeKind::raw_selector:
            out.node = build_raw(child, diagnostics);
            break;
        case NodeKind::mask_operator:
            out.op = mask_operator(child.text());
            break;
        default:
            out.operand = build_value(child, diagnostics);
        }
    }
    return out;
}

ast::Statement build_statement(NodeRef node, Diagnostics& diagnostics) {
    return {node.span(), build_statement_node(node, diagnostics)};
}

ast::Rule build_rule(NodeRef node, Diagnostics& diagnostics) {
    ast::Rule out;
    out.span = node.span();
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::label_name) {
            out.label = name_of(child);
        } else {
            out.statements.push_back(build_statement(child, diagnostics));
        }
    }
    return out;
}

} // namespace xdpc::parsing
