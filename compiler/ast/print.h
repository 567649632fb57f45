// Prints a file canonically (`xdpc fmt`), comments kept, and as a tree for `xdpc emit --as ast`.
#pragma once

#include "compiler/ast/ast.h"

namespace xdpc::ast {

/// Canonical text. parse(print(parse(x))) equals parse(x) but for places, and printing that again gives the
/// same text.
std::string print(const File& file, const Sources& sources);
/// One statement, value, rule without its label: for messages and the rule table.
std::string print(const Rule& rule);
std::string print(const Statement& statement);
std::string print(const Value& value);
std::string print(const Selector& selector);
/// The tree, one node a line, indented.
std::string dump(const File& file);
/// Whether two files say the same: all but places and comments.
bool equal(const File& a, const File& b);

} // namespace xdpc::ast
