// What the two files that read and write an Artifact's JSON share.
#pragma once

#include "compiler/artifact.h"

#include <concepts>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace xdpc {

using Json = nlohmann::json;

/// Takes members of one object, and remembers the first that is missing or of the wrong kind.
class Reader {
public:
    Reader(const Json& json, std::string& problem) : json_(json), problem_(problem) {}

    void read(const char* name, std::string& value) {
        if (const Json* found = member(name, Json::value_t::string)) {
            value = found->get_ref<const std::string&>();
        }
    }
    void read(const char* name, bool& value) {
        if (const Json* found = member(name, Json::value_t::boolean)) {
            value = found->get<bool>();
        }
    }
    template<class T>
        requires(std::unsigned_integral<T> && !std::same_as<T, bool>)
    void read(const char* name, T& value) {
        if (const Json* found = member(name, Json::value_t::number_unsigned)) {
            const auto number = found->get<uint64_t>();
            if (number > std::numeric_limits<T>::max()) {
                complain(name, "is out of range");
            }
            value = static_cast<T>(number);
        }
    }
    void read(const char* name, std::optional<uint32_t>& value) {
        const auto found = json_.find(name);
        if (found != json_.end() && found->is_null()) {
            value.reset();
            return;
        }
        read(name, value.emplace());
    }
    const Json* array(const char* name) { return member(name, Json::value_t::array); }
    void complain(const char* name, const char* what) {
        if (problem_.empty()) {
            problem_ = fmt::format("`{}` {}", name, what);
        }
    }

private:
    const Json* member(const char* name, Json::value_t type) {
        const auto found = json_.find(name);
        if (found == json_.end()) {
            complain(name, "is missing");
            return nullptr;
        }
        if (found->type() != type) {
            complain(name, "is of the wrong kind");
            return nullptr;
        }
        return &*found;
    }

    const Json& json_;
    std::string& problem_;
};

/// Sets, limits, quotas, named counters, logs: members of the artifact's JSON.
void write_state(Json& json, const Artifact& artifact);
void read_state(const Json& json, Artifact& artifact, std::string& problem);

} // namespace xdpc
