// Comments of elements of sets that rules write. Their tables have no room for text: it stands in a map of
// its own, which no program knows (STATE.md, "Comments").
#pragma once

#include "runtime/bounded.h"
#include "runtime/load_state.h"

#include <map>

namespace xdpc::rt {

using CommentRows = std::map<std::vector<uint32_t>, std::string>;

/// A map with these rows; an invalid one where there are none.
Result<Fd> make_comments(const ArtifactSet& set, const CommentRows& rows);
/// Of the elements of a policy's file.
CommentRows comments_of(const std::vector<DynamicElement>& elements);
/// Adds those of elements that were added live and go on, from a generation's set of that id.
Result<void> adopt_comments(CommentRows& rows, const std::string& generation_path, uint32_t id,
                            const ArtifactSet& set);

/// All that stand there; which of them are an element's, has_comment() says.
Result<CommentRows> read_comments(const std::string& generation_path, uint32_t id, const ArtifactSet& set);
/// Whether the text that stands for its key is this element's.
bool has_comment(const xdpc_dynamic& element);
/// Writes an element's comment, before the element itself is put in; "" takes it away.
Result<void> write_comment(const std::string& generation_path, uint32_t id, const ArtifactSet& set,
                           std::span<const uint32_t> key, std::string_view text);

} // namespace xdpc::rt
