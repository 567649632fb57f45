#include "compiler/ast/print_text.h"
#include "compiler/base/overloaded.h"

#include <cctype>
#include <fmt/format.h>

namespace xdpc::ast {
namespace {

// How tightly values bind; a looser one inside a tighter one needs parentheses.
enum Level { Slash = 0, Comma, Concat, Range, Or, Xor, And, Shift, Single };

/// A number or an address, not a name.
bool is_number(const Value& value) {
    const auto* word = std::get_if<Word>(&value.node);
    return word && !word->text.empty() &&
           (std::isdigit(static_cast<unsigned char>(word->text[0])) ||
            word->text.find(':') != std::string::npos);
}

bool is_prefix(const SlashValue& slash) {
    const bool left =
        std::holds_alternative<Word>(slash.left->node) || std::holds_alternative<DefineRef>(slash.left->node);
    return left && is_number(*slash.right);
}

Level level_of(BinaryOp op) {
    switch (op) {
    case BinaryOp::Or:
        return Or;
    case BinaryOp::Xor:
        return Xor;
    case BinaryOp::And:
        return And;
    case BinaryOp::Shl:
    case BinaryOp::Shr:
        return Shift;
    case BinaryOp::Plus:
    case BinaryOp::Minus:
        return Range;
    }
    return Single;
}

Level level_of(const Value& value) {
    return std::visit(
        Overloaded{[](const Word&) { return Single; }, [](const Quoted&) { return Single; },
                   [](const DefineRef&) { return Single; }, [](const SetRef&) { return Single; },
                   [](const Star&) { return Single; }, [](const RangeValue&) { return Range; },
                   [](const SlashValue& slash) { return is_prefix(slash) ? Single : Slash; },
                   [](const CommaValue&) { return Comma; }, [](const ConcatValue&) { return Concat; },
                   [](const BinaryValue& binary) { return level_of(binary.op); },
                   [](const NotValue&) { return Single; }, [](const ListValue&) { return Single; },
                   [](const ErrorValue&) { return Single; }},
        value.node);
}

std::string join_parts(const std::vector<Value>& parts, const char* between, int level) {
    std::string out;
    for (const Value& part : parts) {
        out += (out.empty() ? "" : between) + text_of(part, level);
    }
    return out;
}

std::string text_of_list(const ListValue& list) {
    std::string out = "{";
    for (const Element& element : list.elements) {
        out += (out.size() == 1 ? " " : ", ") + text_of(element);
    }
    return out + " }";
}

/// Without parentheses around it.
std::string bare_text(const Value& value, bool in_list) {
    return std::visit(
        Overloaded{[](const Word& word) { return word.text; },
                   [](const Quoted& quoted) { return "\"" + quoted.text + "\""; },
                   [](const DefineRef& define) { return "$" + define.name.text; },
                   [](const SetRef& set) { return "@" + set.name.text; },
                   [](const Star&) { return std::string("*"); },
                   [](const RangeValue& range) {
                       const char* dash = is_number(*range.low) ? "-" : " - "; // `a-b` is one name
                       return text_of(*range.low, Or) + dash + text_of(*range.high, Or);
                   },
                   [in_list](const SlashValue& slash) {
                       if (is_prefix(slash)) {
                           return text_of(*slash.left, Single) + "/" + text_of(*slash.right, Single);
                       }
                       const Level level = in_list ? Concat : Comma;
                       return text_of(*slash.left, level) + " / " + text_of(*slash.right, level);
                   },
                   [](const CommaValue& comma) { return join_parts(comma.parts, ",", Concat); },
                   [](const ConcatValue& concat) { return join_parts(concat.parts, " . ", Range); },
                   [](const BinaryValue& binary) {
                       const Level level = level_of(binary.op);
                       return fmt::format("{} {} {}", text_of(*binary.left, level), name_of(binary.op),
                                          text_of(*binary.right, level + 1));
                   },
                   [](const NotValue& negated) { return "~" + text_of(*negated.operand, Single); },
                   [](const ListValue& list) { return text_of_list(list); },
                   [](const ErrorValue&) { return std::string("<error>"); }},
        value.node);
}

} // namespace

const char* name_of(BinaryOp op) {
    switch (op) {
    case BinaryOp::Or:
        return "|";
    case BinaryOp::And:
        return "&";
    case BinaryOp::Xor:
        return "^";
    case BinaryOp::Shl:
        return "<<";
    case BinaryOp::Shr:
        return ">>";
    case BinaryOp::Plus:
        return "+";
    case BinaryOp::Minus:
        return "-";
    }
    return "";
}

std::string text_of(const Value& value, int level, bool in_list) {
    const bool loose = level_of(value) < level || (in_list && std::holds_alternative<CommaValue>(value.node));
    return loose ? "(" + bare_text(value, false) + ")" : bare_text(value, in_list);
}

std::string text_of(const Element& element) {
    std::string out = text_of(element.key, Slash, true);
    for (const ElementAttribute& attribute : element.attributes) {
        out += " " + attribute.name.text;
        if (attribute.value) {
            out += " " + text_of(*attribute.value, Single);
        }
    }
    if (const auto* verdict = std::get_if<VerdictNode>(&element.mapped)) {
        out += " : " + text_of(*verdict);
    } else if (const auto* value = std::get_if<Value>(&element.mapped)) {
        out += " : " + text_of(*value, Slash, true);
    }
    return out;
}

std::string print(const Value& value) {
    return text_of(value, Slash);
}

} // namespace xdpc::ast
