#include "compiler/base/overloaded.h"
#include "compiler/policy/evaluate_keys.h"
#include "compiler/policy/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace xdpc {

namespace {

using packet::FragmentKind;
using packet::ParsedPacket;
using packet::Walk;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string ends_at(const ParsedPacket& p) {
    return fmt::format("packet ends at byte {}", p.frame.size());
}

std::string found_protocol(const ParsedPacket& p) {
    return p.protocol ? fmt::format("protocol is {}", format_value(TypeId::InetProto, *p.protocol))
                      : std::string("protocol is unknown");
}

/// Why no network header that `wanted` (nothing: any) names is reached.
std::string no_network(std::string_view wanted, const ParsedPacket& p) {
    if (p.third_tag) {
        return "behind a third VLAN tag";
    }
    if (!p.inner_ethertype) {
        return ends_at(p);
    }
    return fmt::format("no {} header (ether type is {})", wanted,
                       format_value(TypeId::EtherType, *p.inner_ethertype));
}

/// Why there is no transport header of any kind; "" if there is one.
std::string no_transport(const ParsedPacket& p) {
    if (!p.at(HeaderId::Ip) && !p.at(HeaderId::Ip6)) {
        return no_network("IP", p);
    }
    if (!p.sound) {
        return p.at(HeaderId::Ip) ? "IPv4 header is cut or contradicts the packet's length"
                                  : "IPv6 header is cut or contradicts the packet's length";
    }
    if (p.fragment == FragmentKind::Later) {
        return "later fragment";
    }
    if (p.walk == Walk::Broken) {
        return "extension headers do not end within the packet";
    }
    return {};
}

std::string no_transport_header(HeaderId id, const ParsedPacket& p) {
    const std::string none = no_transport(p);
    if (!none.empty()) {
        return none;
    }
    const HeaderInfo& header = info(id);
    if (id == HeaderId::Ah) {
        return "no AH";
    }
    if (header.layer == Layer::Transport4 && !p.at(HeaderId::Ip)) {
        return "no IPv4 header";
    }
    if (header.layer == Layer::Transport6 && !p.at(HeaderId::Ip6)) {
        return "no IPv6 header";
    }
    if (header.layer == Layer::AnyTransport) {
        return fmt::format("no ports ({})", found_protocol(p));
    }
    return fmt::format("not {} ({})", upper(header.keyword), found_protocol(p));
}

std::string no_extension(HeaderId id, const ParsedPacket& p) {
    if (!p.at(HeaderId::Ip6)) {
        return no_network("IPv6", p);
    }
    if (p.walk == Walk::None) {
        return "IPv6 header is cut or has a wrong version";
    }
    return p.walk == Walk::Broken ? "extension headers do not end within the packet"
                                  : fmt::format("no {} header", info(id).keyword);
}

std::string no_header(HeaderId id, const ParsedPacket& p);

std::string no_option(HeaderId id, const ParsedPacket& p) {
    const HeaderInfo& option = info(id);
    if (!p.at(option.parent)) {
        return no_header(option.parent, p);
    }
    const bool walked = option.parent == HeaderId::Tcp ? p.tcp_options.has_value() : p.ip_options.has_value();
    return walked ? fmt::format("no `{}`", option.keyword)
                  : fmt::format("options of {} cannot be read", info(option.parent).keyword);
}

/// Why a header is not reached.
std::string no_header(HeaderId id, const ParsedPacket& p) {
    switch (info(id).layer) {
    case Layer::Link:
        return ends_at(p);
    case Layer::Tag:
        return p.has_bytes(12, 2) ? (id == HeaderId::Vlan ? "no VLAN tag" : "no second VLAN tag")
                                  : ends_at(p);
    case Layer::Arp:
        return no_network("ARP", p);
    case Layer::Ip:
        return no_network("IPv4", p);
    case Layer::Ip6:
        return no_network("IPv6", p);
    case Layer::Extension:
        return no_extension(id, p);
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        return no_transport_header(id, p);
    case Layer::Option:
        return no_option(id, p);
    }
    return {};
}

std::string absence_of_field(FieldId id, const ParsedPacket& p) {
    const FieldInfo& field = info(id);
    const auto& extent = p.at(field.header);
    if (!extent) {
        return no_header(field.header, p);
    }
    const bool beyond_option = (field.bit_offset + field.bit_width + 7U) / 8 > extent->end - extent->begin;
    return beyond_option ? fmt::format("`{}` is too short", info(field.header).keyword) : ends_at(p);
}

std::string absence_of_raw(const RawKey& key, const ParsedPacket& p) {
    switch (key.base) {
    case RawBase::Ll:
        break;
    case RawBase::Nh:
        return p.network ? ends_at(p) : no_network("network", p);
    case RawBase::Th:
        return p.transport ? ends_at(p) : no_transport(p);
    case RawBase::Ih: {
        const std::string none = no_transport(p);
        return !none.empty() ? none : p.inner ? ends_at(p) : "nothing known behind the transport header";
    }
    }
    return ends_at(p);
}

std::string absence_of_meta(const MetaKey& key, const ParsedPacket& p) {
    if (key.meta == MetaId::L4proto) {
        const std::string none = no_transport(p);
        return none.empty() ? "protocol is unknown" : none;
    }
    if (key.meta == MetaId::Fragment) {
        const bool is_ip = p.at(HeaderId::Ip) || p.at(HeaderId::Ip6);
        return is_ip ? "IP header or extension headers are cut" : no_network("IP", p);
    }
    return ends_at(p);
}

std::string shown(const Key& key, const Subject& subject) {
    const auto value = read_key(key.source, subject);
    return value ? format_value(type_of(key.source), *value) : "absent: " + absence_of(key.source, subject);
}

void explain_keys(const std::vector<Key>& keys, const Subject& subject, TraceStep& step) {
    for (const Key& key : keys) { // a single absent one explains all
        if (!read_key(key.source, subject)) {
            step.field = name_of(key.source);
            step.value = shown(key, subject);
            return;
        }
    }
    for (const Key& key : keys) {
        step.field += (step.field.empty() ? "" : " . ") + name_of(key.source);
        step.value += (step.value.empty() ? "" : " . ") + shown(key, subject);
    }
}

/// Explaining asks again what was asked already.
Subject without_effects(const Subject& subject) {
    Subject quiet = subject;
    quiet.effects = nullptr;
    return quiet;
}

/// "@blocklist, which has no such element"
std::string wanted_of(const SetTest& test, const Subject& subject) {
    const std::string name = "@" + subject.policy->set(test.set).name;
    if (!read_tuple(test.keys, subject)) {
        return (test.negated ? "!= " : "") + name;
    }
    return test.negated ? "!= " + name + ", which has this element" : name + ", which has no such element";
}

void explain_any(const AnyOf& any, const Subject& subject, TraceStep& step) {
    std::optional<TraceStep> best;
    for (const Condition& part : any.parts) {
        TraceStep candidate = step;
        explain(part, subject, candidate);
        const bool tells_more = !candidate.value.starts_with("absent");
        if (!best || (tells_more && best->value.starts_with("absent"))) {
            best = std::move(candidate);
        }
    }
    if (best) {
        step = std::move(*best);
    } else {
        step.value = "matches nothing";
    }
}

} // namespace

std::string absence_of(const KeySource& key, const Subject& subject) {
    const ParsedPacket& p = subject.parsed;
    return std::visit(Overloaded{
                          [&](const FieldKey& k) { return absence_of_field(k.field, p); },
                          [&](const RawKey& k) { return absence_of_raw(k, p); },
                          [&](const ExistsKey& k) { return no_header(k.header, p); },
                          [&](const MetaKey& k) { return absence_of_meta(k, p); },
                      },
                      key);
}

void explain(const Condition& condition, const Subject& asked, TraceStep& step) {
    const Subject subject = without_effects(asked);
    step.span = condition.span;
    std::visit(Overloaded{
                   [&](const Test& test) {
                       step.span = test.span;
                       step.wanted = test.wanted;
                       explain_keys(test.keys, subject, step);
                   },
                   [&](const SetTest& test) {
                       step.span = test.span;
                       step.wanted = wanted_of(test, subject);
                       explain_keys(test.keys, subject, step);
                   },
                   [&](const AllOf& all) {
                       for (const Condition& part : all.parts) {
                           if (!holds(part, subject)) {
                               explain(part, subject, step);
                               return;
                           }
                       }
                   },
                   [&](const AnyOf& any) { explain_any(any, subject, step); },
                   [&](const NotOf&) {
                       step.field = "not ( … )";
                       step.value = "what is in the group matches";
                       step.wanted = "no match";
                   },
               },
               condition.node);
}

void explain(const VmapStatement& vmap, const Subject& subject, TraceStep& step) {
    step.span = vmap.span;
    step.wanted = "a key of the verdict map";
    explain_keys(vmap.keys, subject, step);
}

void explain(const LiveVmapStatement& vmap, const Subject& subject, TraceStep& step) {
    step.span = vmap.span;
    step.wanted = "an element of @" + subject.policy->set(vmap.map).name;
    explain_keys(vmap.keys, subject, step);
}

void explain(const UpdateSetStatement& update, const Subject& subject, TraceStep& step) {
    step.span = update.span;
    step.wanted = "room in @" + subject.policy->set(update.set).name + ", which is full";
    explain_keys(update.keys, subject, step);
}

void explain(const RewriteStatement& rewrite, const Subject& subject, TraceStep& step) {
    step.span = rewrite.span;
    step.wanted = "what the statement needs";
    if (!read_tuple(rewrite.keys, subject)) {
        explain_keys(rewrite.keys, subject, step);
        return;
    }
    if (rewrite.map && !rewrite.map->otherwise) {
        explain_keys(rewrite.keys, subject, step);
        step.wanted = (rewrite.map->live ? "an element of @" + subject.policy->set(*rewrite.map->live).name
                                         : "an entry of the map") +
                      ", and what the statement needs";
        return;
    }
    const auto* set = std::get_if<packet::SetField>(&rewrite.what);
    if (set == nullptr) {
        step.field = packet::text_of(rewrite.what, "");
        step.value = "not a packet for it";
        return;
    }
    const KeySource field = FieldKey{set->field};
    step.field = name_of(field);
    step.value = read_key(field, subject) ? "cut: its header is not all there"
                                          : "absent: " + absence_of(field, subject);
}

void explain(const RouteStatement& route, const Subject& subject, TraceStep& step) {
    step.span = route.span;
    step.field = "route";
    step.wanted = "an IP packet that does not contradict itself";
    const bool ip =
        subject.parsed.network && (subject.parsed.at(HeaderId::Ip) || subject.parsed.at(HeaderId::Ip6));
    step.value = ip ? "a malformed one" : "absent: not IP";
}

void explain(const PickStatement& pick, const Subject& subject, TraceStep& step) {
    step.span = pick.span;
    step.wanted = pick.live ? "an element of @" + subject.policy->set(*pick.live).name : "a key of the map";
    explain_keys(pick.keys, subject, step);
}

void explain(const LimitStatement& statement, const Policy& policy, const Subject& subject, TraceStep& step) {
    const Limit& limit = policy.limit(statement.limit);
    const auto key = read_tuple(limit.keys, subject);
    step.span = statement.span;
    if (!key) {
        step.wanted = "a key of the limit";
        explain_keys(limit.keys, subject, step);
        return;
    }
    std::string of;
    for (size_t i = 0; i < key->size(); ++i) {
        of += (i == 0 ? " of " : " . ") + format_value(type_of(limit.keys[i].source), (*key)[i]);
    }
    const LimitState& state = subject.state.meters.limits[limit.id.value];
    step.field = fmt::format("limit {}{}", limit.display, of);
    if (state.buckets && state.buckets->find(*key) == nullptr) {
        step.value = fmt::format("unknown: all {} places are taken", limit.size);
        step.wanted = "room for another key";
        return;
    }
    const uint64_t left = tokens_left(limit, state, *key, subject.state.now_ns());
    step.value = fmt::format("{} {}, {} left", statement.over ? "within" : "beyond", rate_text(limit),
                             limit.bytes ? bytes_text(left) : fmt::format("{} of {}", left, limit.burst));
    step.wanted = statement.over ? "beyond it" : "within it";
}

void explain(const QuotaStatement& statement, const Policy& policy, const Subject& subject, TraceStep& step) {
    const Quota& quota = policy.quota(statement.quota);
    step.span = statement.span;
    step.field = "quota " + quota.display;
    step.value = fmt::format("{} used of {}", bytes_text(subject.state.meters.used[quota.id.value]),
                             bytes_text(quota.bytes));
    step.wanted = statement.over ? "more" : "no more";
}

} // namespace xdpc
