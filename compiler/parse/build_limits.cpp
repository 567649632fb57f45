// Limits, quotas, named counters, logs and samples, and the objects of that kind.
#include "compiler/parse/build.h"
#include "compiler/parse/text.h"

namespace xdpc::parsing {
namespace {

using StatementNode = decltype(ast::Statement::node);
using ItemNode = decltype(ast::Item::node);

ast::Amount lone_number(NodeRef node, Diagnostics& diagnostics) {
    return {number_of(node, diagnostics), {}, node.span()};
}

ast::Amount build_amount(NodeRef node, Diagnostics& diagnostics) {
    ast::Amount out;
    out.span = node.span();
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::amount_number) {
            out.number = number_of(child, diagnostics);
        } else {
            out.unit = name_of(child);
        }
    }
    return out;
}

ast::Rate build_rate(NodeRef node, Diagnostics& diagnostics) {
    ast::Rate out;
    out.span = node.span();
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::over_word:
            out.over = true;
            break;
        case NodeKind::rate_amount:
            out.amount = build_amount(child, diagnostics);
            break;
        case NodeKind::rate_time:
            out.time = name_of(child);
            break;
        case NodeKind::burst_amount:
            out.burst = build_amount(child, diagnostics);
            break;
        case NodeKind::selectors:
            for (const NodeRef key : child) {
                out.keys.push_back(build_selector(key, diagnostics));
            }
            break;
        case NodeKind::size_number:
            out.size = lone_number(child, diagnostics);
            break;
        default: // full_action
            out.on_full = name_of(child);
            out.on_full.text = out.on_full.text == "accept" ? "pass" : out.on_full.text;
        }
    }
    return out;
}

ast::QuotaBytes build_quota(NodeRef node, Diagnostics& diagnostics) {
    ast::QuotaBytes out;
    out.span = node.span();
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::over_word) {
            out.over = true;
        } else if (child.kind() == NodeKind::quota_amount) {
            out.amount = build_amount(child, diagnostics);
        } else {
            out.used = build_amount(child, diagnostics);
        }
    }
    return out;
}

/// Keeps the first of options that are given twice.
void set_once(std::optional<ast::Name>& to, const char* what, NodeRef node, Diagnostics& diagnostics) {
    if (to) {
        diagnostics.add(Diag::GivenTwice, node.span(), what).with_note(to->span, "given here first");
        return;
    }
    to = name_of(node);
}

ast::LogStatement build_log(NodeRef node, Diagnostics& diagnostics) {
    ast::LogStatement out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::log_prefix) {
            set_once(out.prefix, "prefix", child, diagnostics);
        } else if (child.kind() == NodeKind::every_time) {
            set_once(out.every, "every", child, diagnostics);
        } else {
            out.ignored.push_back({text::normalized(child.text()), child.span()});
        }
    }
    return out;
}

ast::SampleStatement build_sample(NodeRef node, Diagnostics& diagnostics) {
    ast::SampleStatement out;
    bool have_one = false;
    for (const NodeRef child : node) {
        ast::Amount number = lone_number(child, diagnostics);
        if (child.kind() == NodeKind::snap_number) {
            out.snap = std::move(number);
        } else {
            (have_one ? out.one_in : out.one) = std::move(number);
            have_one = true;
        }
    }
    return out;
}

ast::LimitItem build_limit_item(NodeRef node, Diagnostics& diagnostics) {
    ast::LimitItem out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::item_name) {
            out.name = name_of(child);
        } else if (child.kind() == NodeKind::comment_text) {
            set_once(out.comment, "comment", child, diagnostics);
        } else if (child.kind() == NodeKind::rate) {
            if (out.rate) {
                diagnostics.add(Diag::GivenTwice, child.span(), "rate")
                    .with_note(out.rate->span, "given here first");
                continue;
            }
            out.rate = build_rate(child, diagnostics);
        }
    }
    return out;
}

ast::QuotaItem build_quota_item(NodeRef node, Diagnostics& diagnostics) {
    ast::QuotaItem out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::item_name) {
            out.name = name_of(child);
        } else if (child.kind() == NodeKind::comment_text) {
            set_once(out.comment, "comment", child, diagnostics);
        } else if (child.kind() == NodeKind::quota_bytes) {
            if (out.bytes) {
                diagnostics.add(Diag::GivenTwice, child.span(), "quota")
                    .with_note(out.bytes->span, "given here first");
                continue;
            }
            out.bytes = build_quota(child, diagnostics);
        }
    }
    return out;
}

ast::CounterItem build_counter_item(NodeRef node, Diagnostics& diagnostics) {
    ast::CounterItem out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::item_name) {
            out.name = name_of(child);
        } else if (child.kind() == NodeKind::comment_text) {
            set_once(out.comment, "comment", child, diagnostics);
        }
    }
    return out;
}

} // namespace

namespace {

/// `limit name ip saddr map @m`
StatementNode build_object_map(NodeRef node, Diagnostics& diagnostics) {
    ast::ObjectMap map;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::selectors) {
            for (const NodeRef key : child) {
                map.keys.push_back(build_selector(key, diagnostics));
            }
        } else {
            map.table = build_value(child, diagnostics);
        }
    }
    const std::string_view word = text::word_at(node.text());
    if (word == "limit") {
        return ast::LimitStatement{std::move(map)};
    }
    return word == "quota" ? StatementNode(ast::QuotaStatement{std::move(map)})
                           : StatementNode(ast::NamedCounterStatement{std::move(map)});
}

} // namespace

std::optional<StatementNode> build_stateful(NodeRef node, Diagnostics& diagnostics) {
    switch (node.kind()) {
    case NodeKind::object_map_statement:
        return build_object_map(node, diagnostics);
    case NodeKind::limit_statement:
        if (node.first().kind() == NodeKind::rate) {
            return ast::LimitStatement{build_rate(node.first(), diagnostics)};
        }
        return ast::LimitStatement{name_of(node.first())};
    case NodeKind::quota_statement:
        if (node.first().kind() == NodeKind::quota_bytes) {
            return ast::QuotaStatement{build_quota(node.first(), diagnostics)};
        }
        return ast::QuotaStatement{name_of(node.first())};
    case NodeKind::named_counter_statement:
        return ast::NamedCounterStatement{name_of(node.first())};
    case NodeKind::log_statement:
        return build_log(node, diagnostics);
    case NodeKind::sample_statement:
        return build_sample(node, diagnostics);
    default:
        return std::nullopt;
    }
}

std::optional<ItemNode> build_object(NodeRef node, Diagnostics& diagnostics) {
    switch (node.kind()) {
    case NodeKind::limit_item:
        return build_limit_item(node, diagnostics);
    case NodeKind::quota_item:
        return build_quota_item(node, diagnostics);
    case NodeKind::counter_item:
        return build_counter_item(node, diagnostics);
    default:
        return std::nullopt;
    }
}

} // namespace xdpc::parsing
