// Frames in which keys are absent, and those that tell whether headers exist.
#include "compiler/policy/evaluate.h"
#include "tests/harness/field_cases.h"
#include "tests/harness/recipe_text.h"

#include <fmt/format.h>

namespace xdpc::test {

namespace {

using packet::LayerSpec;

struct Oddity {
    std::string name;
    std::vector<LayerSpec> below; // of the transport header
};

/// Where no transport header is to be found, of whatever protocol.
std::vector<Oddity> without_transport() {
    const auto far = layer("dst", {{"hdrlength", 255}});
    std::vector<LayerSpec> deep{layer("ip6")};
    for (int i = 0; i < 13; ++i) {
        deep.push_back(layer("dst"));
    }
    return {
        {"later fragment", {layer("ip", {{"frag-off", 1}})}},
        {"last fragment", {layer("ip", {{"frag-off", 0x1fff}})}},
        {"middle fragment", {layer("ip", {{"frag-off", 0x2001}})}},
        {"later fragment of ip6", {layer("ip6"), layer("frag", {{"frag-off", 1}})}},
        {"second fragment header is a later one",
         {layer("ip6"), layer("frag"), layer("frag", {{"frag-off", 1}})}},
        {"third tag", {layer("vlan"), layer("vlan"), layer("vlan"), layer("ip")}},
        {"unknown ether type", {layer("ether", {{"type", 0x0801}}), layer("ip")}},
        {"version 6 in ip", {layer("ip", {{"version", 6}})}},
        {"version 4 in ip6", {layer("ip6", {{"version", 4}})}},
        {"header length 4", {layer("ip", {{"hdrlength", 4}})}},
        {"total length below the header's", {layer("ip", {{"length", 19}})}},
        {"total length beyond the frame", {layer("ip", {{"length", 2000}})}},
        {"payload length beyond the frame", {layer("ip6", {{"length", 2000}})}},
        {"header length beyond the total length", {layer("ip", {{"hdrlength", 15}, {"length", 59}})}},
        {"extension header leaves the frame", {layer("ip6"), far}},
        {"13 extension headers", deep},
        {"AH leaves the frame", {layer("ip"), layer("ah", {{"hdrlength", 255}})}},
        {"another protocol", {layer("ip", {{"protocol", 254}})}},
        {"no next header", {layer("ip6", {{"nexthdr", 59}})}},
    };
}

std::vector<packet::Frame> without_network() {
    return {
        frame_of({layer("vlan"), layer("vlan"), layer("vlan"), layer("ip"), layer("tcp")}),
        frame_of({layer("ether", {{"type", 0x0801}}), layer("ip"), layer("tcp")}),
        frame_of({layer("ether", {{"type", 0x1234}}), layer("arp")}),
    };
}

void add_for(FieldId id, std::vector<AbsentCase>& cases) {
    const KeySource key = FieldKey{id};
    const HeaderInfo& own = info(info(id).header);
    const HeaderInfo& header = own.layer == Layer::Option ? info(own.parent) : own;
    const auto push = [&](const std::string& note, packet::Frame frame) {
        cases.push_back({name_of(key) + ": " + note, key, std::move(frame)});
    };
    if (own.layer == Layer::Option) {
        push("no option", frame_of({layer(header.keyword)}));
    }
    switch (header.layer) {
    case Layer::Tag:
        push("no tag", frame_of({layer("tcp")}));
        break;
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        for (const packet::Frame& frame : without_network()) {
            push("no network header", frame);
        }
        if (header.layer != Layer::Ip) {
            push("ip", frame_of({layer("ip"), layer("udp")}));
        }
        if (header.layer != Layer::Ip6) {
            push("ip6", frame_of({layer("ip6"), layer("udp")}));
        }
        break;
    case Layer::Extension:
        push("ip", frame_of({layer("tcp")}));
        push("ip6 without it", frame_of({layer("ip6"), layer("tcp")}));
        push("wrong version",
             frame_of({layer("ip6", {{"version", 5}}), layer(header.keyword), layer("tcp")}));
        break;
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        for (const Oddity& odd : without_transport()) {
            const bool is_ah = header.guard == info(HeaderId::Ah).guard;
            const bool is_meant =
                odd.name.starts_with("AH") || odd.name.starts_with("extension") || odd.name.starts_with("13");
            if (!(is_ah && is_meant)) {
                auto layers = odd.below;
                layers.push_back(layer(header.keyword));
                layers.push_back(payload("0123456789012345678901234567890123456789"));
                push(odd.name, frame_of(layers));
            }
        }
        break;
    case Layer::Link:
    case Layer::Option:
        break;
    }
}

void exists_extensions(std::vector<ToldCase>& cases) {
    for (const char* keyword : {"hbh", "rt", "frag", "dst", "mh"}) {
        const HeaderId id = header_named(keyword);
        const auto push = [&](std::string note, std::optional<u128> value, std::vector<LayerSpec> layers) {
            cases.push_back(
                {fmt::format("{}: {}", keyword, note), ExistsKey{id}, value, frame_of(std::move(layers))});
        };
        const auto far = layer(id == HeaderId::Dst ? "hbh" : "dst", {{"hdrlength", 255}});
        push("there", 1, {layer("ip6"), layer(keyword), layer("tcp")});
        push("behind a tag", 1, {layer("vlan"), layer("ip6"), layer(keyword), layer("tcp")});
        push("not there", 0, {layer("ip6"), layer("tcp")});
        push("not there, later fragment of another kind", 0, {layer("ip6"), layer("ah"), layer("tcp")});
        push("ip", {}, {layer("ip"), layer("tcp")});
        push("walk broken before", {}, {layer("ip6"), far, layer(keyword), layer("tcp")});
        push("walk broken behind", 1, {layer("ip6"), layer(keyword), far, layer("tcp")});
        push("ip6 not sound", 1, {layer("ip6", {{"length", 3000}}), layer(keyword), layer("tcp")});
        push("third tag", {}, {layer("vlan"), layer("vlan"), layer("vlan"), layer("ip6"), layer(keyword)});
    }
}

void exists_options(std::vector<ToldCase>& cases) {
    const auto& headers = all_headers();
    for (size_t i = 0; i < headers.size(); ++i) {
        if (headers[i].layer != Layer::Option) {
            continue;
        }
        const auto id = static_cast<HeaderId>(i);
        const char* parent = info(headers[i].parent).keyword;
        const char* length = headers[i].parent == HeaderId::Tcp ? "doff" : "hdrlength";
        packet::HeaderLayer with{headers[i].parent, {}, {id}};
        const auto push = [&](const char* note, std::optional<u128> value, std::vector<LayerSpec> layers) {
            layers.push_back(payload("0123456789012345678901234567890123456789"));
            cases.push_back(
                {fmt::format("{}: {}", headers[i].keyword, note), ExistsKey{id}, value, frame_of(layers)});
        };
        push("there", 1, {with});
        push("not there", 0, {layer(parent)});
        push("header too short to tell", {}, {layer(parent, {{length, 4}})});
        push("other family or protocol", {}, {layer("ip6"), layer("udp")});
        auto too_short = with;
        too_short.fields.push_back({field_named(parent, length), 5});
        push("behind the header's end", 0, {too_short});
    }
}

} // namespace

std::vector<AbsentCase> absent_cases() {
    std::vector<AbsentCase> cases;
    for (size_t i = 0; i < all_fields().size(); ++i) {
        add_for(static_cast<FieldId>(i), cases);
    }
    return cases;
}

std::vector<ToldCase> exists_cases() {
    std::vector<ToldCase> cases;
    exists_extensions(cases);
    exists_options(cases);
    const ExistsKey ah{HeaderId::Ah};
    cases.push_back({"ah there", ah, 1, frame_of({layer("ah"), layer("tcp")})});
    cases.push_back({"ah behind ip6", ah, 1, frame_of({layer("ip6"), layer("ah"), layer("tcp")})});
    cases.push_back({"ah not there", ah, 0, frame_of({layer("tcp")})});
    cases.push_back({"ah, arp", ah, {}, frame_of({layer("arp")})});
    cases.push_back({"ah, later fragment",
                     ah,
                     {},
                     frame_of({layer("ip", {{"frag-off", 9}}), layer("ah"), layer("tcp")})});
    cases.push_back({"ip there", ExistsKey{HeaderId::Ip}, 1, frame_of({layer("tcp")})});
    cases.push_back({"ip not there", ExistsKey{HeaderId::Ip}, 0, frame_of({layer("ip6"), layer("tcp")})});
    cases.push_back({"tcp there", ExistsKey{HeaderId::Tcp}, 1, frame_of({layer("tcp")})});
    cases.push_back({"tcp, arp", ExistsKey{HeaderId::Tcp}, 0, frame_of({layer("arp")})});
    return cases;
}

std::vector<ToldCase> meta_cases() {
    std::vector<ToldCase> cases;
    const auto push = [&](const char* name, MetaId meta, std::optional<u128> value,
                          std::vector<LayerSpec> layers) {
        cases.push_back({std::string("meta ") + info(meta).name + ": " + name, MetaKey{meta}, value,
                         frame_of(std::move(layers))});
    };
    push("padded", MetaId::Length, 46, {layer("tcp")});
    push("tags count", MetaId::Length, 4 + 20 + 20 + 30,
         {layer("vlan"), layer("tcp"), payload("012345678901234567890123456789")});
    push("plain", MetaId::Protocol, 0x0800, {layer("tcp")});
    push("two tags", MetaId::Protocol, 0x86dd, {layer("vlan"), layer("vlan"), layer("ip6"), layer("tcp")});
    push("three tags", MetaId::Protocol, 0x8100, {layer("vlan"), layer("vlan"), layer("vlan"), layer("ip")});
    push("ip", MetaId::L4proto, 6, {layer("tcp")});
    push("arp", MetaId::L4proto, {}, {layer("arp")});
    push("behind AH", MetaId::L4proto, 17, {layer("ah"), layer("udp")});
    push("behind extension headers", MetaId::L4proto, 58, {layer("hbh"), layer("dst"), layer("icmpv6")});
    push("later fragment", MetaId::L4proto, 17, {layer("ip", {{"frag-off", 3}}), layer("udp")});
    push("later fragment of AH", MetaId::L4proto, {},
         {layer("ip", {{"frag-off", 3}}), layer("ah"), layer("udp")});
    push("later fragment of ip6", MetaId::L4proto, 17, {layer("frag", {{"frag-off", 3}}), layer("udp")});
    push("later fragment, dst", MetaId::L4proto, {},
         {layer("frag", {{"frag-off", 3}}), layer("dst"), layer("udp")});
    push("not sound", MetaId::L4proto, {}, {layer("ip", {{"length", 999}}), layer("udp")});
    push("walk broken", MetaId::L4proto, {}, {layer("dst", {{"hdrlength", 99}}), layer("udp")});
    push("ESP ends the walk", MetaId::L4proto, 50, {layer("ip6"), layer("hbh"), layer("esp")});
    push("none", MetaId::Fragment, 0, {layer("tcp")});
    push("do not fragment", MetaId::Fragment, 0, {layer("ip", {{"frag-off", 0x4000}}), layer("tcp")});
    push("first", MetaId::Fragment, 1, {layer("ip", {{"frag-off", 0x2000}}), layer("udp")});
    push("later", MetaId::Fragment, 2, {layer("ip", {{"frag-off", 0x2004}}), layer("udp")});
    push("ip6 none", MetaId::Fragment, 0, {layer("ip6"), layer("udp")});
    push("atomic", MetaId::Fragment, 0, {layer("frag"), layer("udp")});
    push("ip6 first", MetaId::Fragment, 1, {layer("frag", {{"more-fragments", 1}}), layer("udp")});
    push("ip6 later", MetaId::Fragment, 2, {layer("frag", {{"frag-off", 1}}), layer("udp")});
    push("ip6 broken walk", MetaId::Fragment, {}, {layer("dst", {{"hdrlength", 99}}), layer("udp")});
    push("arp", MetaId::Fragment, {}, {layer("arp")});
    push("no tag", MetaId::VlanTagged, 0, {layer("tcp")});
    push("a tag", MetaId::VlanTagged, 1, {layer("vlan"), layer("tcp")});
    push("802.1ad", MetaId::VlanTagged, 1, {layer("ether", {{"type", 0x88a8}}), layer("vlan"), layer("tcp")});
    push("sound", MetaId::Malformed, 0, {layer("tcp")});
    push("total length", MetaId::Malformed, 1, {layer("ip", {{"length", 999}}), layer("udp")});
    push("version", MetaId::Malformed, 1, {layer("ip", {{"version", 5}}), layer("udp")});
    push("data offset", MetaId::Malformed, 1, {layer("tcp", {{"doff", 4}})});
    push("data offset beyond", MetaId::Malformed, 1, {layer("tcp", {{"doff", 6}})});
    push("UDP length", MetaId::Malformed, 1, {layer("udp", {{"length", 7}})});
    push("UDP length beyond", MetaId::Malformed, 1, {layer("udp", {{"length", 9}})});
    push("UDP length 0", MetaId::Malformed, 1, {layer("udp", {{"length", 0}})});
    push("UDP length 0 behind ip6", MetaId::Malformed, 0, {layer("ip6"), layer("udp", {{"length", 0}})});
    push("broken walk", MetaId::Malformed, 1, {layer("dst", {{"hdrlength", 99}}), layer("udp")});
    push("three whole tags", MetaId::Malformed, 0,
         {layer("vlan"), layer("vlan"), layer("vlan"), layer("ip")});
    push("later fragment", MetaId::Malformed, 0, {layer("ip", {{"frag-off", 9}}), payload("x")});
    return cases;
}

} // namespace xdpc::test
