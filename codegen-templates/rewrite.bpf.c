/* What statements do to a frame, as compiler/fields/README.md has it ("How packets are rewritten"). Each is
 * a global function, which the verifier checks once; it finds the headers by itself, and gives one of
 * XDPC_REWRITE_*. */
#include "codegen-templates/rewrite.h"

/* Writes the bits of the byte at `at` that a mask has. `what`: 0-7 the bits, 8-15 the mask, 16 whether it is
 * the low byte of its word. What the sum of words becomes more by. A function of its own, so that the
 * verifier goes through it once and not for each byte; and with little on the stack, which is 512 bytes for
 * all that is on a packet's way. */
NOINLINE u64 xdpc_write_byte(struct xdp_md* ctx, u32 at, u32 what) {
    u8* p = bytes_at(frame_of(ctx), at, 1);
    if (!p) {
        return 0;
    }
    u32 shift = what >> 16 & 1 ? 0 : 8;
    u32 mask = what >> 8 & 0xff, old = *p;
    u32 now = (old & ~mask) | (what & mask);
    *p = now;
    return 0xffff - (old << shift) + (now << shift);
}

/* Writes `width` bits at bit `offset` behind `base`, whose bytes are in the frame: from the last byte to the
 * first. No field that does not end with a byte is wider than 64 bits. What the sum of words from `base` on
 * becomes more by. */
INLINE u32 write_bits(struct xdp_md* ctx, u32 base, u32 offset, u32 width, u64 hi, u64 lo) {
    u32 at = (offset + width + 7) / 8, pad = at * 8 - offset - width, delta = 0;
    u64 mask_lo = width >= 64 ? ~0ULL : (1ULL << (width & 63)) - 1;
    u64 mask_hi = width >= 128 ? ~0ULL : width > 64 ? (1ULL << (width & 63)) - 1 : 0;
    if (pad) {
        mask_hi |= mask_lo >> (64 - pad);
        mask_lo <<= pad;
        hi = hi << pad | lo >> (64 - pad);
        lo <<= pad;
    }
    for (u32 i = 0; i < 16 && (mask_lo | mask_hi); ++i) {
        --at;
        u32 what = (lo & 0xff) | (mask_lo & 0xff) << 8 | (at & 1) << 16;
        delta += (u32)xdpc_write_byte(ctx, base + at, what);
        lo = lo >> 8 | hi << 56;
        hi >>= 8;
        mask_lo = mask_lo >> 8 | mask_hi << 56;
        mask_hi >>= 8;
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
