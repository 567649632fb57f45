#include "compiler/fields/fields.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <unordered_map>

namespace xdpc {

const std::vector<Symbol>& all_symbols() {
    static const std::vector<Symbol> rows = {
#define SYMBOL(type, name, value) {TypeId::type, name, value},
#include "compiler/fields/symbols.def"
    };
    return rows;
}

namespace {

/// Per type: values by name and first names by value, built once.
struct Index {
    std::unordered_map<std::string_view, uint64_t> values;
    std::unordered_map<uint64_t, std::string_view> names;
};

const Index* index_of(TypeId type) {
    static const std::map<TypeId, Index> indices = [] {
        std::map<TypeId, Index> result;
        for (const Symbol& symbol : all_symbols()) {
            result[symbol.type].values.try_emplace(symbol.name, symbol.value);
            result[symbol.type].names.try_emplace(symbol.value, symbol.name);
        }
        return result;
    }();
    auto found = indices.find(type);
    return found == indices.end() ? nullptr : &found->second;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<uint64_t> find_day(std::string_view name) {
    for (const Symbol& symbol : all_symbols()) {
        const std::string_view day = symbol.name;
        if (symbol.type == TypeId::Day && name.size() >= 3 && name.size() <= day.size() &&
            equal_ignoring_case(name, day.substr(0, name.size()))) {
            return symbol.value;
        }
    }
    return {};
}

} // namespace

std::optional<uint64_t> find_symbol(TypeId type, std::string_view name) {
    if (type == TypeId::Day) {
        return find_day(name);
    }
    const Index* index = index_of(type);
    if (index == nullptr) {
        return {};
    }
    auto found = index->values.find(name);
    return found == index->values.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> symbol_of(TypeId type, uint64_t value) {
    const Index* index = index_of(type);
    if (index == nullptr) {
        return {};
    }
    auto found = index->names.find(value);
    return found == index->names.end() ? std::nullopt : std::optional(found->second);
}

} // namespace xdpc
