// `route`, and the interfaces and routes that tests are given.
#include "compiler/policy/check_context.h"

#include <algorithm>
#include <bit>

namespace xdpc::checking {

namespace {

using packet::GivenInterface;
using packet::GivenRoute;

/// The number of a routing table: of those that the kernel keeps for itself only `main`.
std::optional<uint32_t> read_table(Context& context, const ast::Value& value) {
    const auto* word = std::get_if<ast::Word>(&value.node);
    if (word != nullptr && word->text == "main") {
        return packet::main_table;
    }
    const auto number = read_single(context, value, {TypeId::Integer, 32, "table", false});
    constexpr uint32_t local = 255, fallback = 253; // the kernel's own
    if (number && (*number == 0 || *number == local || *number == fallback)) {
        context
            .report(Diag::NumberOutOfRange, value.span, "table", static_cast<uint64_t>(*number), 1,
                    UINT32_MAX)
            .with_hint("253 and 255 are the kernel's own, 254 is `main`");
        return {};
    }
    return number ? std::optional(static_cast<uint32_t>(*number)) : std::nullopt;
}

std::optional<uint64_t> read_ether(Context& context, const ast::Value& value) {
    const KeySource key = FieldKey{FieldId::EtherDaddr};
    const auto number = read_single(context, value, {type_of(key), width_of(key), "ether", false});
    return number ? std::optional(static_cast<uint64_t>(*number)) : std::nullopt;
}

/// Each of the options once, and none but those; false after an error was reported.
bool knows_options(Context& context, const std::vector<ast::GivenOption>& options,
                   const std::vector<std::string>& known, const std::string& of) {
    bool fine = true;
    for (const ast::GivenOption& option : options) {
        const auto same = [&](const ast::GivenOption& other) { return other.name.text == option.name.text; };
        if (std::find(known.begin(), known.end(), option.name.text) == known.end()) {
            context.report(Diag::UnknownOption, option.name.span, "option of `given " + of + "`",
                           option.name.text);
            fine = false;
        } else if (&*std::find_if(options.begin(), options.end(), same) != &option) {
            context.report(Diag::GivenTwice, option.name.span, option.name.text);
            fine = false;
        }
    }
    return fine;
}

const ast::Value* find(const std::vector<ast::GivenOption>& options, std::string_view name) {
    const auto found = std::find_if(options.begin(), options.end(),
                                    [&](const ast::GivenOption& option) { return option.name.text == name; });
    return found == options.end() ? nullptr : &found->value;
}

size_t place_of(packet::Network& network, const std::string& name) {
    std::vector<GivenInterface>& all = network.interfaces;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const GivenInterface& iface) { return iface.name == name; });
    const auto place = static_cast<size_t>(found - all.begin());
    if (found == all.end()) {
        all.push_back({name});
    }
    return place;
}

/// Sets family, address and length of one prefix; false after an error was reported.
bool read_prefix(Context& context, const ast::Value& value, GivenRoute& route) {
    std::vector<Interval> found;
    for (const FieldId field : {FieldId::IpDaddr, FieldId::Ip6Daddr}) { // each skips the other's
        const KeySource key = FieldKey{field};
        std::vector<Interval> read;
        if (!read_slot(context, value, {type_of(key), width_of(key), "given route", true}, read)) {
            return false;
        }
        route.ip6 = field == FieldId::Ip6Daddr ? !read.empty() : route.ip6;
        found.insert(found.end(), read.begin(), read.end());
    }
    const u128 more = found.size() == 1 ? found[0].hi - found[0].lo : 0;
    const bool is_prefix = found.size() == 1 && (more & (more + 1)) == 0 && (found[0].lo & more) == 0;
    if (!is_prefix) {
        context.report(Diag::WrongBytes, value.span, shown(context, value.span), "one address or prefix");
        return false;
    }
    const int rest =
        std::popcount(static_cast<uint64_t>(more >> 64)) + std::popcount(static_cast<uint64_t>(more));
    route.address = found[0].lo;
    route.length = static_cast<uint8_t>((route.ip6 ? 128 : 32) - rest);
    return true;
}

GivenRoute::Kind kind_of(const std::string& name) {
    return name == "local"         ? GivenRoute::Kind::Local
           : name == "blackhole"   ? GivenRoute::Kind::Blackhole
           : name == "unreachable" ? GivenRoute::Kind::Unreachable
           : name == "prohibit"    ? GivenRoute::Kind::Prohibit
                                   : GivenRoute::Kind::Via;
}

constexpr uint32_t least_mtu = 68, least_mtu6 = 1280, most_mtu = 65535;

void report_mtu(Context& context, Span span, uint64_t mtu, uint32_t least, const char* hint) {
    context.report(Diag::NumberOutOfRange, span, "mtu", mtu, least, most_mtu).with_hint(hint);
}

constexpr const char* hint6 = "IPv6 routes lead through interfaces with an mtu of 1280 and more";

} // namespace

bool check_interface_name(Context& context, const ast::Name& name) {
    constexpr size_t most = 15; // bytes
    const std::string& text = name.text;
    const bool odd = text.empty() || text.size() > most || text.find_first_of("/* \t") != std::string::npos;
    if (odd) {
        context.report(Diag::NoInterfaceName, name.span, text);
    }
    return !odd;
}

bool read_route(Context& context, const ast::RouteStatement& route, Span span, Rule& rule) {
    RouteStatement statement{{}, span};
    if (route.table) {
        statement.table = read_table(context, *route.table);
        if (!statement.table) {
            return false;
        }
    }
    rule.statements.emplace_back(statement);
    return true;
}

void read_given(Context& context, const ast::GivenIfaceStep& step, packet::Network& network) {
    if (!check_interface_name(context, step.iface) ||
        !knows_options(context, step.options, {"ether", "mtu"}, "iface")) {
        return;
    }
    const size_t before = network.interfaces.size();
    const size_t place = place_of(network, step.iface.text);
    if (place != before) {
        context.report(Diag::DuplicateName, step.iface.span, "interface", step.iface.text)
            .with_hint("`given iface` stands once, before the routes through it");
        return;
    }
    GivenInterface& iface = network.interfaces[place];
    if (const ast::Value* ether = find(step.options, "ether")) {
        iface.ether = read_ether(context, *ether).value_or(iface.ether);
    }
    if (const ast::Value* mtu = find(step.options, "mtu")) {
        const auto number = read_single(context, *mtu, {TypeId::Integer, 32, "mtu", false});
        if (number && (*number < least_mtu || *number > most_mtu)) {
            report_mtu(context, mtu->span, static_cast<uint64_t>(*number), least_mtu, "");
        } else if (number) {
            iface.mtu = static_cast<uint32_t>(*number);
        }
    }
}

void read_given(Context& context, const ast::GivenRouteStep& step, Span span, packet::Network& network) {
    GivenRoute route;
    const bool via = step.via.has_value();
    const std::string of = via ? "route … via" : "route … " + step.kind.text;
    if ((via && !check_interface_name(context, *step.via)) || !read_prefix(context, step.prefix, route) ||
        !knows_options(context, step.options,
                       via ? std::vector<std::string>{"ether", "table"} : std::vector<std::string>{"table"},
                       of)) {
        return;
    }
    route.kind = kind_of(step.kind.text);
    if (const ast::Value* table = find(step.options, "table")) {
        const auto number = read_table(context, *table);
        if (!number) {
            return;
        }
        route.table = *number;
    }
    if (const ast::Value* ether = find(step.options, "ether")) {
        route.ether = read_ether(context, *ether);
    }
    const bool there =
        std::any_of(network.routes.begin(), network.routes.end(), [&](const GivenRoute& other) {
            return other.ip6 == route.ip6 && other.address == route.address && other.length == route.length &&
                   other.table == route.table;
        });
    if (there) {
        context.report(Diag::DuplicateName, span, "route", shown(context, step.prefix.span));
        return;
    }
    if (via) {
        route.iface = place_of(network, step.via->text);
        const uint32_t mtu = network.interfaces[route.iface].mtu;
        if (route.ip6 && mtu < least_mtu6) {
            report_mtu(context, step.via->span, mtu, least_mtu6, hint6);
            return;
        }
    }
    network.routes.push_back(route);
}

} // namespace xdpc::checking
