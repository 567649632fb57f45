#include "tests/harness/field_cases.h"

#include "compiler/packet/parse_packet.h"
#include "tests/harness/recipe_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::test {

namespace {

using packet::HeaderLayer;
using packet::LayerSpec;

/// Some layers and their name.
struct Stack {
    std::string name;
    std::vector<LayerSpec> layers;
};

std::vector<LayerSpec> operator+(std::vector<LayerSpec> a, const std::vector<LayerSpec>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

std::vector<LayerSpec> tags(unsigned count) {
    std::vector<LayerSpec> layers{layer("ether")};
    if (count == 2) {
        layers = {layer("ether", {{"type", 0x88a8}})};
    }
    for (unsigned i = 0; i < count; ++i) {
        layers.push_back(layer("vlan", {{"id", 100 + i}}));
    }
    return layers;
}

/// What a transport header can stand behind.
std::vector<Stack> networks(Layer layer_kind) {
    const std::vector<Stack> four = {
        {"ip", {layer("ip")}},
        {"ip with options", {layer("ip", {{"option rr addr", 1}}, {"ra"})}},
        {"first fragment", {layer("ip", {{"frag-off", 0x2000}})}},
        {"ip / ah", {layer("ip"), layer("ah")}},
    };
    const std::vector<Stack> six = {
        {"ip6", {layer("ip6")}},
        {"ip6 / hbh", {layer("ip6"), layer("hbh")}},
        {"ip6 / rt", {layer("ip6"), layer("rt")}},
        {"ip6 / dst", {layer("ip6"), layer("dst")}},
        {"ip6 / mh", {layer("ip6"), layer("mh")}},
        {"ip6 / ah", {layer("ip6"), layer("ah")}},
        {"ip6 / frag", {layer("ip6"), layer("frag", {{"more-fragments", 1}})}},
        {"atomic fragment", {layer("ip6"), layer("frag")}},
        {"ip6 / hbh / dst / rt / frag / ah / dst",
         {layer("ip6"), layer("hbh"), layer("dst"), layer("rt"), layer("frag"), layer("ah"), layer("dst")}},
    };
    std::vector<Stack> all;
    if (layer_kind != Layer::Transport6) {
        all.insert(all.end(), four.begin(), four.end());
    }
    if (layer_kind != Layer::Transport4) {
        all.insert(all.end(), six.begin(), six.end());
    }
    return all;
}

/// Fields whose value the builder makes and the rest of the packet depends on.
bool is_computed(FieldId id) {
    const FieldInfo& field = info(id);
    const std::string_view name = field.name;
    constexpr std::string_view names[] = {"version", "hdrlength", "length", "protocol", "nexthdr",
                                          "doff",    "checksum",  "type",   "kind",     "csumcov"};
    const bool has_name = std::find(std::begin(names), std::end(names), name) != std::end(names);
    // `type` of an option or of what follows a header is computed, that of a message is not
    const bool is_message_type =
        name == "type" && field.type != TypeId::EtherType && field.type != TypeId::Integer;
    return has_name && !is_message_type;
}

/// A value with ones and zeros that has neighbours on both sides.
u128 pattern(const FieldInfo& field) {
    constexpr u128 bits = u128{0x0b4c5d6e7f812345} << 64 | 0x9abcdef013572468;
    const u128 value = bits & max_of_width(field.bit_width);
    return value == 0 ? 1 : value;
}

HeaderId header_of(FieldId id) {
    const HeaderInfo& header = info(info(id).header);
    return header.layer == Layer::Option ? header.parent : info(id).header;
}

LayerSpec layer_with(HeaderId header, FieldId id, u128 value) {
    HeaderLayer result{header, {}, {}};
    const HeaderId own = info(id).header;
    if (info(own).layer == Layer::Option) {
        result.options.push_back(own);
    }
    if (!is_computed(id)) {
        result.fields.push_back({id, value});
    }
    return result;
}

/// Where the IP packet ends by its own length field.
size_t end_of_ip(const packet::Frame& frame, size_t network, bool is_ip6) {
    const size_t at = network + (is_ip6 ? 4 : 2);
    return network + (is_ip6 ? 40 : 0) + (size_t{frame[at]} << 8 | frame[at + 1]);
}

size_t end_byte(const FieldInfo& field) {
    return (field.bit_offset + field.bit_width + 7U) / 8;
}

/// How many bytes the frame must have for the field to be present, from what README.md requires.
size_t needed_bytes(FieldId id, const packet::Frame& frame, unsigned tag_count) {
    const FieldInfo& field = info(id);
    const size_t network = 14 + size_t{tag_count} * 4;
    switch (info(field.header).layer) {
    case Layer::Link:
        return end_byte(field);
    case Layer::Tag:
        return 12 + size_t{info(field.header).guard} * 4 + end_byte(field);
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return network + end_byte(field);
    case Layer::Extension:
        return network + 40 + 8;
    case Layer::Option:
        if (info(field.header).parent == HeaderId::Ip) {
            return network + (frame[network] & 15U) * 4;
        }
        break;
    default:
        break;
    }
    return end_of_ip(frame, network, frame[network] >> 4 == 6);
}

class Cases {
public:
    std::vector<FieldCase> run() {
        for (size_t i = 0; i < all_fields().size(); ++i) {
            const auto id = static_cast<FieldId>(i);
            for (unsigned count = 0; count <= 2; ++count) {
                add(id, count);
            }
        }
        return std::move(cases_);
    }

private:
    void add(FieldId id, unsigned count) {
        const HeaderId header = header_of(id);
        const FieldInfo& field = info(id);
        const LayerSpec wanted = layer_with(header, id, pattern(field));
        switch (info(header).layer) {
        case Layer::Link:
            add_link(id, count);
            break;
        case Layer::Tag:
            add_tag(id, count);
            break;
        case Layer::Arp:
            push(id, "", tags(count) + std::vector{wanted}, 14 + size_t{count} * 4, count);
            break;
        case Layer::Ip:
        case Layer::Ip6:
            push(id, "", tags(count) + std::vector{wanted, payload("0123456789abcdef")},
                 14 + size_t{count} * 4, count);
            break;
        case Layer::Extension:
            push(id, "", tags(count) + std::vector{layer("ip6"), wanted, layer("tcp")},
                 54 + size_t{count} * 4, count);
            break;
        case Layer::AnyTransport:
            for (const char* keyword : {"tcp", "udp", "udplite", "sctp", "dccp"}) {
                const FieldId same = field_named(keyword, field.name);
                add_transport(id, layer_with(header_named(keyword), same, pattern(field)), keyword, count);
            }
            break;
        case Layer::Transport4:
        case Layer::Transport6:
        case Layer::Transport:
            add_transport(id, wanted, "", count);
            break;
        case Layer::Option:
            break;
        }
    }

    void add_link(FieldId id, unsigned count) {
        std::vector<LayerSpec> layers = tags(count);
        auto& ether = std::get<HeaderLayer>(layers[0]);
        if (!is_computed(id)) {
            ether.fields.push_back({id, pattern(info(id))});
        }
        push(id, "", layers + std::vector{layer("tcp")}, 0, count);
    }

    void add_tag(FieldId id, unsigned count) {
        const unsigned index = info(info(id).header).guard;
        if (count <= index) {
            return;
        }
        std::vector<LayerSpec> layers = tags(count);
        layers[1 + index] = layer_with(info(id).header, id, pattern(info(id)));
        push(id, "", layers + std::vector{layer("tcp")}, 12 + size_t{index} * 4, count);
    }

    void add_transport(FieldId id, const LayerSpec& wanted, const std::string& note, unsigned count) {
        for (const Stack& network : networks(info(header_of(id)).layer)) {
            const bool is_ah = header_of(id) == HeaderId::Ah;
            if (is_ah && network.name.find("ah") != std::string::npos) {
                continue; // the first one counts
            }
            auto layers = tags(count) + network.layers;
            const size_t base = packet::build({layers, {}, true}).size(); // raw: no padding
            layers.push_back(wanted);
            if (is_ah) {
                layers.push_back(layer("tcp"));
            }
            layers.push_back(payload("0123456789"));
            push(id, note + (note.empty() ? "" : " ") + "behind " + network.name, layers, base, count);
        }
    }

    /// `base` is where the header begins.
    void push(FieldId id, const std::string& note, const std::vector<LayerSpec>& layers, size_t base,
              unsigned count) {
        const FieldInfo& field = info(id);
        FieldCase result;
        result.key = FieldKey{id};
        result.name =
            fmt::format("{}{}{}, {} tags", name_of(result.key), note.empty() ? "" : " ", note, count);
        result.frame = frame_of(layers);
        if (info(field.header).layer == Layer::Option) {
            base += info(header_of(id)).min_bytes;
        }
        result.value = *packet::read_bits(result.frame, base * 8 + field.bit_offset, field.bit_width);
        result.needed = needed_bytes(id, result.frame, count);
        cases_.push_back(std::move(result));
    }

    std::vector<FieldCase> cases_;
};

} // namespace

std::vector<FieldCase> field_cases() {
    return Cases().run();
}

} // namespace xdpc::test
