#include "runtime/comments.h"
#include "runtime/pins.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

/// Rows that rules' deletes left behind have room beside those of all elements.
constexpr uint32_t spare_rows = 64;
using Row = std::array<char, sets::max_comment + 8>; // ends with a zero

Result<Fd> make_map(const ArtifactSet& set) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    const auto key_bytes = static_cast<uint32_t>(words_of(set.parts) * sizeof(uint32_t));
    Fd fd(bpf_map_create(BPF_MAP_TYPE_HASH, "xdpc_comments", key_bytes, sizeof(Row), set.size + spare_rows,
                         &options));
    if (!fd.valid())
        return fail_errno(fmt::format("cannot make the map of comments of set `{}`", set.name));
    return fd;
}

/// 0, or the error.
int put_row(const Fd& map, std::span<const uint32_t> key, std::string_view text) {
    Row row{};
    std::copy_n(text.data(), std::min(text.size(), sets::max_comment), row.data());
    return bpf_map_update_elem(map.get(), key.data(), row.data(), BPF_ANY) == 0 ? 0 : errno;
}

Result<CommentRows> read_rows(const Fd& map, uint32_t words) {
    CommentRows rows;
    std::vector<uint32_t> key(words), next(words);
    for (bool first = true; bpf_map_get_next_key(map.get(), first ? nullptr : key.data(), next.data()) == 0;
         first = false) {
        Row row{};
        if (bpf_map_lookup_elem(map.get(), next.data(), row.data()) == 0)
            rows.emplace(next, row.data());
        key = next;
    }
    return rows;
}

/// Takes rows away whose elements are gone.
Result<void> drop_stale(const Fd& map, const std::string& generation_path, uint32_t id, uint32_t words) {
    Fd hash = open_pin(generation_path + "/" + set_map(id));
    auto rows = read_rows(map, words);
    if (!rows)
        return tl::unexpected(rows.error());
    for (const auto& [key, text] : *rows) {
        xdpc_dynamic entry{};
        const bool there = bpf_map_lookup_elem(hash.get(), key.data(), &entry) == 0 && has_comment(entry);
        if (!there)
            bpf_map_delete_elem(map.get(), key.data());
    }
    return {};
}

} // namespace

Result<Fd> make_comments(const ArtifactSet& set, const CommentRows& rows) {
    if (rows.empty())
        return Fd();
    auto map = make_map(set);
    if (!map)
        return map;
    for (const auto& [key, text] : rows) {
        if (int error = put_row(*map, key, text); error != 0)
            return fail_errno(fmt::format("cannot write the comments of set `{}`", set.name), error);
    }
    return map;
}

CommentRows comments_of(const std::vector<DynamicElement>& elements) {
    CommentRows rows;
    for (const DynamicElement& element : elements) {
        if (!element.comment.empty())
            rows.emplace(element.key, element.comment);
    }
    return rows;
}

Result<void> adopt_comments(CommentRows& rows, const std::string& generation_path, uint32_t id,
                            const ArtifactSet& set) {
    Fd hash = open_pin(generation_path + "/" + set_map(id));
    auto there = read_comments(generation_path, id, set);
    if (!there)
        return tl::unexpected(there.error());
    for (const auto& [key, text] : *there) {
        xdpc_dynamic entry{};
        if (bpf_map_lookup_elem(hash.get(), key.data(), &entry) == 0 &&
            (entry.flags & XDPC_ELEMENT_COMMENT) != 0)
            rows[key] = text;
    }
    return {};
}

Result<CommentRows> read_comments(const std::string& generation_path, uint32_t id, const ArtifactSet& set) {
    const auto map = open_if_pinned(generation_path + "/" + comments_pin(id));
    if (!map)
        return tl::unexpected(map.error());
    return map->valid() ? read_rows(*map, words_of(set.parts)) : CommentRows{};
}

bool has_comment(const xdpc_dynamic& element) {
    return (element.flags & (XDPC_ELEMENT_COMMENT | XDPC_ELEMENT_FILE)) != 0;
}

Result<void> write_comment(const std::string& generation_path, uint32_t id, const ArtifactSet& set,
                           std::span<const uint32_t> key, std::string_view text) {
    const std::string path = generation_path + "/" + comments_pin(id);
    Fd map = open_pin(path);
    if (text.empty()) {
        if (map.valid())
            bpf_map_delete_elem(map.get(), key.data());
        return {};
    }
    if (!map.valid()) {
        auto made = make_map(set).and_then([&](Fd fd) -> Result<void> {
            map = std::move(fd);
            return pin(map, path);
        });
        if (!made)
            return made;
    }
    int error = put_row(map, key, text);
    if (error == E2BIG) {
        if (auto dropped = drop_stale(map, generation_path, id, words_of(set.parts)); !dropped)
            return dropped;
        error = put_row(map, key, text);
    }
    return error == 0 ? Result<void>{}
                      : fail_errno(fmt::format("cannot write a comment of set `{}`", set.name), error);
}

} // namespace xdpc::rt
