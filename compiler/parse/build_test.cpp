#include "compiler/parse/build.h"
#include "compiler/parse/text.h"

namespace xdpc::parsing {
namespace {

ast::LayerField build_layer_field(NodeRef node, const std::string& header, Diagnostics& diagnostics) {
    ast::LayerField out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::lone_option || child.kind() == NodeKind::layer_field_name) {
            const auto field = text::read_layer_field(header, child.text());
            out.name = {field ? field->name : std::string(child.text()), child.span()};
        } else {
            out.value = build_value(child, diagnostics);
        }
    }
    return out;
}

ast::SendLayer build_layer(NodeRef node, Diagnostics& diagnostics) {
    ast::SendLayer out;
    out.span = node.span();
    const Span span = node.span();
    const std::string_view first = text::word_at(node.text());
    out.keyword = {std::string(first), {span.file, span.begin, span.begin + uint32_t(first.size())}};
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::layer_header) {
            const auto header = text::read_header(child.text());
            out.keyword = {header ? header->name : std::string(child.text()), child.span()};
        } else if (child.kind() == NodeKind::layer_field) {
            out.fields.push_back(build_layer_field(child, out.keyword.text, diagnostics));
        } else if (child.kind() == NodeKind::bytes_word) {
            out.bytes_suffix = true;
        } else {
            out.value = build_value(child, diagnostics);
        }
    }
    return out;
}

ast::ExpectVerdict build_expect_verdict(NodeRef node, Diagnostics& diagnostics) {
    ast::ExpectVerdict out;
    for (const NodeRef child : node) {
        switch (child.kind()) {
        case NodeKind::any_redirect:
        case NodeKind::verdict:
            out.verdict = build_verdict(child);
            break;
        case NodeKind::expect_count:
            out.count = number_of(child, diagnostics);
            break;
        case NodeKind::by_rule:
            out.by = name_of(child.first());
            break;
        case NodeKind::with_matches:
            for (const NodeRef match : child) {
                out.with.push_back(build_statement(match, diagnostics));
            }
            break;
        default:
            out.iface = name_of(child.first());
        }
    }
    return out;
}

using StepNode = decltype(ast::TestStep::node);

StepNode build_other(NodeRef step, std::string keyword) {
    return ast::OtherStep{{std::move(keyword), step.span()}, text::normalized(step.text())};
}

StepNode build_expect_verdicts(NodeRef node, Diagnostics& diagnostics) {
    ast::ExpectStep out;
    for (const NodeRef child : node) {
        out.verdicts.push_back(build_expect_verdict(child, diagnostics));
    }
    return out;
}

StepNode build_expect_counter(NodeRef node, Diagnostics& diagnostics) {
    ast::ExpectCounterStep out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::rule_reference) {
            out.rule = name_of(child);
        } else if (child.kind() == NodeKind::expect_count) {
            out.packets = number_of(child, diagnostics);
        } else {
            out.bytes = number_of(child, diagnostics);
        }
    }
    return out;
}

ast::ExpectedElement build_expected_element(NodeRef node, Diagnostics& diagnostics) {
    ast::ExpectedElement out;
    out.span = node.span();
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::element_key) {
            out.key = build_value(child, diagnostics);
        } else if (child.kind() == NodeKind::expected_packets) {
            out.packets = number_of(child.first(), diagnostics);
        } else {
            out.expires = build_value(child.first(), diagnostics);
        }
    }
    return out;
}

StepNode build_expect_element(NodeRef node, Diagnostics& diagnostics) {
    ast::ExpectElementStep out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::no_word) {
            out.missing = true;
        } else if (child.kind() == NodeKind::looked_up_set) {
            out.set = name_of(child.first());
        } else {
            out.elements.push_back(build_expected_element(child, diagnostics));
        }
    }
    return out;
}

ast::GivenOption build_given_option(NodeRef node, Diagnostics& diagnostics) {
    ast::GivenOption out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::given_option_name) {
            out.name = name_of(child);
        } else {
            out.value = build_value(child, diagnostics);
        }
    }
    return out;
}

StepNode build_given_iface(NodeRef node, Diagnostics& diagnostics) {
    ast::GivenIfaceStep out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::interface_name) {
            out.iface = name_of(child);
        } else {
            out.options.push_back(build_given_option(child, diagnostics));
        }
    }
    return out;
}

StepNode build_given_route(NodeRef node, Diagnostics& diagnostics) {
    ast::GivenRouteStep out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::given_prefix) {
            out.prefix = build_value(child, diagnostics);
        } else if (child.kind() == NodeKind::interface_name) {
            out.via = name_of(child);
        } else if (child.kind() == NodeKind::given_kind) {
            out.kind = name_of(child);
        } else {
            out.options.push_back(build_given_option(child, diagnostics));
        }
    }
    return out;
}

StepNode build_given(NodeRef what, Diagnostics& diagnostics) {
    return what.kind() == NodeKind::given_iface ? build_given_iface(what, diagnostics)
                                                : build_given_route(what, diagnostics);
}

StepNode build_expect(NodeRef step, Diagnostics& diagnostics) {
    const NodeRef what = step.first();
    switch (what.kind()) {
    case NodeKind::expect_counter:
        return build_expect_counter(what, diagnostics);
    case NodeKind::expect_element:
        return build_expect_element(what, diagnostics);
    case NodeKind::expect_bytes:
        return ast::ExpectBytesStep{build_value(what.first(), diagnostics)};
    case NodeKind::expect_other:
        return build_other(step, "expect " + std::string(text::word_at(what.text())));
    default:
        return build_expect_verdicts(what, diagnostics);
    }
}

StepNode build_step_node(NodeRef node, Diagnostics& diagnostics) {
    switch (node.kind()) {
    case NodeKind::send_step:
        return build_send(node.first(), diagnostics);
    case NodeKind::expect_step:
        return build_expect(node, diagnostics);
    case NodeKind::advance_step:
        return ast::AdvanceStep{build_value(node.first(), diagnostics)};
    case NodeKind::given_step:
        return build_given(node.first(), diagnostics);
    default:
        return ast::ErrorStep{};
    }
}

} // namespace

ast::SendStep build_send(NodeRef send_tail, Diagnostics& diagnostics) {
    ast::SendStep out;
    for (const NodeRef child : send_tail) {
        switch (child.kind()) {
        case NodeKind::capture_name:
            out.pcap = name_of(child);
            break;
        case NodeKind::times_number:
            out.count = number_of(child, diagnostics);
            break;
        case NodeKind::interface_name:
            out.iface = name_of(child);
            break;
        case NodeKind::moment:
            out.at = build_value(child, diagnostics);
            break;
        default:
            out.layers.push_back(build_layer(child, diagnostics));
        }
    }
    return out;
}

ast::TestStep build_step(NodeRef node, Diagnostics& diagnostics) {
    return {node.span(), build_step_node(node, diagnostics)};
}

} // namespace xdpc::parsing
