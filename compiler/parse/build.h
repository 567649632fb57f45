// From the grammar's tree to the ast. One function a kind of node; the tree is well-formed, so they only fail
// on numbers that are too large, which they report.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diagnostics.h"
#include "compiler/parse/tree.h"

namespace xdpc::parsing {

ast::Name name_of(NodeRef node); // its text, without quotes
std::string unquoted(NodeRef node);
uint64_t number_of(NodeRef node, Diagnostics& diagnostics);

ast::Value build_value(NodeRef node, Diagnostics& diagnostics);
ast::VerdictNode build_verdict(NodeRef node);
ast::Selector build_selector(NodeRef node, Diagnostics& diagnostics);
/// `limit …`, `quota …`, `counter name …`, `log …`, `sample …`; nothing for another kind.
std::optional<decltype(ast::Statement::node)> build_stateful(NodeRef node, Diagnostics& diagnostics);
/// limit_item, quota_item, counter_item; nothing for another kind.
std::optional<decltype(ast::Item::node)> build_object(NodeRef node, Diagnostics& diagnostics);
ast::EncapStatement build_encap(NodeRef node, Diagnostics& diagnostics);
ast::DecapStatement build_decap(NodeRef node, Diagnostics& diagnostics);
ast::Statement build_statement(NodeRef node, Diagnostics& diagnostics);
ast::Rule build_rule(NodeRef node, Diagnostics& diagnostics);
ast::SendStep build_send(NodeRef send_tail, Diagnostics& diagnostics);
ast::TestStep build_step(NodeRef node, Diagnostics& diagnostics);
ast::Item build_item(NodeRef node, Diagnostics& diagnostics);

} // namespace xdpc::parsing
