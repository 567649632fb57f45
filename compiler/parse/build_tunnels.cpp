// `encap` and `decap`.
#include "compiler/parse/build.h"

namespace xdpc::parsing {

namespace {

ast::TunnelOption build_option(NodeRef node, Diagnostics& diagnostics) {
    ast::TunnelOption option;
    for (const NodeRef part : node) {
        if (part.kind() == NodeKind::encap_value) {
            option.value = build_value(part, diagnostics);
        } else {
            (part.kind() == NodeKind::encap_too_large ? option.too_large : option.name) = name_of(part);
        }
    }
    return option;
}

} // namespace

ast::EncapStatement build_encap(NodeRef node, Diagnostics& diagnostics) {
    ast::EncapStatement out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::tunnel_kind) {
            out.kind = name_of(child);
        } else {
            out.options.push_back(build_option(child, diagnostics));
        }
    }
    return out;
}

ast::DecapStatement build_decap(NodeRef node, Diagnostics& diagnostics) {
    ast::DecapStatement out;
    for (const NodeRef child : node) {
        if (child.kind() == NodeKind::decap_kind) {
            out.kind = name_of(child);
        } else {
            out.options.push_back(build_option(child, diagnostics));
        }
    }
    return out;
}

} // namespace xdpc::parsing
