// `--json`: one document on standard output, diagnostics included.
#pragma once

#include "compiler/artifact.h"
#include "compiler/base/diagnostics.h"
#include "runtime/attach.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

using Json = nlohmann::ordered_json;

Json to_json(const Diagnostics& diagnostics, const Sources& sources);
Json to_json(const Error& error);
Json to_json(const rt::LoadError& error);
Json to_json(const rt::VerifierReport& report);
Json to_json(const Decider& decider);
Json to_json(const rt::Status& status);
/// Prints the document; text that is not UTF-8 is replaced.
void put_json(const Json& document);
/// Says what went wrong, in a document if `json`; gives `code`.
int failed(const Error& error, bool json, int code);

} // namespace xdpc::driver
