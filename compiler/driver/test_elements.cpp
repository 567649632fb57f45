// `expect element`: what a live set holds after the packets sent so far.
#include "compiler/driver/test_case.h"

namespace xdpc::driver {

namespace {

constexpr uint64_t second_ns = 1'000'000'000;

std::string text_of(const LiveSet& set, const Box& box) {
    std::string text;
    for (size_t part = 0; part < box.size(); ++part) {
        text += text.empty() ? "" : " . ";
        text += format_interval(set.parts[part].type, box[part], set.parts[part].width);
    }
    return text;
}

std::string seconds(uint64_t ns) {
    return fmt::format("{}s", ns / second_ns);
}

/// "element @seen { 192.0.2.1 packets 3 expires 10s }"
std::string expected_text(const LiveSet& set, const ExpectElement& expect) {
    std::string text =
        fmt::format("{}element @{} {{ {}", expect.missing ? "no " : "", set.name, text_of(set, expect.box));
    if (expect.packets) {
        text += fmt::format(" packets {}", *expect.packets);
    }
    if (expect.expires_ns) {
        text += " expires " + seconds(*expect.expires_ns);
    }
    return text + " }";
}

std::string actual_text(const LiveSet& set, const ExpectElement& expect,
                        const std::optional<FoundElement>& found, uint64_t now_ns) {
    if (!found) {
        return "no such element";
    }
    std::string text = text_of(set, expect.box);
    if (set.has_counter) {
        text += fmt::format(" packets {}", found->count.packets);
    }
    if (found->expires_ns != 0) {
        text += " expires " + seconds(found->expires_ns - now_ns);
    }
    return fmt::format("element @{} {{ {} }}", set.name, text);
}

bool is_as_expected(const ExpectElement& expect, const std::optional<FoundElement>& found, uint64_t now_ns) {
    if (expect.missing || !found) {
        return expect.missing == !found;
    }
    if (expect.packets && found->count.packets != *expect.packets) {
        return false;
    }
    const bool expires = found->expires_ns != 0;
    return !expect.expires_ns ||
           (expires && (found->expires_ns - now_ns) / second_ns == *expect.expires_ns / second_ns);
}

/// The same element in the program's maps.
Result<std::optional<FoundElement>> ask_kernel(const CaseInput& input, const LiveSet& set, const Box& box,
                                               uint64_t now_ns) {
    std::vector<uint32_t> low, high;
    for (size_t part = 0; part < box.size(); ++part) {
        append_words(low, box[part].lo, set.parts[part].width);
        append_words(high, box[part].hi, set.parts[part].width);
    }
    const auto found = rt::find_element(*input.program, set.id.value, low, high, now_ns);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (!*found) {
        return std::nullopt;
    }
    const rt::FoundElement& element = **found;
    return FoundElement{element.expires_ns, element.value, {element.packets, element.bytes}};
}

} // namespace

std::optional<Failure> judge(const CaseInput& input, const ExpectElement& expect, Span span,
                             const State& state) {
    const LiveSet& set = input.policy.set(expect.set);
    auto found = state.sets[expect.set.value].element(set, expect.box, state.now_ns());
    Failure failure;
    failure.where = input.sources.where(span);
    if (input.engine != Engine::Reference) {
        const auto kernel = ask_kernel(input, set, expect.box, state.now_ns());
        if (!kernel) {
            failure.kind = Failure::Kind::Engine;
            failure.actual = kernel.error().message;
            return failure;
        }
        if (input.engine == Engine::Both && *kernel != found) {
            failure.kind = Failure::Kind::Disagreement;
            failure.expected = "reference engine: " + actual_text(set, expect, found, state.now_ns());
            failure.actual = "kernel engine: " + actual_text(set, expect, *kernel, state.now_ns());
            return failure;
        }
        found = *kernel;
    }
    if (is_as_expected(expect, found, state.now_ns())) {
        return std::nullopt;
    }
    failure.expected = expected_text(set, expect);
    failure.actual = actual_text(set, expect, found, state.now_ns());
    return failure;
}

} // namespace xdpc::driver
