#include "compiler/parse/build.h"
#include "compiler/parse/text.h"

namespace xdpc::parsing {
namespace {

void build_type(NodeRef clause, ast::SetItem& set, Diagnostics& diagnostics) {
    if (!set.key_type.empty()) {
        diagnostics.add(Diag::GivenTwice, clause.span(), text::word_at(clause.text()));
        return;
    }
    set.is_typeof = clause.kind() == NodeKind::typeof_clause;
    for (const NodeRef child : clause) {
        if (child.kind() == NodeKind::mapped_type) {
            set.mapped_type = ast::Name{text::normalized(child.text()), child.span()};
        } else if (child.kind() == NodeKind::selector) {
            set.key_type.push_back({build_selector(child, diagnostics)});
        } else {
            set.key_type.push_back({name_of(child)});
        }
    }
}

void build_clause(NodeRef clause, ast::SetItem& set, Diagnostics& diagnostics) {
    switch (clause.kind()) {
    case NodeKind::type_clause:
    case NodeKind::typeof_clause:
        build_type(clause, set, diagnostics);
        break;
    case NodeKind::flags_clause:
        for (const NodeRef flag : clause) {
            set.flags.push_back(name_of(flag));
        }
        break;
    case NodeKind::elements_clause:
        if (set.elements) {
            diagnostics.add(Diag::GivenTwice, clause.span(), "elements");
        }
        set.elements = build_value(clause.first(), diagnostics);
        break;
    case NodeKind::file_clause:
        if (set.file) {
            diagnostics.add(Diag::GivenTwice, clause.span(), "file");
        }
        set.file = name_of(clause.first());
        break;
    case NodeKind::set_option: {
        ast::ElementAttribute option;
        for (const NodeRef child : clause) {
            if (child.kind() == NodeKind::set_option_name) {
                option.name = name_of(child);
            } else {
                option.value = build_value(child, diagnostics);
            }
        }
        set.options.push_back(std::move(option));
        break;
    }
    case NodeKind::set_switch:
        set.options.push_back({name_of(clause), {}});
        break;
    default: // a mistake that is reported
        break;
    }
}

ast::SetItem build_set(NodeRef node, Diagnostics& diagnostics) {
    ast::SetItem out;
    out.is_map = node.kind() == NodeKind::map_item;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::item_name) {
            out.name = name_of(child);
        } else {
            build_clause(child, out, diagnostics);
        }
    }
    return out;
}

ast::Chain build_chain(NodeRef node, Diagnostics& diagnostics) {
    ast::Chain out;
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::item_name:
            out.name = name_of(child);
            break;
        case NodeKind::hook_line:
            out.hook.push_back({text::normalized(child.text()), child.span()});
            break;
        case NodeKind::policy_line:
            if (out.policy) {
                diagnostics.add(Diag::GivenTwice, child.span(), "policy")
                    .with_note(out.policy->span, "given here first");
            } else {
                out.policy = ast::ChainPolicy{child.span(), build_verdict(child.first())};
            }
            break;
        case NodeKind::rule:
            out.rules.push_back(build_rule(child, diagnostics));
            break;
        default: { // error_statement: a policy or hook line with a mistake
            ast::Rule rule;
            rule.span = child.span();
            rule.statements.push_back(build_statement(child, diagnostics));
            out.rules.push_back(std::move(rule));
        }
        }
    }
    return out;
}

ast::OptionsItem build_options(NodeRef node) {
    ast::OptionsItem out;
    for (const NodeRef entry : node) {
        if (entry.kind() != NodeKind::options_entry) {
            continue;
        }
        auto& words = out.entries.emplace_back();
        for (const NodeRef word : entry) {
            words.push_back(name_of(word));
        }
    }
    return out;
}

ast::TestItem build_test(NodeRef node, Diagnostics& diagnostics) {
    ast::TestItem out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::title) {
            out.title = name_of(child);
        } else {
            out.steps.push_back(build_step(child, diagnostics));
        }
    }
    return out;
}

ast::Table build_table(NodeRef node, Diagnostics& diagnostics) {
    ast::Table out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::item_name) {
            out.family = std::move(out.name); // nft's family may be left out
            out.name = name_of(child);
        } else {
            out.items.push_back(build_item(child, diagnostics));
        }
    }
    return out;
}

using ItemNode = decltype(ast::Item::node);

ItemNode build_item_node(NodeRef node, Diagnostics& diagnostics) {
    switch (node.kind()) {
    case NodeKind::include_item:
        return ast::Include{name_of(node.first()), nullptr};
    case NodeKind::define_item: {
        ast::Define out;
        for (const NodeRef child : node) {
            if (child.kind() == NodeKind::item_name) {
                out.name = name_of(child);
            } else {
                out.value = build_value(child, diagnostics);
            }
        }
        return out;
    }
    case NodeKind::set_item:
    case NodeKind::map_item:
        return build_set(node, diagnostics);
    case NodeKind::chain_item:
        return build_chain(node, diagnostics);
    case NodeKind::options_item:
        return build_options(node);
    case NodeKind::test_item:
        return build_test(node, diagnostics);
    case NodeKind::table_item:
        return build_table(node, diagnostics);
    case NodeKind::other_item: {
        std::string text = text::normalized(node.text());
        std::string keyword(text::word_at(text));
        const Span span = node.span();
        const Span place{span.file, span.begin, span.begin + static_cast<uint32_t>(keyword.size())};
        return ast::OtherItem{{std::move(keyword), place}, std::move(text)};
    }
    default:
        return build_object(node, diagnostics).value_or(ast::ErrorItem{});
    }
}

} // namespace

ast::Item build_item(NodeRef node, Diagnostics& diagnostics) {
    return {node.span(), build_item_node(node, diagnostics)};
}

} // namespace xdpc::parsing
