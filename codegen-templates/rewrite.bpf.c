/* What statements do to a frame, as compiler/fields/README.md has it ("How packets are rewritten"). Each is
 * a global function, which the verifier checks once; it finds the headers by itself, and gives one of
 * XDPC_REWRITE_*. */
#include "codegen-templates/rewrite.h"

/* The byte of hi and lo that stands `right` bits left of their end; what is beyond either end is 0. */
INLINE u32 byte_of(u64 hi, u64 lo, int right) {
    u64 bits = right < 0    ? lo << -right
               : right == 0 ? lo
               : right < 64 ? lo >> right | hi << (64 - right)
                            : hi >> (right & 63);
    return bits & 0xff;
}

/* Writes the byte at `at`, which holds bits of hi and lo. `bits`: 0-7 how many bits there are, 8-16 how many
 * of them stand behind this byte, plus 128; 17 whether it is the low byte of its word. What the sum of words
 * becomes more by. A function of its own, so that the verifier goes through it once and not for each byte. */
NOINLINE u64 xdpc_write_byte(struct xdp_md* ctx, u32 at, u32 bits, u64 hi, u64 lo) {
    u8* p = bytes_at(frame_of(ctx), at, 1);
    if (!p) {
        return 0;
    }
    u32 width = bits & 0xff, shift = bits >> 17 & 1 ? 0 : 8;
    int right = (int)(bits >> 8 & 0x1ff) - 128;
    u64 mask_lo = width >= 64 ? ~0ULL : (1ULL << (width & 63)) - 1;
    u64 mask_hi = width >= 128 ? ~0ULL : width > 64 ? (1ULL << (width & 63)) - 1 : 0;
    u32 mask = byte_of(mask_hi, mask_lo, right), old = *p;
    u32 now = (old & ~mask) | byte_of(hi & mask_hi, lo & mask_lo, right);
    *p = now;
    return 0xffff - (old << shift) + (now << shift);
}

/* Writes `width` bits at bit `offset` behind `base`, whose bytes are in the frame. What the sum of words from
 * `base` on becomes more by. */
INLINE u32 write_bits(struct xdp_md* ctx, u32 base, u32 offset, u32 width, u64 hi, u64 lo) {
    u32 end = offset + width, delta = 0;
    for (u32 i = 0; i < 16; ++i) {
        u32 at = offset / 8 + i;
        if (at * 8 >= end) {
            break;
        }
        u32 right = end - (at + 1) * 8 + 128;
        delta += (u32)xdpc_write_byte(ctx, base + at, width | (right & 0x1ff) << 8 | (at & 1) << 17, hi, lo);
    }
    return delta;
}

/* Where a header is, and how much of it has to be there; 0 bytes if it is not reached. */
struct header {
    u32 at;
    u32 size;
};
INLINE int is_tag(struct frame f, u32 at) {
    u8* tag = bytes_at(unrelated(f), at, 2);
    return tag ? is_tpid(be16(tag)) : 0;
}
INLINE struct header header_of(struct place* p, u32 which, u32 size) {
    u32 guard = which & 0xffff;
    switch (which >> 16) {
    case XDPC_IN_LINK:
        return (struct header){0, size};
    case XDPC_IN_TAG:
        return (struct header){12 + 4 * guard, is_tag(p->f, 12) && (!guard || is_tag(p->f, 16)) ? size : 0};
    case XDPC_IN_TYPE:
        return (struct header){p->nh - 2, p->nh ? size : 0};
    case XDPC_IN_NETWORK:
        return (struct header){p->nh, p->nh && p->type == guard ? size : 0};
    case XDPC_IN_TRANSPORT4:
        return (struct header){p->th, p->th && p->type == 0x0800 && p->proto == guard ? size : 0};
    case XDPC_IN_TRANSPORT6:
        return (struct header){p->th, p->th && p->type == 0x86dd && p->proto == guard ? size : 0};
    case XDPC_IN_TRANSPORT:
        return (struct header){p->th, p->th && p->proto == guard ? size : 0};
    default: /* XDPC_IN_PORTS */
        return (struct header){
            p->th, p->th && (p->proto == TCP || p->proto == UDP || p->proto == UDPLITE || p->proto == DCCP)
                       ? size
                       : 0};
    }
}

/* `which`: the header (XDPC_IN_* and its guard); `bits`: width, offset of the field, min_bytes of the header,
 * a byte each but the offset with two. */
NOINLINE u64 xdpc_set_field(struct xdp_md* ctx, u32 which, u32 bits, u64 hi, u64 lo) {
    u32 kind = which >> 16;
    struct place p = find_headers(ctx, kind != XDPC_IN_LINK && kind != XDPC_IN_TAG && kind != XDPC_IN_TYPE);
    u32 width = bits & 0xff, offset = bits >> 8 & 0xffff;
    struct header h = header_of(&p, which, bits >> 24);
    if (!h.size || !bytes_at(p.f, h.at, 1) || h.at + h.size > length_of(p.f) ||
        h.at + (offset + width + 7) / 8 > length_of(p.f)) {
        return XDPC_REWRITE_ABSENT;
    }
    struct sum sum = {};
    if (kind >= XDPC_IN_TRANSPORT4) {
        sum = transport_sum(&p);
        if (kind == XDPC_IN_PORTS && !sum.at) {
            return XDPC_REWRITE_ABSENT;
        }
    }
    u32 delta = write_bits(ctx, h.at, offset, width, hi, lo);
    if (kind == XDPC_IN_NETWORK && p.type == 0x0800) {
        keep(p.f, (struct sum){p.nh + 10, 0, 0}, delta);
    }
    int addresses = p.type == 0x0800 ? offset >= 96 : offset >= 64;
    if (kind == XDPC_IN_NETWORK && (p.type == 0x0800 || p.type == 0x86dd) && addresses) {
        sum = transport_sum(&p);
        sum.at = sum.addresses ? sum.at : 0;
    }
    keep(p.f, sum, delta);
    return XDPC_REWRITE_DONE;
}

/* `tcp option maxseg size`, which is lowered only. */
NOINLINE u64 xdpc_set_maxseg(struct xdp_md* ctx, u32 value) {
    struct place p = find_headers(ctx, 1);
    if (!p.th || p.proto != TCP) {
        return XDPC_REWRITE_ABSENT;
    }
    u64 option = xdpc_tcp_option(ctx, p.th, 2);
    u32 at = (option & 0xffff) + 2;
    u8* size = bytes_at(p.f, at, 2);
    if (!(option & XDPC_OPTION_FOUND) || (option >> 16 & 0xff) < 4 || !size) {
        return XDPC_REWRITE_ABSENT;
    }
    if ((value & 0xffff) < be16(size)) {
        keep(p.f, transport_sum(&p), write_bits(ctx, p.th, (at - p.th) * 8, 16, 0, value));
    }
    return XDPC_REWRITE_DONE;
}

INLINE void swap_addresses(struct place* p) {
    u8* ether = bytes_at(p->f, 0, 14);
    if (ether) {
        swap16(ether, ether + 6, 3);
    }
    u8* ip = p->type == 0x0800 && p->nh ? bytes_at(p->f, p->nh, 20) : 0;
    if (ip) {
        swap16(ip + 12, ip + 16, 2);
    }
    ip = p->type == 0x86dd && p->nh ? bytes_at(p->f, p->nh, 40) : 0;
    if (ip) {
        swap16(ip + 8, ip + 24, 8);
    }
}

NOINLINE u64 xdpc_reflect(struct xdp_md* ctx) {
    struct place p = find_headers(ctx, 1);
    if (!bytes_at(p.f, 0, 14)) {
        return XDPC_REWRITE_ABSENT;
    }
    swap_addresses(&p);
    u8* ports = transport_sum(&p).at ? bytes_at(p.f, p.th, 4) : 0;
    if (ports && (p.proto == TCP || p.proto == UDP || p.proto == UDPLITE || p.proto == DCCP)) {
        swap16(ports, ports + 2, 1);
    }
    return XDPC_REWRITE_DONE;
}

NOINLINE u64 xdpc_reply_echo(struct xdp_md* ctx) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    u8* message = p.th && p.proto == (v6 ? ICMPV6 : ICMP) ? bytes_at(p.f, p.th, 8) : 0;
    u8* ip = bytes_at(p.f, p.nh, v6 ? 40 : 20);
    if (!message || !ip || message[0] != (v6 ? 128 : 8) || (p.ip >> 28 & 3) != 0) {
        return XDPC_REWRITE_ABSENT;
    }
    if (v6 ? ip[24] == 0xff : ip[16] >= 224) {
        return XDPC_REWRITE_ABSENT;
    }
    keep(p.f, transport_sum(&p), write_bits(ctx, p.th, 0, 8, 0, v6 ? 129 : 0));
    if (v6) {
        ip[7] = 64;
    } else {
        keep(p.f, (struct sum){p.nh + 10, 0, 0}, write_bits(ctx, p.nh, 64, 8, 0, 64));
    }
    swap_addresses(&p);
    return XDPC_REWRITE_DONE;
}
