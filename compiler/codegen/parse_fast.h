// What the parts of the parsing of ordinary frames share. Private to compiler/codegen.
#pragma once

#include "compiler/codegen/kinds.h"

namespace xdpc::codegen {

inline constexpr unsigned max_tags = 2;

/// How a network header is come to: behind so many tags.
struct Arrival {
    llvm::BasicBlock* from;
    llvm::Value* header;
    llvm::Value* ethertype;
    unsigned tags;
};

struct FastParse {
    Lowering& l;
    llvm::Value* ctx;
    llvm::BasicBlock* generic;
    const Enter& enter;
    Reads reads;
    llvm::Value* data = nullptr;
    llvm::Value* end = nullptr;
    std::array<std::vector<Arrival>, 4> arrivals{}; // by Net
    // Keys of tags by number of tags and KeyId.
    std::array<std::vector<KeyValue>, max_tags + 1> tag_keys{};
};

/// What of one kind of frame is in registers.
struct Found {
    llvm::Value* network = nullptr;
    llvm::Value* transport = nullptr;
    llvm::Value* inner = nullptr;
    llvm::Value* ethertype = nullptr; // raw, 16 bits
    llvm::Value* protocol = nullptr;  // 8 bits
    llvm::Value* place = nullptr;     // IPv4's fragment word, raw, 16 bits
    llvm::Value* ip_bytes =
        nullptr; // i32: of the IP packet behind its fixed header; null where not looked at
    std::vector<KeyValue> tag_keys;
};

inline const std::vector<KeySource>& keys_of(const FastParse& p) {
    return p.l.input.program.keys;
}
/// Goes on if `size` bytes behind `base` are in the frame, else to the generic parser.
void require(FastParse& p, llvm::Value* base, uint64_t size);
void require_not(FastParse& p, llvm::Value* odd);
/// How far behind `base` the keys of a kind reach.
uint64_t bytes_needed(const FastParse& p, const Kind& kind, RawBase base);
llvm::Value* swapped(Lowering& l, llvm::Value* word);
/// The place where all frames of one network protocol meet.
Found meet(FastParse& p, Net net);
void enter_kind(FastParse& p, const Found& found, const Kind& kind);

// ---- parse_ip.cpp
void parse_ip4(FastParse& p);
void parse_ip6(FastParse& p);

} // namespace xdpc::codegen
