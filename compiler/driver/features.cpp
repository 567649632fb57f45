#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "runtime/probe.h"

#include <sys/utsname.h>

namespace xdpc::driver {

int run_features(const FeaturesOptions& options) {
    if (options.fields) {
        put(field_reference());
        return ExitFine;
    }
    utsname kernel{};
    uname(&kernel);
    const std::vector<rt::Feature> features = rt::probe_features();
    if (options.json) {
        Json list = Json::array();
        for (const rt::Feature& feature : features) {
            list.push_back({{"name", feature.name},
                            {"available", feature.available},
                            {"use", feature.use},
                            {"detail", feature.detail}});
        }
        put_json({{"ok", true},
                  {"kernel", kernel.release},
                  {"may_load", rt::may_load()},
                  {"features", std::move(list)}});
        return ExitFine;
    }
    say("kernel {}\n", kernel.release);
    std::vector<std::vector<std::string>> rows;
    for (const rt::Feature& feature : features) {
        rows.push_back({feature.name,
                        feature.available        ? "yes"
                        : feature.detail.empty() ? "no"
                                                 : fmt::format("no: {}", feature.detail),
                        feature.use});
    }
    put(table({{"FEATURE"}, {"HERE"}, {"FOR"}}, rows));
    return ExitFine;
}

} // namespace xdpc::driver
