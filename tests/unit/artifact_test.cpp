#include "compiler/artifact.h"

#include <cstring>
#include <elf.h>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

using Bytes = std::vector<uint8_t>;

Artifact example() {
    Artifact artifact;
    artifact.policy = "edge.xdp";
    artifact.source_digest = "00ff";
    artifact.slots = 3;
    artifact.reads_tags = true;
    artifact.kernel = "6.1";
    artifact.deciders.push_back({false, "ssh", "ssh", "ingress", "tcp dport 22 pass", "a \"quoted\" comment",
                                 "edge.xdp", 3, 5, "pass", 0, 1});
    artifact.deciders.push_back(
        {true, "ingress", "policy", "ingress", "policy drop", "", "edge.xdp", 1, 1, "drop", 2, {}});
    artifact.sources.emplace_back("edge.xdp", "chain ingress {\n}\n");
    artifact.sets.push_back({"services",
                             0,
                             "hash",
                             {{"ipv4_addr", 32}, {"inet_service", 16}},
                             1024,
                             true,
                             true,
                             false,
                             3'600'000'000'000,
                             "verdict",
                             {"drop", "jump ssh"},
                             {}});
    artifact.sets.push_back({"bad",
                             6,
                             "interval",
                             {{"ipv6_addr", 128}},
                             7,
                             false,
                             false,
                             true,
                             0,
                             "value",
                             {},
                             std::pair{"mark", 32}});
    artifact.elements.resize(2);
    artifact.limits.push_back({"flood", "flood", "rate 9/second", {{"ipv4_addr", 32}}, 512, 5, 1, true});
    artifact.quotas.push_back({"month", "month", 1'000'000'000'000, 17});
    artifact.counters.push_back({"seen", 2});
    artifact.logs.push_back({1, "drop: "});
    return artifact;
}

template<class T> void append(Bytes& to, const T& value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof(T));
}

/// An object with the sections "", ".names" and `name`.
Bytes object_with(const std::string& name, const std::string& contents) {
    std::string names{"\0.names\0", 8};
    names += name + '\0';
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_BPF;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 3;
    header.e_shstrndx = 1;
    header.e_shoff = sizeof header + names.size() + contents.size();
    Bytes object;
    append(object, header);
    object.insert(object.end(), names.begin(), names.end());
    object.insert(object.end(), contents.begin(), contents.end());
    Elf64_Shdr section{};
    append(object, section);
    section.sh_name = 1;
    section.sh_type = SHT_STRTAB;
    section.sh_offset = sizeof header;
    section.sh_size = names.size();
    append(object, section);
    section.sh_name = 8;
    section.sh_type = SHT_PROGBITS;
    section.sh_offset = sizeof header + names.size();
    section.sh_size = contents.size();
    append(object, section);
    return object;
}

std::string error_of(const Result<Artifact>& result) {
    return result ? "no error" : result.error().message;
}
std::string error_of_metadata(std::string json, const std::string& from, const std::string& to) {
    const size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    json.replace(at, from.size(), to);
    return error_of(parse_artifact_metadata(json));
}

TEST(Artifact, MetadataComesBackAsItWas) {
    const Artifact before = example();
    const auto after = parse_artifact_metadata(artifact_metadata(before));
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->policy, before.policy);
    EXPECT_EQ(after->source_digest, before.source_digest);
    EXPECT_EQ(after->deciders, before.deciders);
    EXPECT_EQ(after->slots, before.slots);
    EXPECT_EQ(after->reads_tags, before.reads_tags);
    EXPECT_EQ(after->instrumented, before.instrumented);
    EXPECT_EQ(after->captures, before.captures);
    EXPECT_EQ(after->kernel, before.kernel);
    EXPECT_EQ(after->sources, before.sources);
    EXPECT_EQ(after->sets, before.sets);
    EXPECT_EQ(after->elements, before.elements); // as many, empty
    EXPECT_EQ(after->limits, before.limits);
    EXPECT_EQ(after->quotas, before.quotas);
    EXPECT_EQ(after->counters, before.counters);
    EXPECT_EQ(after->logs, before.logs);
}

TEST(Artifact, TextThatIsNotUtf8DoesNotThrow) {
    Artifact artifact = example();
    artifact.deciders[0].comment = "\xff\xfe";
    EXPECT_TRUE(parse_artifact_metadata(artifact_metadata(artifact)));
}

TEST(Artifact, EveryFieldIsChecked) {
    const std::string good = artifact_metadata(example());
    EXPECT_EQ(error_of(parse_artifact_metadata(good + std::string(3, '\0'))), "no error");
    EXPECT_EQ(error_of(parse_artifact_metadata("")),
              "damaged metadata: not the JSON that `xdpc build` writes");
    EXPECT_EQ(error_of(parse_artifact_metadata("[]")),
              "damaged metadata: not the JSON that `xdpc build` writes");
    EXPECT_EQ(error_of_metadata(good, "\"version\":5", "\"version\":1"),
              "made by another version of xdpc: format 1, this one reads 5");
    EXPECT_EQ(error_of_metadata(good, "\"slots\":3", "\"slots\":1"),
              "damaged metadata: `slot` is beyond the counters");
    EXPECT_EQ(error_of_metadata(good, "\"slots\":3", "\"slots\":-3"),
              "damaged metadata: `slots` is of the wrong kind");
    EXPECT_EQ(error_of_metadata(good, "\"slots\":3", "\"slots\":4294967299"),
              "damaged metadata: `slots` is out of range");
    EXPECT_EQ(error_of_metadata(good, "\"slots\":3", "\"slots\":4000000000"),
              "damaged metadata: `slots` is out of range");
    EXPECT_EQ(error_of_metadata(good, "\"line\":3", "\"line\":\"3\""),
              "damaged metadata: `line` is of the wrong kind");
    EXPECT_EQ(error_of_metadata(good, "\"chain\"", "\"chains\""), "damaged metadata: `chain` is missing");
    EXPECT_EQ(error_of_metadata(good, "\"deciders\":[", "\"deciders\":[1,"),
              "damaged metadata: `deciders` holds what is no object");
    EXPECT_EQ(error_of_metadata(good, "\"sources\":[", "\"sources\":[[],"),
              "damaged metadata: `sources` holds what is no object");
    EXPECT_EQ(error_of_metadata(good, "\"kind\":\"hash\"", "\"kind\":\"tree\""),
              "damaged metadata: `kind` does not fit the set");
    EXPECT_EQ(error_of_metadata(good, "\"size\":1024", "\"size\":0"),
              "damaged metadata: `size` is out of range");
    EXPECT_EQ(error_of_metadata(good, "\"bits\":128", "\"bits\":129"),
              "damaged metadata: `bits` is out of range");
    EXPECT_EQ(error_of_metadata(good, "\"family\":6", "\"family\":256"),
              "damaged metadata: `family` is out of range");
    EXPECT_EQ(error_of_metadata(good, "\"name\":\"seen\",\"slot\":2", "\"name\":\"seen\",\"slot\":3"),
              "damaged metadata: `slot` is beyond the counters");
    EXPECT_NE(error_of(parse_artifact_metadata(std::string(1 << 20, '['))), "no error");
}

TEST(Artifact, IsReadFromItsObject) {
    Artifact plain = example();
    plain.sets.clear();
    const Bytes object = object_with(".xdpc", artifact_metadata(plain));
    const auto artifact = read_artifact(object);
    ASSERT_TRUE(artifact) << artifact.error().message;
    EXPECT_EQ(artifact->deciders, example().deciders);
    EXPECT_EQ(artifact->object, object);
}

/// A map of two parts with two elements, and a set of IPv6 intervals with one.
Artifact filled() {
    Artifact artifact = example();
    artifact.elements[0].words = {0xc0000201, 22, 0xc0000202, 80};
    artifact.elements[0].values = {1, 0};
    artifact.elements[0].extras.push_back({1, 5'000'000'000, "as reported"});
    artifact.elements[0].count = 2;
    artifact.elements[1].words = {0x20010db8, 0, 0, 0, 0x20010db8, 0, 0, 9};
    artifact.elements[1].values = {0xfffffff0};
    artifact.elements[1].count = 1;
    artifact.object = object_with(".xdpc", artifact_metadata(artifact));
    return artifact;
}
Result<Artifact> written(const Artifact& artifact) {
    const auto object = complete_object(artifact);
    EXPECT_TRUE(object);
    return read_artifact(*object);
}

TEST(Artifact, ElementsComeBackFromTheirSection) {
    const Artifact before = filled();
    const auto after = written(before);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->elements, before.elements);
    EXPECT_EQ(after->sets, before.sets);
    EXPECT_EQ(error_of(read_artifact(before.object)), "the object has no section `.xdpc.elements`");
}

TEST(Artifact, ElementsThatDoNotFitTheirSetsAreRefused) {
    const auto refuses = [](auto change) {
        Artifact artifact = filled();
        change(artifact.elements);
        return error_of(written(artifact));
    };
    const std::string first = "damaged elements of set `services`";
    const std::string second = "damaged elements of set `bad`";
    using Elements = std::vector<SetElements>;
    EXPECT_EQ(refuses([](Elements&) {}), "no error");
    EXPECT_EQ(refuses([](Elements& e) { e[0].values[1] = 2; }), first);         // no such verdict
    EXPECT_EQ(refuses([](Elements& e) { e[0].words[1] = 65536; }), first);      // no port
    EXPECT_EQ(refuses([](Elements& e) { e[0].extras[0].element = 2; }), first); // no such element
    EXPECT_EQ(refuses([](Elements& e) { e[0].count = 1025; }), first);          // more than its size
    EXPECT_EQ(refuses([](Elements& e) { e[1].words[3] = 10; }), second);        // ends before it begins
    EXPECT_EQ(refuses([](Elements& e) { e[1].words.pop_back(); }), second);     // cut
    EXPECT_EQ(refuses([](Elements& e) { e[1].words.push_back(0); }),
              "damaged elements: more than the sets have");
    EXPECT_EQ(refuses([](Elements& e) { e[0].extras.push_back({0, 0, "late"}); }), first); // not ascending
    EXPECT_EQ(refuses([](Elements& e) { e[0].extras[0].comment.resize(1025); }), first);
}

TEST(Artifact, AnyByteOfTheElementsMayBeAnother) {
    const auto object = complete_object(filled());
    ASSERT_TRUE(object);
    for (size_t i = 0; i < object->size(); ++i) {
        Bytes changed = *object;
        changed[i] ^= 0x81U;
        (void)read_artifact(changed);
        changed.resize(i);
        EXPECT_FALSE(read_artifact(changed));
    }
}

TEST(Artifact, OtherFilesAreRefused) {
    EXPECT_EQ(error_of(read_artifact({})), "not an ELF object");
    EXPECT_EQ(error_of(read_artifact(Bytes(100, 'x'))), "not an ELF object");
    EXPECT_EQ(error_of(read_artifact(object_with(".text", "{}"))), "the object has no section `.xdpc`");
    Bytes x86 = object_with(".xdpc", "{}");
    x86[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
    EXPECT_EQ(error_of(read_artifact(x86)), "an ELF object, but not of 64-bit little-endian BPF");
}

/// No cut or changed byte of the object makes it read outside (the address sanitizer sees to that) or succeed
/// with other metadata.
TEST(Artifact, DamagedObjectsAreHarmless) {
    const Bytes good = object_with(".xdpc", artifact_metadata(example()));
    for (size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(read_artifact(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)))) << size;
    }
    size_t refused = 0;
    const size_t sections = good.size() - 3 * sizeof(Elf64_Shdr);
    for (size_t at = 0; at < good.size(); ++at) {
        if (at >= sizeof(Elf64_Ehdr) && at < sections) {
            continue;
        }
        for (const uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
            Bytes bad = good;
            bad[at] = value;
            const auto artifact = read_artifact(bad);
            refused += artifact ? 0 : 1;
            EXPECT_TRUE(!artifact || artifact->deciders == example().deciders) << at;
        }
    }
    EXPECT_GT(refused, 100U);
}

} // namespace
} // namespace xdpc
