#include "compiler/fields/tunnels.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace xdpc {

namespace {

constexpr std::array<TunnelRow, 7> rows{{
    {"ipip", true, false, false, false, 4, 0, 0},
    {"6in4", false, true, false, false, 41, 0, 0},
    {"4in6", true, false, false, true, 4, 0, 0},
    {"ip6ip6", false, true, false, true, 41, 0, 0},
    {"gre", true, true, true, false, 47, 0, 4},
    {"gue", true, true, true, false, 17, 6080, 12},
    {"vxlan", false, false, true, false, 17, 4789, 16},
}};

} // namespace

const TunnelRow& row_of(Tunnel kind) {
    return rows.at(static_cast<size_t>(kind));
}

std::optional<Tunnel> tunnel_named(std::string_view name) {
    const auto* found =
        std::find_if(rows.begin(), rows.end(), [&](const TunnelRow& row) { return row.name == name; });
    return found == rows.end() ? std::nullopt : std::optional(static_cast<Tunnel>(found - rows.begin()));
}

std::vector<std::string> tunnel_names() {
    std::vector<std::string> names;
    std::transform(rows.begin(), rows.end(), std::back_inserter(names),
                   [](const TunnelRow& row) { return std::string(row.name); });
    return names;
}

} // namespace xdpc
