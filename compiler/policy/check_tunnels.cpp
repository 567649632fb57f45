// `encap` and `decap`.
#include "compiler/fields/tunnels.h"
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

std::optional<Tunnel> read_kind(Context& context, const ast::Name& kind) {
    const auto found = tunnel_named(kind.text);
    if (!found) {
        const std::vector<std::string> names = tunnel_names();
        const std::string near = did_you_mean(kind.text, names);
        context.report(Diag::UnknownOption, kind.span, "kind of tunnel", kind.text)
            .with_hint(near.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : near);
    }
    return found;
}

/// A number of an option within its bounds.
std::optional<u128> read_number(Context& context, const ast::Value& value, const std::string& name,
                                unsigned bits, u128 least, u128 most) {
    const TypeId type = name == "port"   ? TypeId::InetService
                        : name == "dscp" ? TypeId::Dscp
                                         : TypeId::Integer;
    const auto number = read_single(context, value, {type, static_cast<uint16_t>(bits), name, false});
    if (number && (*number < least || *number > most)) {
        context.report(Diag::NumberOutOfRange, value.span, name, static_cast<uint64_t>(*number),
                       static_cast<uint64_t>(least), static_cast<uint64_t>(most));
        return {};
    }
    return number;
}

class EncapReader {
public:
    EncapReader(Context& context, const ast::EncapStatement& encap, Span span)
        : context_(context), encap_(encap), span_(span) {}

    std::optional<packet::Encap> read() {
        const auto kind = read_kind(context_, encap_.kind);
        if (!kind) {
            return {};
        }
        row_ = &row_of(*kind);
        out_.kind = *kind;
        out_.outer6 = row_->outer6;
        out_.port = row_->port;
        bool fine = knows_options();
        if (row_->by_address) { // first of all, since it says what the others are
            const ast::TunnelOption* from = find("from");
            out_.outer6 = from != nullptr && has_ip6(from->value);
        }
        for (const ast::TunnelOption& option : encap_.options) {
            fine = read_option(option) && fine;
        }
        for (const char* needed : {"from", "to", "vni"}) {
            const bool asked = std::string_view(needed) != "vni" || out_.kind == Tunnel::Vxlan;
            if (asked && find(needed) == nullptr) {
                context_.report(Diag::EncapIncomplete, span_, encap_.kind.text, needed)
                    .with_hint(fmt::format("for example `encap {} {}from 192.0.2.1 to 192.0.2.2`",
                                           encap_.kind.text, out_.kind == Tunnel::Vxlan ? "vni 7 " : ""));
                fine = false;
            }
        }
        return fine ? std::optional(out_) : std::nullopt;
    }

private:
    const ast::TunnelOption* find(std::string_view name) const {
        const auto found = std::find_if(encap_.options.begin(), encap_.options.end(),
                                        [&](const ast::TunnelOption& o) { return o.name.text == name; });
        return found == encap_.options.end() ? nullptr : &*found;
    }

    bool has_ip6(const ast::Value& value) {
        const KeySource key = FieldKey{FieldId::Ip6Saddr};
        std::vector<Interval> read;
        return read_slot(context_, value, {type_of(key), width_of(key), "encap from", true}, read) &&
               !read.empty();
    }

    /// None is given twice, or has no meaning for the kind.
    bool knows_options() {
        bool fine = true;
        for (const ast::TunnelOption& option : encap_.options) {
            const std::string& name = option.name.text;
            const bool other =
                (name == "vni" && out_.kind != Tunnel::Vxlan) || (name == "port" && row_->port == 0);
            if (other) {
                context_.report(Diag::UnknownOption, option.name.span,
                                "option of `encap " + encap_.kind.text + "`", name);
                fine = false;
            } else if (find(name) != &option) {
                context_.report(Diag::GivenTwice, option.name.span, name);
                fine = false;
            } else if (!option.too_large.text.empty() && name != "mtu") {
                context_
                    .report(Diag::UnknownOption, option.too_large.span, "option of `" + name + "`",
                            option.too_large.text)
                    .with_hint("`drop` and `reject` stand behind `mtu`");
                fine = false;
            }
        }
        return fine;
    }

    bool read_option(const ast::TunnelOption& option) {
        const std::string& name = option.name.text;
        const auto number = [&](auto& field, unsigned bits, u128 least, u128 most) {
            const auto value = read_number(context_, option.value, name, bits, least, most);
            if (value) {
                field = static_cast<uint32_t>(*value);
            }
            return value.has_value();
        };
        if (name == "from" || name == "to") {
            const FieldId field = out_.outer6 ? FieldId::Ip6Saddr : FieldId::IpSaddr;
            const KeySource key = FieldKey{field};
            const auto value =
                read_single(context_, option.value, {type_of(key), width_of(key), "encap " + name, false});
            (name == "from" ? out_.from : out_.to) = value.value_or(0);
            return value.has_value();
        }
        if (name == "ttl") {
            return number(out_.ttl, 8, 1, 255);
        }
        if (name == "dscp") {
            return number(out_.dscp.emplace(), 6, 0, 63);
        }
        if (name == "port") {
            return number(out_.port, 16, 1, 65535);
        }
        if (name == "vni") {
            return number(out_.vni, 24, 0, 0xffffff);
        }
        out_.answers = option.too_large.text == "reject";
        return number(out_.mtu, 16, out_.outer6 ? 1280 : 576, 65535);
    }

    Context& context_;
    const ast::EncapStatement& encap_;
    Span span_;
    const TunnelRow* row_ = nullptr;
    packet::Encap out_;
};

/// `vni` of VXLAN, `port` of VXLAN and GUE.
bool read_decap_option(Context& context, const ast::DecapStatement& decap, const ast::TunnelOption& option,
                       packet::Decap& what) {
    const std::string& name = option.name.text;
    const bool gue = what.kind == Tunnel::Gue;
    if (what.kind != Tunnel::Vxlan && !(gue && name == "port")) {
        const std::string of = decap.kind.text.empty() ? "decap" : "decap " + decap.kind.text;
        context.report(Diag::UnknownOption, option.name.span, "option of `" + of + "`", name)
            .with_hint("`decap vxlan` takes `vni` and `port`, `decap gue` a `port`");
        return false;
    }
    const bool port = name == "port";
    const auto number =
        read_number(context, option.value, name, port ? 16 : 24, port ? 1 : 0, port ? 65535 : 0xffffff);
    if (!number) {
        return false;
    }
    if (!port) {
        what.vni = static_cast<uint32_t>(*number);
    } else {
        (gue ? what.gue_port : what.vxlan_port) = static_cast<uint16_t>(*number);
    }
    return true;
}

} // namespace

bool read_encap(Context& context, const ast::EncapStatement& encap, Span span, Rule& rule) {
    auto what = EncapReader(context, encap, span).read();
    if (!what) {
        return false;
    }
    rule.statements.emplace_back(RewriteStatement{std::move(*what), {}, span});
    return true;
}

bool read_decap(Context& context, const ast::DecapStatement& decap, Span span, Rule& rule) {
    packet::Decap what;
    if (!decap.kind.text.empty()) {
        what.kind = read_kind(context, decap.kind);
        if (!what.kind) {
            return false;
        }
    }
    for (const ast::TunnelOption& option : decap.options) {
        if (!read_decap_option(context, decap, option, what)) {
            return false;
        }
    }
    rule.statements.emplace_back(RewriteStatement{what, {}, span});
    return true;
}

} // namespace xdpc::checking
