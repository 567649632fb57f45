#include "compiler/driver/command.h"
#include "compiler/fields/fields.h"

#include <fmt/format.h>

namespace xdpc::driver {

namespace {

const char* title_of(Layer layer) {
    switch (layer) {
    case Layer::Link:
    case Layer::Tag:
        return "Link";
    case Layer::Arp:
        return "ARP";
    case Layer::Ip:
        return "IPv4";
    case Layer::Ip6:
        return "IPv6";
    case Layer::Extension:
        return "IPv6 extension headers";
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        return "Transport";
    case Layer::Option:
        return "Options";
    }
    return "";
}

/// The symbols of a type as a short list.
std::string names_of(TypeId type) {
    constexpr size_t shown = 12;
    std::string out;
    size_t n = 0;
    for (const Symbol& symbol : all_symbols()) {
        if (symbol.type == type && n++ < shown) {
            out += fmt::format("{}`{}`", out.empty() ? "" : ", ", symbol.name);
        }
    }
    return n > shown ? out + ", …" : out;
}

std::string row(const std::string& name, uint16_t bits, TypeId type, Access access = Access::RO) {
    return fmt::format("| `{}` | {} | {} | {} | {} |\n", name, bits, access == Access::RW ? "yes" : "",
                       name_of(type), names_of(type));
}

} // namespace

std::string field_reference() {
    std::string out = "# Header fields\n\nEvery field that a match can read; those with `set` can be set. "
                      "Printed by `xdpc features --fields` from "
                      "the one table, `compiler/fields/fields.def`; how packets are read is in "
                      "`compiler/fields/README.md`.\n";
    const char* title = "";
    for (size_t i = 0; i < all_headers().size(); ++i) {
        const HeaderInfo& header = all_headers()[i];
        const Layer layer = header.layer == Layer::Option ? info(header.parent).layer : header.layer;
        if (std::string_view(title) != title_of(layer)) {
            title = title_of(layer);
            out += fmt::format("\n## {}\n", title);
        }
        out += fmt::format("\n### {}\n\n| match | bits | set | type | names |\n|---|---|---|---|---|\n",
                           header.keyword);
        for (const FieldInfo& field : all_fields()) {
            if (field.header == static_cast<HeaderId>(i)) {
                out += row(fmt::format("{} {}", header.keyword, field.name), field.bit_width, field.type,
                           field.access);
            }
        }
    }
    out += "\n## Of the packet\n\n| match | bits | set | type | names |\n|---|---|---|---|---|\n";
    for (const MetaInfo& meta : all_metas()) {
        out += row(fmt::format("meta {}", meta.name), meta.bit_width, meta.type);
    }
    return out;
}

} // namespace xdpc::driver
