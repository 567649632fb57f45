// Texts of values and statements, shared by the printers of this folder.
#pragma once

#include "compiler/ast/print.h"

#include <functional>

namespace xdpc::ast {

const char* name_of(BinaryOp op);
const char* name_of(VerdictKind kind);
const char* name_of(Relation relation); // "" where nothing is written

/// Lays out a list over several lines; empty: all on one line.
using ListPrinter = std::function<std::string(const Value&, const ListValue&)>;

std::string text_of(const VerdictNode& verdict);
std::string text_of(const Element& element);
/// A value as an operand: in parentheses if it binds more loosely than `level` (0 all, 8 a single word).
std::string text_of(const Value& value, int level, bool in_list = false);
std::string text_of(const Selector& selector);
std::string text_of(const std::vector<Selector>& keys);
std::string text_of(const UpdateStatement& update);
std::string text_of(const Rate& rate);
std::string text_of(const QuotaBytes& quota);
std::string text_of(const LimitStatement& limit);
std::string text_of(const QuotaStatement& quota);
std::string text_of(const NamedCounterStatement& counter);
std::string text_of(const LogStatement& log);
std::string text_of(const SampleStatement& sample);
/// Quoted unless it reads as one word; `also`: characters that do not end one.
std::string name_text(const std::string& name, const char* also);
std::string text_of(const SetStatement& set);
std::string text_of(const NatStatement& nat);
std::string text_of(const RejectStatement& reject);
std::string text_of(const VlanPushStatement& push);
std::string text_of(const EncapStatement& encap);
std::string text_of(const DecapStatement& decap);
std::string text_of(const RouteStatement& route);
std::string text_of(const Statement& statement, const ListPrinter& print_list = {});
std::string text_of(const Rule& rule, const ListPrinter& print_list = {});
std::string text_of(const SendStep& step);
std::string text_of(const ExpectStep& step);
std::string text_of(const ExpectCounterStep& step);
std::string text_of(const ExpectElementStep& step);
std::string text_of(const GivenIfaceStep& step);
std::string text_of(const GivenRouteStep& step);

} // namespace xdpc::ast
