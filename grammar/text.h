// The smallest rules: blanks, words, keywords, brackets, and recovery after a mistake. PEGTL is scannerless,
// so blanks are named wherever they may stand.
#pragma once

#include "compiler/parse/text.h"
#include "grammar/context.h"

#include <algorithm>
#include <tao/pegtl.hpp>
#include <tao/pegtl/contrib/analyze_traits.hpp>

namespace xdpc::grammar {

namespace peg = tao::pegtl;
using peg::at;
using peg::eof;
using peg::failure;
using peg::must;
using peg::not_at;
using peg::one;
using peg::opt;
using peg::plus;
using peg::seq;
using peg::sor;
using peg::star;
using peg::string;

template<size_t N> struct Text {
    char chars[N];
    constexpr Text(const char (&text)[N]) { std::copy_n(text, N, chars); }
    constexpr std::string_view view() const { return {chars, N - 1}; }
};

template<class Input> std::string_view rest_of(const Input& in) {
    return {in.current(), static_cast<size_t>(in.end() - in.current())};
}

/// A rule that a plain function matches: `length(rest, context)` bytes, nothing matches if `none`.
template<class Self> struct Custom {
    using rule_t = Self;
    using subs_t = peg::empty_list;
    template<peg::apply_mode, peg::rewind_mode, template<class...> class, template<class...> class,
             class Input, class State>
    static bool match(Input& in, State& state) {
        const auto length = Self::length(rest_of(in), state);
        if (!length) {
            return false;
        }
        in.bump(*length);
        return true;
    }
};
using Length = std::optional<size_t>;
inline Length if_any(size_t length) {
    return length > 0 ? Length(length) : Length();
}

/// Blanks, comments, continued lines; newlines, too, inside brackets.
struct gap : Custom<gap> {
    static Length length(std::string_view rest, const Context& context) {
        return text::skip_gap(rest, context.free > 0);
    }
};
/// What stands between rules and statements: newlines, `;`, blanks, comments.
struct separators : Custom<separators> {
    static Length length(std::string_view rest, const Context&) { return text::skip_separators(rest); }
};
struct identifier : Custom<identifier> {
    static Length length(std::string_view rest, const Context&) { return if_any(text::word_length(rest)); }
};
/// Exactly this word: the longest word wins, so `ip` does not match in `ip6`.
template<Text Word> struct keyword : Custom<keyword<Word>> {
    static Length length(std::string_view rest, const Context&) {
        return text::word_at(rest) == Word.view() ? Length(Word.view().size()) : Length();
    }
};
/// A word of one of text.h's closed lists.
template<bool (*IsOne)(std::string_view)> struct word_of : Custom<word_of<IsOne>> {
    static Length length(std::string_view rest, const Context&) {
        const std::string_view word = text::word_at(rest);
        return !word.empty() && IsOne(word) ? Length(word.size()) : Length();
    }
};
struct digits : plus<peg::digit> {};
struct number : seq<digits, not_at<peg::alpha>> {};

/// A quoted text; there are no escapes, and it ends on its line.
struct closing_quote : one<'"'> {};
struct quoted_text : star<peg::not_one<'"', '\n'>> {};
struct quoted : seq<one<'"'>, quoted_text, must<closing_quote>> {};

struct end_of_line : sor<at<one<'\n', ';', '}'>>, eof> {};

/// The inside of brackets: newlines are free, and nesting is limited so that no input exhausts the stack.
template<class... Rules> struct inside {
    using rule_t = inside;
    using subs_t = peg::type_list<Rules...>;
    template<peg::apply_mode A, peg::rewind_mode M, template<class...> class Action,
             template<class...> class Control, class Input, class State>
    static bool match(Input& in, State& state) {
        const Nested nested(state, 1);
        if (state.depth > max_nesting) {
            state.too_deep(in.current());
        }
        return Control<seq<Rules...>>::template match<A, M, Action, Control>(in, state);
    }
};
/// Nesting that keeps newlines significant (tables).
template<class... Rules> struct nested_lines {
    using rule_t = nested_lines;
    using subs_t = peg::type_list<Rules...>;
    template<peg::apply_mode A, peg::rewind_mode M, template<class...> class Action,
             template<class...> class Control, class Input, class State>
    static bool match(Input& in, State& state) {
        const Nested nested(state, 0);
        if (state.depth > max_nesting) {
            state.too_deep(in.current());
        }
        return Control<seq<Rules...>>::template match<A, M, Action, Control>(in, state);
    }
};
/// In a send, `/` separates layers and is no part of a value.
template<class... Rules> struct slash_ends {
    using rule_t = slash_ends;
    using subs_t = peg::type_list<Rules...>;
    template<peg::apply_mode A, peg::rewind_mode M, template<class...> class Action,
             template<class...> class Control, class Input, class State>
    static bool match(Input& in, State& state) {
        const SlashEnds guard(state);
        return Control<seq<Rules...>>::template match<A, M, Action, Control>(in, state);
    }
};

/// Where parsing goes on after a mistake.
enum class Resume {
    Line,    // the next `;`, newline or `}` that is not inside brackets
    Element, // the next `,` or `}` on this line
};
/// Matches Rule; where a must<> in it fails, reports that, skips to where `Resume` says, and leaves an Error
/// node. So the rule around it goes on.
template<class Rule, Resume Where, class Error> struct recovering {
    using rule_t = recovering;
    using subs_t = peg::type_list<Rule, Error>;
    template<peg::apply_mode A, peg::rewind_mode, template<class...> class Action,
             template<class...> class Control, class Input, class State>
    static bool match(Input& in, State& state) {
        const auto mark = state.mark();
        const char* start = in.current();
        try {
            auto rewinding = in.template mark<peg::rewind_mode::required>();
            return rewinding(
                Control<Rule>::template match<A, peg::rewind_mode::active, Action, Control>(in, state));
        } catch (const SyntaxFailure& failure) { // `rewinding` has moved the input back to the start
            state.back_to(mark);
            const char* resume = Where == Resume::Line ? state.resume_line(start, failure)
                                                       : state.resume_element(start, failure);
            if (!resume) {
                throw;
            }
            state.report(failure);
            in.bump(static_cast<size_t>(resume - start));
            state.error_node(node_of<Error>, start, resume);
            return true;
        }
    }
};
/// Matches Rule or reports that it is missing; never fails.
template<class Rule> struct expecting {
    using rule_t = expecting;
    using subs_t = peg::type_list<Rule>;
    template<peg::apply_mode A, peg::rewind_mode M, template<class...> class Action,
             template<class...> class Control, class Input, class State>
    static bool match(Input& in, State& state) {
        if (!Control<Rule>::template match<A, M, Action, Control>(in, state)) {
            state.report({in.current(), &expected<Rule>, {}});
        }
        return true;
    }
};

} // namespace xdpc::grammar

namespace tao::pegtl {
template<class Name, class Rule>
    requires std::is_base_of_v<xdpc::grammar::Custom<Rule>, Rule>
struct analyze_traits<Name, Rule> : analyze_any_traits<> {};
template<class Name> struct analyze_traits<Name, xdpc::grammar::gap> : analyze_opt_traits<> {};
template<class Name> struct analyze_traits<Name, xdpc::grammar::separators> : analyze_opt_traits<> {};
template<class Name, class... Rules>
struct analyze_traits<Name, xdpc::grammar::inside<Rules...>> : analyze_seq_traits<Rules...> {};
template<class Name, class... Rules>
struct analyze_traits<Name, xdpc::grammar::nested_lines<Rules...>> : analyze_seq_traits<Rules...> {};
template<class Name, class... Rules>
struct analyze_traits<Name, xdpc::grammar::slash_ends<Rules...>> : analyze_seq_traits<Rules...> {};
template<class Name, class Rule, xdpc::grammar::Resume Where, class Error>
struct analyze_traits<Name, xdpc::grammar::recovering<Rule, Where, Error>> : analyze_seq_traits<Rule> {};
template<class Name, class Rule>
struct analyze_traits<Name, xdpc::grammar::expecting<Rule>> : analyze_opt_traits<Rule> {};
} // namespace tao::pegtl
