// The steps of tests as texts.
#include "compiler/ast/print_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::ast {
namespace {

std::string text_of(const SendLayer& layer) {
    const auto header = find_header(layer.keyword.text);
    std::string out = layer.keyword.text;
    if (header && info(*header).layer == Layer::Extension) {
        out.insert(0, "exthdr ");
    }
    for (const LayerField& field : layer.fields) {
        out += " " + field.name.text;
        if (field.value) {
            out += " " + text_of(*field.value, 1);
        }
    }
    if (layer.value) {
        out += " " + text_of(*layer.value, 8);
    }
    return layer.bytes_suffix ? out + " bytes" : out;
}

} // namespace

std::string text_of(const SendStep& step) {
    std::string out = "send";
    if (step.pcap) {
        out += " pcap \"" + step.pcap->text + "\"";
    }
    for (size_t i = 0; i < step.layers.size(); ++i) {
        out += (i == 0 ? " " : " / ") + text_of(step.layers[i]);
    }
    if (step.count != 1) {
        out += fmt::format(" x{}", step.count);
    }
    if (step.iface) {
        out += " on " + name_text(step.iface->text, "");
    }
    if (step.at) {
        out += " at +" + text_of(*step.at, 8);
    }
    return out;
}

std::string text_of(const ExpectStep& step) {
    std::string out = "expect";
    for (size_t i = 0; i < step.verdicts.size(); ++i) {
        const ExpectVerdict& expected = step.verdicts[i];
        out += (i == 0 ? " " : ", ") + text_of(expected.verdict);
        if (expected.count) {
            out += fmt::format(" {}", *expected.count);
        }
        if (expected.by) {
            out += " by " + name_text(expected.by->text, "-./:<>");
        }
        if (expected.iface) {
            out += " to " + name_text(expected.iface->text, "");
        }
        for (size_t k = 0; k < expected.with.size(); ++k) {
            out += (k == 0 ? " with { " : "; ") + text_of(expected.with[k]);
        }
        out += expected.with.empty() ? "" : " }";
    }
    return out;
}

std::string text_of(const ExpectCounterStep& step) {
    std::string out = fmt::format("expect counter {} {}", name_text(step.rule.text, "-./:<>"), step.packets);
    return step.bytes ? out + fmt::format(" bytes {}", *step.bytes) : out;
}

namespace {

std::string text_of(const std::vector<GivenOption>& options) {
    std::string out;
    for (const GivenOption& option : options) {
        out += " " + option.name.text + " " + text_of(option.value, 8);
    }
    return out;
}

} // namespace

std::string text_of(const GivenIfaceStep& step) {
    return "given iface " + name_text(step.iface.text, "") + text_of(step.options);
}

std::string text_of(const GivenRouteStep& step) {
    const std::string to = step.via ? "via " + name_text(step.via->text, "") : step.kind.text;
    return "given route " + text_of(step.prefix, 8) + " " + to + text_of(step.options);
}

std::string text_of(const ExpectElementStep& step) {
    std::string out = fmt::format("expect {}element @{} {{", step.missing ? "no " : "", step.set.text);
    for (size_t i = 0; i < step.elements.size(); ++i) {
        const ExpectedElement& element = step.elements[i];
        out += (i == 0 ? " " : ", ") + text_of(element.key, 0, true);
        if (element.packets) {
            out += fmt::format(" packets {}", *element.packets);
        }
        if (element.expires) {
            out += " expires " + text_of(*element.expires, 8);
        }
    }
    return out + " }";
}

} // namespace xdpc::ast
