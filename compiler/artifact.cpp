#include "compiler/artifact_elf.h"
#include "compiler/artifact_json.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <span>

namespace xdpc {

namespace {

constexpr size_t max_metadata_bytes = size_t{128} << 20;
constexpr uint32_t max_slots = 1 << 22;

// ---- the JSON text

// A policy's comments and names may be any bytes; JSON is UTF-8.
std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_text(std::string& out, const std::string& text) {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::all_of(text.begin(), text.end(), is_ascii)) {
        out += dumped(text);
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        } else {
            out += c;
        }
    }
    out += '"';
}

/// Written as it comes: a hundred thousand of them as objects in memory take longer than all else here.
void append_decider(std::string& out, const Decider& d) {
    out += d.is_policy ? R"({"is_policy":true)" : R"({"is_policy":false)";
    const auto text = [&](const char* name, const std::string& value) {
        fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
        append_text(out, value);
    };
    const auto slot = [&](const char* name, const std::optional<uint32_t>& value) {
        fmt::format_to(std::back_inserter(out), R"(,"{}":{})", name, value ? std::to_string(*value) : "null");
    };
    text("name", d.name);
    text("display", d.display);
    text("chain", d.chain);
    text("text", d.text);
    text("comment", d.comment);
    text("file", d.file);
    text("verdict", d.verdict);
    slot("slot", d.slot);
    slot("mid_slot", d.mid_slot);
    fmt::format_to(std::back_inserter(out), R"(,"line":{},"column":{}}})", d.line, d.column);
}

Decider read_decider(const Json& json, uint32_t slots, std::string& problem) {
    Decider d;
    if (!json.is_object()) {
        problem = "`deciders` holds what is no object";
        return d;
    }
    Reader reader(json, problem);
    reader.read("is_policy", d.is_policy);
    reader.read("name", d.name);
    reader.read("display", d.display);
    reader.read("chain", d.chain);
    reader.read("text", d.text);
    reader.read("comment", d.comment);
    reader.read("file", d.file);
    reader.read("line", d.line);
    reader.read("column", d.column);
    reader.read("verdict", d.verdict);
    reader.read("slot", d.slot);
    reader.read("mid_slot", d.mid_slot);
    if ((d.slot && *d.slot >= slots) || (d.mid_slot && *d.mid_slot >= slots)) {
        reader.complain("slot", "is beyond the counters");
    }
    return d;
}

void read_sources(const Json& json, Artifact& artifact, std::string& problem) {
    for (const Json& source : json) {
        auto& [path, text] = artifact.sources.emplace_back();
        if (!source.is_object()) {
            problem = "`sources` holds what is no object";
            return;
        }
        Reader reader(source, problem);
        reader.read("path", path);
        reader.read("text", text);
        if (!problem.empty()) {
            return;
        }
    }
}

Artifact read_members(const Json& json, std::string& problem) {
    Artifact artifact;
    Reader reader(json, problem);
    reader.read("policy", artifact.policy);
    reader.read("source_digest", artifact.source_digest);
    reader.read("slots", artifact.slots);
    reader.read("reads_tags", artifact.reads_tags);
    reader.read("instrumented", artifact.instrumented);
    reader.read("captures", artifact.captures);
    reader.read("answers", artifact.answers);
    reader.read("routes", artifact.routes);
    reader.read("by_table", artifact.by_table);
    reader.read("kernel", artifact.kernel);
    if (artifact.slots > max_slots) {
        reader.complain("slots", "is out of range");
    }
    if (const Json* deciders = reader.array("deciders")) {
        for (const Json& each : *deciders) {
            artifact.deciders.push_back(read_decider(each, artifact.slots, problem));
            if (!problem.empty()) {
                break;
            }
        }
    }
    if (const Json* sources = reader.array("sources")) {
        read_sources(*sources, artifact, problem);
    }
    read_state(json, artifact, problem);
    return artifact;
}

} // namespace

namespace elf {

std::string_view string_at(std::span<const uint8_t> strings, uint32_t offset) {
    if (offset >= strings.size()) {
        return {};
    }
    const auto* begin = reinterpret_cast<const char*>(strings.data() + offset);
    return {begin, strnlen(begin, strings.size() - offset)};
}

std::optional<std::span<const uint8_t>> contents(std::span<const uint8_t> bytes, const Elf64_Shdr& section) {
    const bool within =
        section.sh_offset <= bytes.size() && section.sh_size <= bytes.size() - section.sh_offset;
    if (section.sh_type == SHT_NOBITS || !within) {
        return {};
    }
    return bytes.subspan(section.sh_offset, section.sh_size);
}

Result<uint64_t> section_index(std::span<const uint8_t> bytes, std::string_view wanted) {
    const auto header = read_at<Elf64_Ehdr>(bytes, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return fail("not an ELF object");
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_BPF) {
        return fail("an ELF object, but not of 64-bit little-endian BPF");
    }
    const uint64_t table = header->e_shoff;
    if (header->e_shentsize != sizeof(Elf64_Shdr) || table > bytes.size()) {
        return fail("damaged ELF object: no section table");
    }
    const auto names = read_at<Elf64_Shdr>(bytes, table + uint64_t{header->e_shstrndx} * sizeof(Elf64_Shdr));
    const auto strings = names ? contents(bytes, *names) : std::nullopt;
    if (!strings || header->e_shstrndx >= header->e_shnum) {
        return fail("damaged ELF object: no section names");
    }
    for (uint64_t i = 0; i < header->e_shnum; ++i) {
        const auto section = read_at<Elf64_Shdr>(bytes, table + i * sizeof(Elf64_Shdr));
        if (!section) {
            return fail("damaged ELF object: section table cut short");
        }
        if (string_at(*strings, section->sh_name) == wanted) {
            return i;
        }
    }
    return fail(fmt::format("the object has no section `{}`", wanted),
                "only objects made by `xdpc build` can be applied");
}

Result<std::span<const uint8_t>> find_section(std::span<const uint8_t> bytes, std::string_view wanted) {
    const auto index = section_index(bytes, wanted);
    if (!index) {
        return tl::unexpected(index.error());
    }
    const auto header = read_at<Elf64_Ehdr>(bytes, 0);
    if (const auto found =
            contents(bytes, *read_at<Elf64_Shdr>(bytes, header->e_shoff + *index * sizeof(Elf64_Shdr)))) {
        return *found;
    }
    return fail(fmt::format("damaged ELF object: section `{}` lies outside the file", wanted));
}

} // namespace elf

std::string artifact_metadata(const Artifact& artifact) {
    Json json = {{"format", "xdpc"},
                 {"version", artifact.version},
                 {"policy", artifact.policy},
                 {"source_digest", artifact.source_digest},
                 {"slots", artifact.slots},
                 {"reads_tags", artifact.reads_tags},
                 {"instrumented", artifact.instrumented},
                 {"captures", artifact.captures},
                 {"answers", artifact.answers},
                 {"routes", artifact.routes},
                 {"by_table", artifact.by_table},
                 {"kernel", artifact.kernel}};
    write_state(json, artifact);
    std::string out = dumped(json);
    out.back() = ','; // more members follow
    out += R"("deciders":[)";
    for (const Decider& decider : artifact.deciders) {
        out += out.back() == '[' ? "" : ",";
        append_decider(out, decider);
    }
    out += R"(],"sources":[)";
    for (const auto& [path, text] : artifact.sources) {
        out += out.back() == '[' ? R"({"path":)" : R"(,{"path":)";
        append_text(out, path);
        out += R"(,"text":)";
        append_text(out, text);
        out += '}';
    }
    out += "]}";
    return out;
}

Result<Artifact> parse_artifact_metadata(std::string_view text) {
    while (!text.empty() && text.back() == '\0') { // a section may be padded
        text.remove_suffix(1);
    }
    if (text.size() > max_metadata_bytes) {
        return fail("damaged metadata: too large");
    }
    const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (!json.is_object() || json.find("format") == json.end() || json["format"] != "xdpc") {
        return fail("damaged metadata: not the JSON that `xdpc build` writes");
    }
    std::string problem;
    uint32_t version = 0;
    Reader(json, problem).read("version", version);
    if (problem.empty() && version != Artifact::current_version) {
        return fail(fmt::format("made by another version of xdpc: format {}, this one reads {}", version,
                                Artifact::current_version),
                    "build it again with this xdpc");
    }
    Artifact artifact = problem.empty() ? read_members(json, problem) : Artifact{};
    if (!problem.empty()) {
        return fail("damaged metadata: " + problem);
    }
    artifact.version = version;
    return artifact;
}

Result<Artifact> read_artifact(std::vector<uint8_t> object) {
    if (object.size() > max_object_bytes) {
        return fail("the object is too large");
    }
    const auto section = elf::find_section(object, metadata_section);
    if (!section) {
        return tl::unexpected(section.error());
    }
    Result<Artifact> artifact =
        parse_artifact_metadata({reinterpret_cast<const char*>(section->data()), section->size()});
    if (!artifact) {
        return artifact;
    }
    if (const Result<void> elements = read_elements(object, *artifact); !elements) {
        return tl::unexpected(elements.error());
    }
    artifact->object = std::move(object);
    return artifact;
}

} // namespace xdpc
