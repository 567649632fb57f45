#include "compiler/packet/build.h"
#include "compiler/packet/parse_packet.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::packet {

namespace {

/// Fields that the builder computes, and those that only some messages have at a place that others share.
bool is_left_out(FieldId id) {
    switch (id) {
    case FieldId::EtherType:
    case FieldId::VlanType:
    case FieldId::VlanInnerType:
    case FieldId::IpVersion:
    case FieldId::IpHdrlength:
    case FieldId::IpLength:
    case FieldId::IpChecksum:
    case FieldId::IpProtocol:
    case FieldId::Ip6Version:
    case FieldId::Ip6Length:
    case FieldId::Ip6Nexthdr:
    case FieldId::HbhNexthdr:
    case FieldId::RtNexthdr:
    case FieldId::FragNexthdr:
    case FieldId::DstNexthdr:
    case FieldId::MhNexthdr:
    case FieldId::MhChecksum:
    case FieldId::AhNexthdr:
    case FieldId::AhHdrlength:
    case FieldId::IcmpChecksum:
    case FieldId::IcmpMtu:
    case FieldId::IcmpGateway:
    case FieldId::Icmpv6Checksum:
    case FieldId::Icmpv6ParameterProblem:
    case FieldId::Icmpv6PacketTooBig:
    case FieldId::Icmpv6Mtu:
    case FieldId::Icmpv6MaxDelay:
    case FieldId::Icmpv6Taddr:
    case FieldId::IgmpChecksum:
    case FieldId::TcpDoff:
    case FieldId::TcpChecksum:
    case FieldId::UdpLength:
    case FieldId::UdpChecksum:
    case FieldId::UdpliteChecksum:
    case FieldId::SctpChecksum:
    case FieldId::CompNexthdr:
        return true;
    default:
        return false;
    }
}

/// Fields not worth a word where they are 0.
bool is_quiet(const FieldInfo& field) {
    const std::string_view name = field.name;
    constexpr std::string_view quiet[] = {"pcp",      "dei",       "dscp",      "ecn",     "id",
                                          "frag-off", "flowlabel", "hdrlength", "ackseq",  "reserved",
                                          "urgptr",   "reserved2", "code",      "csumcov", "sequence"};
    const bool is_tag = info(field.header).layer == Layer::Tag && name == "id"; // VLAN 0 is worth one
    return !is_tag && std::find(std::begin(quiet), std::end(quiet), name) != std::end(quiet);
}

std::optional<u128> read_field(const ParsedPacket& p, const FieldInfo& field, Extent extent) {
    const size_t end = std::min(extent.end, p.frame.size());
    if (extent.begin > end) {
        return {};
    }
    return read_bits(p.frame.subspan(extent.begin, end - extent.begin), field.bit_offset, field.bit_width);
}

std::string fields_of(const ParsedPacket& p, HeaderId header, Extent extent) {
    std::string text;
    const auto& fields = all_fields();
    for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].header != header || is_left_out(static_cast<FieldId>(i))) {
            continue;
        }
        const auto value = read_field(p, fields[i], extent);
        if (value && !(*value == 0 && is_quiet(fields[i]))) {
            text += fmt::format(" {} {}", fields[i].name, format_value(fields[i].type, *value));
        }
    }
    return text;
}

/// " option maxseg size 1460" for each option of a header.
std::string options_of(const ParsedPacket& p, HeaderId parent, const std::vector<Extent>& options) {
    std::string text;
    const auto& headers = all_headers();
    for (const Extent& option : options) {
        const unsigned kind = p.frame[option.begin];
        const auto row = std::find_if(headers.begin(), headers.end(), [&](const HeaderInfo& h) {
            return h.layer == Layer::Option && h.parent == parent && h.guard == kind;
        });
        if (row == headers.end()) {
            text += fmt::format(" option {}", kind);
            continue;
        }
        const std::string name = std::string(row->keyword).substr(std::string_view(row->keyword).find(' '));
        const auto& fields = all_fields();
        bool has_value = false;
        for (const FieldInfo& field : fields) {
            const std::string_view field_name = field.name;
            if (&info(field.header) != &*row || field_name == "kind" || field_name == "type" ||
                field_name == "length") {
                continue;
            }
            if (const auto value = read_field(p, field, option)) {
                text += fmt::format("{} {} {}", name, field.name, format_value(field.type, *value));
                has_value = true;
            }
        }
        text += has_value ? "" : name;
    }
    return text;
}

class Description {
public:
    explicit Description(const ParsedPacket& p) : p_(p) {}

    std::vector<std::string> lines() {
        link();
        network();
        transport();
        rest();
        return std::move(lines_);
    }

private:
    void header(HeaderId id, std::string more = {}) { header(id, *p_.at(id), std::move(more)); }
    void header(HeaderId id, Extent extent, std::string more) {
        const HeaderInfo& row = info(id);
        std::string text = row.keyword + fields_of(p_, id, extent) + more;
        const size_t there = extent.begin < p_.frame.size() ? p_.frame.size() - extent.begin : 0;
        if (there < row.min_bytes) {
            text += fmt::format(" (cut: {} of {} bytes)", there, row.min_bytes);
        }
        lines_.push_back(std::move(text));
        end_ = std::min(extent.begin + row.min_bytes, p_.frame.size());
    }

    void link() {
        const bool tagged = p_.at(HeaderId::Vlan).has_value();
        const bool odd_tag = tagged && *p_.outer_ethertype != 0x8100;
        const bool names_next =
            !tagged && (p_.at(HeaderId::Arp) || p_.at(HeaderId::Ip) || p_.at(HeaderId::Ip6));
        const bool shown = p_.outer_ethertype && (odd_tag || (!tagged && !names_next));
        header(HeaderId::Ether, shown ? type_text(*p_.outer_ethertype) : "");
        for (const HeaderId tag : {HeaderId::Vlan, HeaderId::VlanInner}) {
            if (p_.at(tag)) {
                const auto type = read_bits(p_.frame, (p_.at(tag)->begin + 4) * 8, 16);
                const bool known =
                    type && (*type == 0x8100 || *type == 0x0806 || *type == 0x0800 || *type == 0x86dd);
                header(tag, type && !known ? type_text(static_cast<uint16_t>(*type)) : "");
            }
        }
        if (p_.third_tag) {
            lines_.back() += " (a third tag follows)";
        }
        end_ = std::min(p_.network.value_or(end_), p_.frame.size());
    }

    static std::string type_text(uint16_t type) { return " type " + format_value(TypeId::EtherType, type); }

    void network() {
        if (p_.at(HeaderId::Arp)) {
            header(HeaderId::Arp);
        }
        if (p_.at(HeaderId::Ip)) {
            std::string more = p_.ip_options ? options_of(p_, HeaderId::Ip, *p_.ip_options) : "";
            header(HeaderId::Ip, more + protocol_text(FieldId::IpProtocol) + oddness());
            end_ = behind_ip();
        }
        if (p_.at(HeaderId::Ip6)) {
            header(HeaderId::Ip6, protocol_text(FieldId::Ip6Nexthdr) + oddness());
        }
        for (size_t i = 0; i < p_.walked.size(); ++i) {
            const bool last = i + 1 == p_.walked.size();
            header(p_.walked[i], {p_.walked_at[i], SIZE_MAX},
                   last && p_.walk == Walk::Broken ? " (what follows leaves the packet)" : "");
        }
    }

    /// The protocol, where no line of its own will tell it.
    std::string protocol_text(FieldId id) const {
        const bool told = !p_.walked.empty() || names_transport();
        const FieldInfo& field = info(id);
        const auto value = read_field(p_, field, *p_.at(field.header));
        return told || !value ? "" : fmt::format(" {} {}", field.name, format_value(field.type, *value));
    }

    std::string oddness() const {
        if (!p_.sound) {
            return " (cut, or contradicts the packet's length)";
        }
        return p_.fragment == FragmentKind::Later   ? " (later fragment)"
               : p_.fragment == FragmentKind::First ? " (first fragment)"
                                                    : "";
    }

    size_t behind_ip() const {
        const size_t at = p_.at(HeaderId::Ip)->begin;
        const size_t words = p_.has_bytes(at, 1) ? p_.frame[at] & 15 : 5;
        return std::min(at + words * 4, p_.frame.size());
    }

    [[nodiscard]] std::optional<HeaderId> transport_header() const {
        const auto& headers = all_headers();
        for (size_t i = 0; i < headers.size(); ++i) {
            const auto id = static_cast<HeaderId>(i);
            const Layer layer = headers[i].layer;
            const bool is_transport =
                layer == Layer::Transport4 || layer == Layer::Transport6 || layer == Layer::Transport;
            if (is_transport && id != HeaderId::Ah && p_.at(id)) {
                return id;
            }
        }
        return {};
    }
    [[nodiscard]] bool names_transport() const { return transport_header().has_value(); }

    void transport() {
        const auto id = transport_header();
        if (!id) {
            end_ = p_.transport ? std::min(*p_.transport, p_.frame.size()) : end_;
            return;
        }
        header(*id, p_.tcp_options ? options_of(p_, HeaderId::Tcp, *p_.tcp_options) : "");
        if (p_.inner) {
            end_ = std::min(*p_.inner, p_.frame.size());
        }
    }

    void rest() {
        const size_t size = p_.frame.size();
        const size_t end = p_.sound ? std::clamp(p_.ip_end, end_, size) : size;
        if (end > end_) {
            lines_.push_back(fmt::format("payload {} bytes", end - end_));
        }
        if (size > end) {
            lines_.push_back(fmt::format("({} bytes of padding)", size - end));
        }
        lines_.push_back(fmt::format("({} bytes in all{})", size, p_.malformed ? ", malformed" : ""));
    }

    const ParsedPacket& p_;
    std::vector<std::string> lines_;
    size_t end_ = 0; // behind what has been described
};

} // namespace

std::vector<std::string> describe(std::span<const uint8_t> frame) {
    const ParsedPacket parsed = parse_packet(frame);
    return Description(parsed).lines();
}

std::string describe_line(std::span<const uint8_t> bytes, size_t length) {
    Frame frame(bytes.begin(), bytes.end());
    frame.resize(std::max(length, bytes.size())); // else it would be told to be cut
    std::vector<std::string> layers = describe(frame);
    const std::string summary = layers.back(); // "(60 bytes in all, malformed)"
    std::erase_if(layers, [](const std::string& line) { return line.starts_with("("); });
    if (layers.size() > 1 && !layers[1].starts_with("payload")) {
        layers.erase(layers.begin());
    }
    std::string text;
    for (const std::string& layer : layers) {
        text += (text.empty() ? "" : " / ") + layer;
    }
    const bool malformed = summary.find("malformed") != std::string::npos;
    return fmt::format("{}, {} bytes{}", text, frame.size(), malformed ? ", malformed" : "");
}

} // namespace xdpc::packet
