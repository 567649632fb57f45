#include "compiler/fields/fields.h"

#include "compiler/base/overloaded.h"

namespace xdpc {

const std::vector<HeaderInfo>& all_headers() {
    static const std::vector<HeaderInfo> rows = {
#define HEADER(id, keyword, layer, guard, min_bytes)                                                         \
    {#id, keyword, Layer::layer, HeaderId::id, guard, min_bytes},
#define OPTION(id, keyword, parent, kind) {#id, keyword, Layer::Option, HeaderId::parent, kind, 0},
#include "compiler/fields/fields.def"
    };
    return rows;
}

const std::vector<FieldInfo>& all_fields() {
    static const std::vector<FieldInfo> rows = {
#define FIELD(id, header, name, bit_offset, bit_width, type, access)                                         \
    {#id, HeaderId::header, name, bit_offset, bit_width, TypeId::type, Access::access},
#include "compiler/fields/fields.def"
    };
    return rows;
}

const std::vector<MetaInfo>& all_metas() {
    static const std::vector<MetaInfo> rows = {
#define META(id, name, bit_width, type) {#id, name, bit_width, TypeId::type},
#include "compiler/fields/fields.def"
    };
    return rows;
}

std::vector<FieldNeed> needs_of(FieldId field) {
    static const std::vector<FieldNeed> rows = {
#define NEEDS(field, by, value) {FieldId::field, FieldId::by, value},
#include "compiler/fields/fields.def"
    };
    std::vector<FieldNeed> needs;
    for (const FieldNeed& row : rows) {
        if (row.field == field) {
            needs.push_back(row);
        }
    }
    return needs;
}

const HeaderInfo& info(HeaderId id) {
    return all_headers()[static_cast<size_t>(id)];
}
const FieldInfo& info(FieldId id) {
    return all_fields()[static_cast<size_t>(id)];
}
const MetaInfo& info(MetaId id) {
    return all_metas()[static_cast<size_t>(id)];
}

std::optional<HeaderId> find_header(std::string_view keyword) {
    const auto& rows = all_headers();
    for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].keyword == keyword) {
            return static_cast<HeaderId>(i);
        }
    }
    return {};
}

std::optional<FieldId> find_field(HeaderId header, std::string_view name) {
    const auto& rows = all_fields();
    for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].header == header && rows[i].name == name) {
            return static_cast<FieldId>(i);
        }
    }
    return {};
}

std::optional<MetaId> find_meta(std::string_view name) {
    const auto& rows = all_metas();
    for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].name == name) {
            return static_cast<MetaId>(i);
        }
    }
    return {};
}

namespace {
const char* name_of(RawBase base) {
    switch (base) {
    case RawBase::Ll:
        return "ll";
    case RawBase::Nh:
        return "nh";
    case RawBase::Th:
        return "th";
    case RawBase::Ih:
        return "ih";
    }
    return "";
}
} // namespace

uint16_t width_of(const KeySource& source) {
    return std::visit(Overloaded{
                          [](const FieldKey& k) { return info(k.field).bit_width; },
                          [](const RawKey& k) { return k.bit_width; },
                          [](const ExistsKey&) { return uint16_t{1}; },
                          [](const MetaKey& k) { return info(k.meta).bit_width; },
                      },
                      source);
}

TypeId type_of(const KeySource& source) {
    return std::visit(Overloaded{
                          [](const FieldKey& k) { return info(k.field).type; },
                          [](const RawKey&) { return TypeId::Integer; },
                          [](const ExistsKey&) { return TypeId::Boolean; },
                          [](const MetaKey& k) { return info(k.meta).type; },
                      },
                      source);
}

std::string name_of(const KeySource& source) {
    return std::visit(Overloaded{
                          [](const FieldKey& k) {
                              const FieldInfo& field = info(k.field);
                              return std::string(info(field.header).keyword) + " " + field.name;
                          },
                          [](const RawKey& k) {
                              return std::string("@") + name_of(k.base) + "," + std::to_string(k.bit_offset) +
                                     "," + std::to_string(k.bit_width);
                          },
                          [](const ExistsKey& k) {
                              const HeaderInfo& header = info(k.header);
                              return (header.layer == Layer::Extension ? "exthdr " : "") +
                                     std::string(header.keyword);
                          },
                          [](const MetaKey& k) { return std::string("meta ") + info(k.meta).name; },
                      },
                      source);
}

} // namespace xdpc
