// The only file of the compiler that instantiates the PEGTL grammar.
#include "compiler/parse/reader.h"
#include "grammar/messages.h"

namespace xdpc::grammar {
#define XDPC_NODE(rule) template<> inline constexpr NodeKind node_of<rule> = NodeKind::rule;
#include "compiler/parse/nodes.def"
#undef XDPC_NODE
} // namespace xdpc::grammar

namespace xdpc::parsing {
namespace {

namespace peg = tao::pegtl;

template<class> inline constexpr bool is_lookahead = false;
template<class... Rules> inline constexpr bool is_lookahead<peg::internal::at<Rules...>> = true;
template<class... Rules> inline constexpr bool is_lookahead<peg::internal::not_at<Rules...>> = true;

/// Keeps the tree in step with the matching: a rule that fails, or only looks ahead, leaves no nodes.
template<class Rule> struct Control : peg::normal<Rule> {
    template<peg::apply_mode A, peg::rewind_mode M, template<class...> class Action,
             template<class...> class Ctl, class Input>
    static bool match(Input& in, Reader& reader) {
        constexpr NodeKind kind = grammar::node_of<Rule>;
        const uint32_t before = reader.size();
        if constexpr (kind != NodeKind::None) {
            reader.open(kind, in.current());
        }
        const bool matched = peg::internal::match_no_control<Rule, A, M, Action, Ctl>(in, reader);
        if (!matched || is_lookahead<typename Rule::rule_t>) {
            reader.drop_from(before);
        } else if constexpr (kind != NodeKind::None) {
            reader.close(before, in.current());
        }
        return matched;
    }
    template<class Input> [[noreturn]] static void raise(const Input& in, Reader&) {
        static_assert(grammar::expected<Rule>.what != nullptr, "grammar/messages.h lacks this rule");
        throw grammar::SyntaxFailure{in.current(), &grammar::expected<Rule>, {}};
    }
};

template<class Rule> void run(const Source& source, Reader& reader) {
    using Input = peg::memory_input<peg::tracking_mode::lazy, peg::eol::lf, const char*>;
    Input in(source.text.data(), source.text.data() + source.text.size(), "");
    try {
        (void)peg::parse<Rule, peg::nothing, Control>(in, reader);
    } catch (const grammar::SyntaxFailure& failure) {
        reader.report(failure);
    }
}

} // namespace

void read_policy(const Source& source, Reader& reader) {
    run<grammar::policy_file>(source, reader);
}
void read_layers(const Source& source, Reader& reader) {
    run<grammar::layers_text>(source, reader);
}

} // namespace xdpc::parsing
