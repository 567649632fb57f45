// Short ways to write packet recipes in tests: `layer("tcp", {{"dport", 22}, {"option maxseg size", 1400}})`.
#pragma once

#include "compiler/base/bytes.h"
#include "compiler/packet/build.h"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace xdpc::test {

struct NamedValue {
    std::string_view name;
    u128 value = 0;
};

inline HeaderId header_named(std::string_view keyword) {
    const auto id = find_header(keyword);
    if (!id) {
        throw std::invalid_argument("no header " + std::string(keyword));
    }
    return *id;
}

/// "option maxseg size" of `tcp` is field `size` of `tcp option maxseg`.
inline FieldId field_named(std::string_view keyword, std::string_view name) {
    std::optional<FieldId> id = find_field(header_named(keyword), name);
    if (!id && name.starts_with("option ")) {
        const size_t space = name.rfind(' ');
        id = find_field(header_named(std::string(keyword) + " " + std::string(name.substr(0, space))),
                        name.substr(space + 1));
    }
    if (!id) {
        throw std::invalid_argument("no field " + std::string(keyword) + " " + std::string(name));
    }
    return *id;
}

inline packet::LayerSpec layer(std::string_view keyword, const std::vector<NamedValue>& fields = {},
                               const std::vector<std::string_view>& options = {}) {
    packet::HeaderLayer result{header_named(keyword), {}, {}};
    for (const NamedValue& field : fields) {
        result.fields.push_back({field_named(keyword, field.name), field.value});
    }
    for (const std::string_view option : options) {
        result.options.push_back(header_named(std::string(keyword) + " option " + std::string(option)));
    }
    return result;
}

inline packet::LayerSpec payload(std::string_view text) {
    return packet::PayloadLayer{{text.begin(), text.end()}};
}

inline packet::Frame frame_of(std::vector<packet::LayerSpec> layers) {
    return packet::build({std::move(layers), {}, false});
}

} // namespace xdpc::test
