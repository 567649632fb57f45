// Words, prefixes and ranges as intervals, with the diagnostics of those that are none.
#include "compiler/policy/check_context.h"
#include "compiler/policy/scalars.h"

namespace xdpc::checking {

namespace {

bool is_ip(TypeId type) {
    return type == TypeId::Ipv4Addr || type == TypeId::Ipv6Addr;
}

Diagnostic& note_use(Diagnostic& diagnostic, const ReadState& state) {
    if (state.used_at != nullptr) {
        diagnostic.with_note(*state.used_at, "used here");
    }
    return diagnostic;
}

void report_family(Context& context, std::string_view text, Span span, const Slot& slot,
                   const ReadState& state) {
    const bool holds_ip4 = slot.type == TypeId::Ipv4Addr;
    Diagnostic& diagnostic = context.report(Diag::WrongFamily, span, text, holds_ip4 ? "IPv6" : "IPv4",
                                            slot.name, holds_ip4 ? "IPv4" : "IPv6");
    const std::string& name = slot.name;
    if (name.starts_with("ip ")) {
        diagnostic.with_hint("`ip6" + name.substr(2) + "`, or `" + name.substr(3) + "` for both families");
    } else if (name.starts_with("ip6 ")) {
        diagnostic.with_hint("`ip" + name.substr(3) + "`, or `" + name.substr(4) + "` for both families");
    }
    note_use(diagnostic, state);
}

void report_wrong(Context& context, std::string_view text, Span span, const Slot& slot,
                  const ReadState& state) {
    Diagnostic& diagnostic =
        context.report(Diag::WrongValue, span, text.substr(0, 80), slot.name, describe_type(slot.type));
    note_use(diagnostic, state);
    std::string hint = did_you_mean(text, symbols_of(slot.type));
    if (hint.empty() && context.defines.contains(std::string(text))) {
        hint = did_you_mean_define(context, std::string(text));
    } else if (hint.empty() && context.sets.contains(std::string(text))) {
        hint = did_you_mean_set(context, std::string(text));
    } else if (hint.empty() && is_ip(slot.type) && text.find('/') != std::string_view::npos) {
        hint = "a prefix is an address, `/` and a length";
    } else if (hint.empty() && slot.type == TypeId::Ipv4Addr &&
               text.find_first_not_of("0123456789.") == std::string_view::npos) {
        hint = "four numbers from 0 to 255: `192.0.2.1`";
    }
    diagnostic.with_hint(std::move(hint));
}

/// Where a hyphen parts a word into two values: "80-90", "10.0.0.1-10.0.0.9", "cs1-cs3". Names that have
/// hyphens themselves were tried first.
size_t find_hyphen(std::string_view text, const Slot& slot) {
    if (slot.type == TypeId::IfaceName || slot.type == TypeId::Time) {
        return std::string_view::npos;
    }
    for (size_t at = text.find('-'); at != std::string_view::npos; at = text.find('-', at + 1)) {
        auto readable = [&](std::string_view part) {
            const ScalarStatus status = read_scalar(slot.type, slot.width, part).status;
            return status != ScalarStatus::Wrong;
        };
        if (readable(text.substr(0, at)) && readable(text.substr(at + 1))) {
            return at;
        }
    }
    return std::string_view::npos;
}

bool add(Context& context, Interval interval, Span span, std::vector<Interval>& out) {
    if (!spend(context, 1, span)) {
        return false;
    }
    out.push_back(interval);
    return true;
}

} // namespace

bool spend(Context& context, size_t values, Span span) {
    if (values <= context.values_left) {
        context.values_left -= values;
        return true;
    }
    context.values_left = 0;
    if (!context.too_many_reported) {
        context.too_many_reported = true;
        context.report(Diag::TooManyElements, span, max_values, "a policy is read")
            .with_hint("name long lists in constant sets, and use each in few rules");
    }
    return false;
}

bool read_word(Context& context, std::string_view text, Span span, const Slot& slot,
               std::vector<Interval>& out, ReadState state) {
    const Scalar scalar = read_scalar(slot.type, slot.width, text);
    const bool reported = context.wrong_words.contains({span.file.value, span.begin});
    if (scalar.status != ScalarStatus::Ok && !spend(context, 1, span)) {
        return false;
    }
    switch (scalar.status) {
    case ScalarStatus::Ok:
        if (scalar.octal) {
            context.report(Diag::OctalNumber, span, text, format_value(TypeId::Integer, scalar.value.lo));
        }
        return add(context, scalar.value, span, out);
    case ScalarStatus::OtherFamily:
        if (reported) {
            return false;
        }
        if (!state.in_define && !slot.skip_other_family) {
            context.wrong_words.emplace(span.file.value, span.begin);
            report_family(context, text, span, slot, state);
            return false;
        }
        return true;
    case ScalarStatus::TooLarge:
        if (reported) {
            return false;
        }
        context.wrong_words.emplace(span.file.value, span.begin);
        note_use(context.report(Diag::ValueTooLarge, span, text.substr(0, 80), slot.width, slot.name)
                     .with_hint(largest_of(slot.width)),
                 state);
        return false;
    case ScalarStatus::Wrong:
        break;
    }
    const size_t slash = is_ip(slot.type) ? text.find('/') : std::string_view::npos;
    if (slash != std::string_view::npos) {
        return read_prefix(context, text.substr(0, slash), text.substr(slash + 1), span, slot, out, state);
    }
    const size_t hyphen = find_hyphen(text, slot);
    if (hyphen != std::string_view::npos) {
        return read_range(context, text.substr(0, hyphen), text.substr(hyphen + 1), span, slot, out, state);
    }
    if (!reported) {
        context.wrong_words.emplace(span.file.value, span.begin);
        report_wrong(context, text, span, slot, state);
    }
    return false;
}

bool read_prefix(Context& context, std::string_view address, std::string_view length, Span span,
                 const Slot& slot, std::vector<Interval>& out, ReadState state) {
    if (!is_ip(slot.type) && slot.type != TypeId::EtherAddr) {
        context.report(Diag::NoPrefix, span, slot.name);
        return false;
    }
    std::vector<Interval> base;
    if (!read_word(context, address, span, slot, base, state)) {
        return false;
    }
    if (base.empty()) {
        return true; // of the other family
    }
    const auto bits = read_number(length);
    if (!bits || *bits > slot.width) {
        note_use(context.report(Diag::PrefixLength, span, length.substr(0, 80), slot.width)
                     .with_hint(fmt::format("`/{}` is a single address", slot.width)),
                 state);
        return false;
    }
    const u128 host = max_of_width(slot.width - static_cast<unsigned>(*bits));
    const Interval prefix{base[0].lo & ~host, base[0].lo | host};
    if ((base[0].lo & host) != 0) {
        const std::string written = fmt::format("{}/{}", address, length);
        const std::string masked = format_value(slot.type, prefix.lo) + "/" + std::string(length);
        context.report(Diag::HostBits, span, written)
            .with_hint("write `" + masked + "`, or `" + std::string(address) + "` for the one address");
    }
    return add(context, prefix, span, out);
}

bool read_range(Context& context, std::string_view low, std::string_view high, Span span, const Slot& slot,
                std::vector<Interval>& out, ReadState state) {
    std::vector<Interval> first;
    std::vector<Interval> last;
    const bool read = read_word(context, low, span, slot, first, state);
    if (!read || !read_word(context, high, span, slot, last, state)) {
        return false;
    }
    if (first.empty() || last.empty()) {
        return true; // of the other family
    }
    const Interval range{first[0].lo, last[0].hi};
    if (range.lo <= range.hi) {
        return add(context, range, span, out);
    }
    if (slot.type == TypeId::Hour) { // over midnight
        return add(context, {range.lo, 86399}, span, out) && add(context, {0, range.hi}, span, out);
    }
    Diagnostic& diagnostic = context.report(Diag::ReversedRange, span, shown(context, span));
    diagnostic.with_hint(fmt::format("write `{}-{}`", high, low));
    note_use(diagnostic, state);
    return false;
}

} // namespace xdpc::checking
