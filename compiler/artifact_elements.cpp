// Elements of live sets in an object's section `.xdpc.elements`: for each set its numbers of elements, extras
// and bytes of comments, then words, values, extras and comments. Reading trusts nothing.
#include "compiler/artifact_elf.h"
#include "compiler/base/set_kinds.h"

#include <cstring>
#include <fmt/format.h>

namespace xdpc {

namespace {

constexpr uint32_t max_comment = 1024;

struct SetHead {
    uint64_t count = 0;
    uint64_t extras = 0;
    uint64_t comments = 0; // bytes
};
struct ExtraRecord {
    uint32_t element = 0;
    uint32_t comment = 0; // bytes
    uint64_t timeout_ns = 0;
};

bool has_intervals(const ArtifactSet& set) {
    return has_two_ends(set_kind_of(set.kind));
}

size_t key_words(const ArtifactSet& set) {
    size_t words = 0;
    for (const auto& [type, bits] : set.parts) {
        words += words_of_width(bits);
    }
    return words;
}

size_t stride_of(const ArtifactSet& set) {
    return key_words(set) * (has_intervals(set) ? 2 : 1);
}

void append(std::vector<uint8_t>& to, const void* from, size_t bytes) {
    const auto* begin = static_cast<const uint8_t*>(from);
    to.insert(to.end(), begin, begin + bytes);
}

/// Takes bytes off the front; false if there are fewer.
class Taker {
public:
    explicit Taker(std::span<const uint8_t> bytes) : rest_(bytes) {}
    bool take(void* to, size_t bytes) {
        if (bytes > rest_.size()) {
            return false;
        }
        if (bytes != 0) {
            std::memcpy(to, rest_.data(), bytes);
        }
        rest_ = rest_.subspan(bytes);
        return true;
    }
    template<class T> bool take(std::vector<T>& to, uint64_t count) {
        if (count > rest_.size() / sizeof(T)) {
            return false;
        }
        to.resize(count);
        return take(to.data(), count * sizeof(T));
    }
    [[nodiscard]] bool done() const { return rest_.empty(); }

private:
    std::span<const uint8_t> rest_;
};

bool read_extras(Taker& taker, const SetHead& head, SetElements& elements) {
    std::vector<ExtraRecord> records;
    std::vector<char> comments;
    if (!taker.take(records, head.extras) || !taker.take(comments, head.comments)) {
        return false;
    }
    size_t at = 0;
    uint64_t next = 0; // elements that may still have extras
    for (const ExtraRecord& record : records) {
        const bool fits = record.element >= next && record.element < elements.count &&
                          record.comment <= max_comment && record.comment <= comments.size() - at;
        if (!fits) {
            return false;
        }
        next = uint64_t{record.element} + 1;
        elements.extras.push_back(
            {record.element, record.timeout_ns, std::string(comments.data() + at, record.comment)});
        at += record.comment;
    }
    return at == comments.size();
}

/// Each part within its width, and no interval reversed.
bool are_keys(const ArtifactSet& set, const SetElements& elements) {
    const size_t words = key_words(set);
    const size_t stride = stride_of(set);
    for (size_t i = 0; i < elements.count; ++i) {
        const uint32_t* low = elements.words.data() + i * stride;
        const uint32_t* high = has_intervals(set) ? low + words : low;
        for (const auto& [type, bits] : set.parts) {
            const u128 first = value_of_words(low, bits);
            const u128 last = value_of_words(high, bits);
            if (first > last || last > max_of_width(bits)) {
                return false;
            }
            low += words_of_width(bits);
            high += words_of_width(bits);
        }
    }
    return true;
}

bool read_set(Taker& taker, const ArtifactSet& set, SetElements& elements) {
    SetHead head;
    if (!taker.take(&head, sizeof(head)) || head.count > set.size) {
        return false;
    }
    elements.count = head.count;
    if (!taker.take(elements.words, head.count * stride_of(set)) ||
        !taker.take(elements.values, set.is_map() ? head.count : 0) || !read_extras(taker, head, elements)) {
        return false;
    }
    for (const uint32_t value : elements.values) {
        if (set.value ? value > max_of_width(set.value->second) : value >= set.names.size()) {
            return false;
        }
    }
    return are_keys(set, elements);
}

/// A section more, at the end of the object.
Result<std::vector<uint8_t>> with_section(std::vector<uint8_t> object, std::string_view name,
                                          std::span<const uint8_t> contents) {
    const auto header = elf::read_at<Elf64_Ehdr>(object, 0);
    if (!header || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum >= SHN_LORESERVE - 1 ||
        header->e_shstrndx >= header->e_shnum) {
        return fail("the object has no section table");
    }
    std::vector<Elf64_Shdr> sections(header->e_shnum);
    for (size_t i = 0; i < sections.size(); ++i) {
        const auto section = elf::read_at<Elf64_Shdr>(object, header->e_shoff + i * sizeof(Elf64_Shdr));
        if (!section) {
            return fail("the object's section table is cut short");
        }
        sections[i] = *section;
    }
    Elf64_Shdr& names = sections[header->e_shstrndx];
    const auto strings = elf::contents(object, names);
    if (!strings) {
        return fail("the object has no section names");
    }
    std::vector<uint8_t> all_names(strings->begin(), strings->end());
    Elf64_Shdr added{};
    added.sh_name = static_cast<uint32_t>(all_names.size());
    added.sh_type = SHT_PROGBITS;
    added.sh_offset = object.size();
    added.sh_size = contents.size();
    added.sh_addralign = 1;
    append(all_names, name.data(), name.size());
    all_names.push_back(0);
    append(object, contents.data(), contents.size());
    names.sh_offset = object.size();
    names.sh_size = all_names.size();
    append(object, all_names.data(), all_names.size());
    sections.push_back(added);
    object.resize((object.size() + 7) / 8 * 8);
    Elf64_Ehdr changed = *header;
    changed.e_shoff = object.size();
    changed.e_shnum = static_cast<uint16_t>(sections.size());
    append(object, sections.data(), sections.size() * sizeof(Elf64_Shdr));
    std::memcpy(object.data(), &changed, sizeof(changed));
    return object;
}

} // namespace

Result<std::vector<uint8_t>> complete_object(const Artifact& artifact) {
    const std::string json = artifact_metadata(artifact);
    auto object = with_section(artifact.object, metadata_section,
                               {reinterpret_cast<const uint8_t*>(json.data()), json.size()});
    if (artifact.sets.empty() || !object) {
        return object;
    }
    std::vector<uint8_t> bytes;
    for (const SetElements& elements : artifact.elements) {
        SetHead head{elements.count, elements.extras.size(), 0};
        for (const SetElements::Extra& extra : elements.extras) {
            head.comments += extra.comment.size();
        }
        append(bytes, &head, sizeof(head));
        append(bytes, elements.words.data(), elements.words.size() * sizeof(uint32_t));
        append(bytes, elements.values.data(), elements.values.size() * sizeof(uint32_t));
        for (const SetElements::Extra& extra : elements.extras) {
            const ExtraRecord record{extra.element, static_cast<uint32_t>(extra.comment.size()),
                                     extra.timeout_ns};
            append(bytes, &record, sizeof(record));
        }
        for (const SetElements::Extra& extra : elements.extras) {
            append(bytes, extra.comment.data(), extra.comment.size());
        }
    }
    return with_section(std::move(*object), elements_section, bytes);
}

Result<void> read_elements(std::span<const uint8_t> object, Artifact& artifact) {
    artifact.elements.assign(artifact.sets.size(), {});
    if (artifact.sets.empty()) {
        return {};
    }
    const auto section = elf::find_section(object, elements_section);
    if (!section) {
        return tl::unexpected(section.error());
    }
    Taker taker(*section);
    for (size_t i = 0; i < artifact.sets.size(); ++i) {
        if (!read_set(taker, artifact.sets[i], artifact.elements[i])) {
            return fail(fmt::format("damaged elements of set `{}`", artifact.sets[i].name));
        }
    }
    return taker.done() ? Result<void>{} : fail("damaged elements: more than the sets have");
}

} // namespace xdpc
