// What the grammar remembers while it reads (brackets, nesting), and how it says that something is missing.
#pragma once

#include <string>

namespace xdpc {
enum class NodeKind : unsigned char; // compiler/parse/nodes.def
}

namespace xdpc::grammar {

/// Deeper brackets are refused, so that no input exhausts the stack.
constexpr unsigned max_nesting = 64;

struct Context {
    unsigned free = 0;       // > 0 inside brackets, where newlines are blanks
    unsigned depth = 0;      // open brackets
    bool slash_ends = false; // in a send
    std::string header;      // of the field that is read next, canonical
    std::string written_header;
};

/// RAII, because a failure may leave by an exception.
class Nested {
public:
    Nested(Context& context, unsigned free) : context_(context), free_(free) {
        context_.free += free_;
        ++context_.depth;
    }
    ~Nested() {
        context_.free -= free_;
        --context_.depth;
    }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

private:
    Context& context_;
    unsigned free_;
};
class SlashEnds {
public:
    explicit SlashEnds(Context& context) : context_(context), before_(context.slash_ends) {
        context_.slash_ends = true;
    }
    ~SlashEnds() { context_.slash_ends = before_; }
    SlashEnds(const SlashEnds&) = delete;
    SlashEnds& operator=(const SlashEnds&) = delete;

private:
    Context& context_;
    bool before_;
};

/// What a rule in must<> or expecting<> would have been: "expected WHAT, found …". With `unknown_kind`, a
/// word in its place is reported as "unknown KIND `word`", with a guess at what was meant.
struct Expected {
    const char* what = nullptr;
    const char* unknown_kind = nullptr;
};
/// The message of each rule, in grammar/messages.h.
template<class Rule> inline constexpr Expected expected{};
/// The node a rule leaves in the tree, in compiler/parse/nodes.def.
template<class Rule> inline constexpr NodeKind node_of{};

/// Thrown by must<>, caught by recovering<>.
struct SyntaxFailure {
    const char* place = nullptr;
    const Expected* wanted = nullptr; // null: nested too deeply
    std::string detail;
};

} // namespace xdpc::grammar
