// Values of one part of a key as intervals.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"
#include "compiler/policy/scalars.h"

namespace xdpc::checking {

namespace {

bool misplaced(Context& context, Span span, std::string_view what, std::string hint = {}) {
    context.report(Diag::MisplacedValue, span, what).with_hint(std::move(hint));
    return false;
}

/// The text of a word or of a define that stands for one; a range's bounds and a prefix's parts are such.
std::optional<std::string_view> word_of(Context& context, const ast::Value& value, unsigned depth = 0) {
    if (const auto* word = std::get_if<ast::Word>(&value.node)) {
        return word->text;
    }
    if (const auto* quoted = std::get_if<ast::Quoted>(&value.node)) {
        return quoted->text;
    }
    const auto* reference = std::get_if<ast::DefineRef>(&value.node);
    auto found = reference != nullptr ? context.defines.find(reference->name.text) : context.defines.end();
    if (found == context.defines.end() || found->second.broken || depth > max_nesting) {
        return {};
    }
    found->second.used = true;
    return word_of(context, found->second.define->value, depth + 1);
}

/// Reports what stands where a word should: an unknown define, or another kind of value.
bool no_word(Context& context, const ast::Value& value) {
    if (std::holds_alternative<ast::ErrorValue>(value.node)) {
        return false;
    }
    if (const auto* reference = std::get_if<ast::DefineRef>(&value.node)) {
        if (!context.defines.contains(reference->name.text)) {
            Slot none;
            std::vector<Interval> ignored;
            return read_slot(context, value, none, ignored);
        }
        if (context.defines.find(reference->name.text)->second.broken) {
            return false;
        }
    }
    return misplaced(context, value.span, "a list or range",
                     "a range and a prefix are made of single values");
}

/// Types whose values are numbers to calculate with; nft folds all of them.
bool folds(TypeId type) {
    switch (type) {
    case TypeId::EtherAddr:
    case TypeId::IfaceName:
    case TypeId::Time:
    case TypeId::Day:
    case TypeId::Hour:
    case TypeId::Fragment:
    case TypeId::Boolean:
        return false;
    case TypeId::Integer:
    case TypeId::Ipv4Addr:
    case TypeId::Ipv6Addr:
    case TypeId::EtherType:
    case TypeId::InetProto:
    case TypeId::InetService:
    case TypeId::ArpOp:
    case TypeId::Dscp:
    case TypeId::Ecn:
    case TypeId::IcmpType:
    case TypeId::IcmpCode:
    case TypeId::Icmpv6Type:
    case TypeId::Icmpv6Code:
    case TypeId::IgmpType:
    case TypeId::TcpFlag:
    case TypeId::MhType:
    case TypeId::RtType:
    case TypeId::DccpType:
    case TypeId::IfaceIndex:
        return true;
    }
    return false;
}

/// `tcp or udp` is one number to nft, though it reads as either of two.
void warn_of_folded_names(Context& context, const ast::BinaryValue& binary, Span span, const Slot& slot,
                          u128 value) {
    auto is_name = [](const ast::Value& part) {
        const auto* word = std::get_if<ast::Word>(&part.node);
        return word != nullptr && !read_number(word->text);
    };
    if (binary.op == ast::BinaryOp::Or && slot.type != TypeId::TcpFlag && is_name(*binary.left) &&
        is_name(*binary.right)) {
        context.report(Diag::FoldedNames, span, shown(context, span), format_value(slot.type, value))
            .with_hint("several values are a list: `{ a, b }`");
    }
}

u128 apply(ast::BinaryOp op, u128 left, u128 right) {
    switch (op) {
    case ast::BinaryOp::Or:
        return left | right;
    case ast::BinaryOp::And:
        return left & right;
    case ast::BinaryOp::Xor:
        return left ^ right;
    case ast::BinaryOp::Shl:
        return right < 128 ? left << static_cast<unsigned>(right) : 0;
    case ast::BinaryOp::Shr:
        return right < 128 ? left >> static_cast<unsigned>(right) : 0;
    case ast::BinaryOp::Plus:
        return left + right;
    case ast::BinaryOp::Minus:
        return left - right;
    }
    return 0;
}

const char* sign_of(ast::BinaryOp op) {
    switch (op) {
    case ast::BinaryOp::Or:
        return "|";
    case ast::BinaryOp::And:
        return "&";
    case ast::BinaryOp::Xor:
        return "^";
    case ast::BinaryOp::Shl:
        return "<<";
    case ast::BinaryOp::Shr:
        return ">>";
    case ast::BinaryOp::Plus:
        return "+";
    case ast::BinaryOp::Minus:
        return "-";
    }
    return "";
}

bool add_number(Context& context, u128 value, Span span, const Slot& slot, std::vector<Interval>& out) {
    if (value > max_of_width(slot.width)) {
        context.report(Diag::ValueTooLarge, span, format_value(TypeId::Integer, value), slot.width, slot.name)
            .with_hint(largest_of(slot.width));
        return false;
    }
    if (!spend(context, 1, span)) {
        return false;
    }
    out.push_back({value, value});
    return true;
}

struct SlotReader {
    Context& context;
    const ast::Value& value;
    const Slot& slot;
    std::vector<Interval>& out;
    ReadState state;

    bool operator()(const ast::Word& word) const {
        return read_word(context, word.text, value.span, slot, out, state);
    }
    bool operator()(const ast::Quoted& quoted) const {
        return read_word(context, quoted.text, value.span, slot, out, state);
    }
    bool operator()(const ast::DefineRef& reference) const {
        auto found = context.defines.find(reference.name.text);
        if (found == context.defines.end()) {
            context.report(Diag::UndefinedDefine, value.span, reference.name.text)
                .with_hint(did_you_mean_define(context, reference.name.text));
            return false;
        }
        found->second.used = true;
        if (found->second.broken) {
            return false;
        }
        ReadState inner = state;
        inner.in_define = true;
        inner.used_at = state.used_at != nullptr ? state.used_at : &value.span;
        ++inner.depth;
        return nested(found->second.define->value, inner);
    }
    bool operator()(const ast::SetRef&) const {
        return misplaced(context, value.span, "a set", "a set is compared with as a whole: `FIELD @set`");
    }
    bool operator()(const ast::Star&) const { return misplaced(context, value.span, "`*`"); }
    bool operator()(const ast::RangeValue& range) const {
        const auto low = word_of(context, *range.low);
        const auto high = word_of(context, *range.high);
        if (!low || !high) {
            return no_word(context, low ? *range.high : *range.low);
        }
        return read_range(context, *low, *high, value.span, slot, out, state);
    }
    bool operator()(const ast::SlashValue& slash) const {
        if (slot.type == TypeId::TcpFlag) {
            return misplaced(context, value.span, "a mask",
                             "flags and mask stand alone: `tcp flags syn / syn,ack`");
        }
        const auto address = word_of(context, *slash.left);
        const auto length = word_of(context, *slash.right);
        if (!address || !length) {
            return no_word(context, address ? *slash.right : *slash.left);
        }
        return read_prefix(context, *address, *length, value.span, slot, out, state);
    }
    bool operator()(const ast::CommaValue& comma) const {
        if (slot.type != TypeId::TcpFlag) {
            return misplaced(context, value.span, "a list without braces", "write `{ a, b }`");
        }
        u128 flags = 0;
        for (const ast::Value& part : comma.parts) {
            const auto flag = read_single(context, part, slot, deeper());
            if (!flag) {
                return false;
            }
            flags |= *flag;
        }
        return add_number(context, flags, value.span, slot, out);
    }
    bool operator()(const ast::ConcatValue& concat) const {
        context.report(Diag::ConcatParts, value.span, fmt::format("{} parts", concat.parts.size()),
                       slot.name);
        return false;
    }
    bool operator()(const ast::BinaryValue& binary) const {
        if (!folds(slot.type)) {
            context.report(Diag::WrongOperator, value.span, sign_of(binary.op), describe_type(slot.type))
                .with_hint("several values are a list: `{ a, b }`");
            return false;
        }
        const auto left = read_single(context, *binary.left, slot, deeper());
        const auto right = left ? read_single(context, *binary.right, slot, deeper()) : std::nullopt;
        if (!right) {
            return false;
        }
        const u128 number = apply(binary.op, *left, *right);
        warn_of_folded_names(context, binary, value.span, slot, number);
        return add_number(context, number, value.span, slot, out);
    }
    bool operator()(const ast::NotValue& negation) const {
        // nft has `!` before flags alone; `tcp dport !22` is meant as `!=`, never as the complement.
        const bool bang = context.sources.text(value.span).starts_with('!');
        if (!folds(slot.type) || (bang && slot.type != TypeId::TcpFlag)) {
            context.report(Diag::WrongOperator, value.span, bang ? "!" : "~", describe_type(slot.type))
                .with_hint("what a field is not: `FIELD != VALUE`");
            return false;
        }
        const auto operand = read_single(context, *negation.operand, slot, deeper());
        return operand && add_number(context, ~*operand & max_of_width(slot.width), value.span, slot, out);
    }
    bool operator()(const ast::ListValue& list) const {
        bool fine = true;
        for (const ast::Element& element : list.elements) {
            if (!std::holds_alternative<std::monostate>(element.mapped)) {
                fine = misplaced(context, element.span, "an element with a verdict or value",
                                 "`vmap { … }` maps to verdicts");
                continue;
            }
            for (const ast::ElementAttribute& attribute : element.attributes) {
                if (attribute.name.text != "comment") {
                    context.report(Diag::NotYetSupported, attribute.name.span,
                                   "`" + attribute.name.text + "` of an element");
                    fine = false;
                }
            }
            fine = nested(element.key, deeper()) && fine;
        }
        return fine;
    }
    bool operator()(const ast::ErrorValue&) const { return false; }

private:
    [[nodiscard]] ReadState deeper() const {
        ReadState inner = state;
        ++inner.depth;
        return inner;
    }
    [[nodiscard]] bool nested(const ast::Value& inner, ReadState inner_state) const {
        return read_slot(context, inner, slot, out, inner_state);
    }
};

} // namespace

bool read_slot(Context& context, const ast::Value& value, const Slot& slot, std::vector<Interval>& out,
               ReadState state) {
    if (context.too_many_reported) {
        return false; // defines that double each other are not walked to their end
    }
    if (state.depth > max_nesting) {
        context.too_many_reported = true;
        return misplaced(context, value.span, fmt::format("a value nested more than {} deep", max_nesting));
    }
    return std::visit(SlotReader{context, value, slot, out, state}, value.node);
}

std::optional<u128> read_single(Context& context, const ast::Value& value, const Slot& slot,
                                ReadState state) {
    std::vector<Interval> intervals;
    if (!read_slot(context, value, slot, intervals, state)) {
        return {};
    }
    if (intervals.size() != 1 || intervals[0].lo != intervals[0].hi) {
        context.report(Diag::MisplacedValue, value.span, "more than one value");
        return {};
    }
    return intervals[0].lo;
}

} // namespace xdpc::checking
