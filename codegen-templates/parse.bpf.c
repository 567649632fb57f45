/* Reading of frames that are out of the ordinary: tags, IPv6 extension headers, AH, options, malformed ones.
 * The meaning is that of compiler/fields/README.md. Ordinary frames never get here: the code generator emits
 * their parsing inline.
 *
 * All functions are global BPF functions of scalars: the verifier checks each once, by itself, and takes what
 * they return for an unknown number, so that their many paths do not multiply those of the policy. Each
 * linked only where a policy needs it. */
#include "codegen-templates/templates.h"

/* Far beyond any header: 24 bytes of link, 40 of IP and 12 extension headers of 2 kB end below it. The
 * verifier needs to see a bound. */
#define OFFSET_MASK 0x7fff

struct frame {
    u8* begin;
    u8* end;
};

static inline struct frame frame_of(struct xdp_md* ctx) {
    return (struct frame){(u8*)(long)ctx->data, (u8*)(long)ctx->data_end};
}
/* Null where `size` bytes at `offset` are not all in the frame. */
static inline u8* bytes_at(struct frame f, u32 offset, u32 size) {
    u8* at = f.begin + (offset & OFFSET_MASK);
    return at + size > f.end ? 0 : at;
}
static inline u32 length_of(struct frame f) {
    return (u32)(f.end - f.begin);
}
static inline u32 be16(const u8* p) {
    return __builtin_bswap16(*(const u16*)p);
}
static inline int is_tpid(u32 type) {
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* XDPC_NET_* of templates.h. */
NOINLINE u64 xdpc_network(struct xdp_md* ctx) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, 0, 14);
    if (!p) {
        return XDPC_NET_TAG_CUT; /* under 14 bytes: malformed, nothing to be found */
    }
    u32 type = be16(p + 12);
    if (!is_tpid(type)) {
        return XDPC_NET_REACHED | XDPC_NET_TYPE_KNOWN | (u64)type << 16 | 14;
    }
    u64 result = XDPC_NET_TAG0;
    if (!bytes_at(f, 12, 6)) {
        return result | (bytes_at(f, 12, 4) ? 0 : XDPC_NET_TAG_CUT);
    }
    type = be16(p + 16);
    if (!is_tpid(type)) {
        return result | XDPC_NET_REACHED | XDPC_NET_TYPE_KNOWN | (u64)type << 16 | 18;
    }
    result |= XDPC_NET_TAG1;
    if (!bytes_at(f, 16, 6)) {
        return result | (bytes_at(f, 16, 4) ? 0 : XDPC_NET_TAG_CUT);
    }
    type = be16(p + 20);
    result |= XDPC_NET_TYPE_KNOWN | (u64)type << 16;
    if (is_tpid(type)) {
        return result | (bytes_at(f, 20, 4) ? 0 : XDPC_NET_TAG_CUT);
    }
    return result | XDPC_NET_REACHED | 22;
}

static inline int is_walked(u32 proto, int v6) {
    return proto == 51 || (v6 && (proto == 0 || proto == 43 || proto == 60 || proto == 135 || proto == 44));
}

/* The header of kind `proto` at `offset`: XDPC_WALK_CUT, or what its walk ends with, or bits 0-15 the offset
 * of the next one, 16-23 its kind, and whether this is a first fragment. A function of its own, so that the
 * verifier goes through it once and not at each step of each walk. */
NOINLINE u64 xdpc_walk_step(struct xdp_md* ctx, u32 offset, u32 proto) {
    struct frame f = frame_of(ctx);
    u64 flags = 0;
    u8* p = bytes_at(f, offset & 0xffff, proto == 51 ? 12 : 8);
    if (!p) {
        return XDPC_WALK_CUT;
    }
    u32 next = p[0];
    u32 size = 8;
    if (proto == 44) {
        u32 place = be16(p + 2);
        if (place & 0xfff8) {
            flags = XDPC_WALK_LATER | (is_walked(next, 1) ? XDPC_WALK_NO_PROTO : 0);
            return flags | (u64)next << 16 | (offset & 0xffff);
        }
        flags = place & 1 ? XDPC_WALK_FIRST : 0;
    } else if (proto == 51) {
        size = ((u32)p[1] + 2) * 4;
    } else {
        size = ((u32)p[1] + 1) * 8;
    }
    offset = (offset & OFFSET_MASK) + size;
    if (offset > length_of(f)) {
        return flags | XDPC_WALK_BROKEN;
    }
    return flags | (u64)next << 16 | (offset & 0xffff);
}

/* Steps over extension headers (behind IPv4: AH only) from `offset`, whose kind is `proto`. `want` is the
 * kind whose first place is looked for. XDPC_WALK_* of templates.h. */
NOINLINE u64 xdpc_walk(struct xdp_md* ctx, u32 offset, u32 proto, u32 v6, u32 want) {
    u64 flags = 0;
    offset &= 0xffff;
    proto &= 0xff;
    for (int i = 0; i < 12 && is_walked(proto, v6); ++i) {
        u64 step = xdpc_walk_step(ctx, offset, proto);
        if (step & XDPC_WALK_CUT) {
            return flags | XDPC_WALK_BROKEN;
        }
        if (proto == want && !(flags & XDPC_WALK_FOUND)) {
            flags |= XDPC_WALK_FOUND | (u64)(offset & OFFSET_MASK) << 32;
        }
        if (step & (XDPC_WALK_LATER | XDPC_WALK_BROKEN)) {
            return flags | step;
        }
        flags |= step & XDPC_WALK_FIRST;
        proto = step >> 16 & 0xff;
        offset = step & 0xffff;
    }
    if (is_walked(proto, v6)) {
        return flags | XDPC_WALK_BROKEN;
    }
    return flags | (u64)proto << 16 | (offset & 0xffff);
}

static inline u64 transport4(struct xdp_md* ctx, u32 nh) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, nh, 8);
    if (!p) {
        return 0;
    }
    u32 place = be16(p + 6);
    u32 later = (place & 0x1fff) != 0;
    u64 result = XDPC_IP_FRAGMENT_KNOWN;
    result |= later ? XDPC_IP_LATER | 2ULL << 28 : place & 0x2000 ? 1ULL << 28 : 0;
    p = bytes_at(f, nh, 20);
    if (!p) {
        return result;
    }
    u32 header = (p[0] & 0xf) * 4;
    u32 total = be16(p + 2);
    nh &= OFFSET_MASK;
    if (p[0] >> 4 != 4 || header < 20 || header > total || nh + total > length_of(f)) {
        return result;
    }
    result |= XDPC_IP_SOUND | (u64)(nh + total) << 32;
    if (later) {
        return result | (p[9] == 51 ? 0 : XDPC_IP_PROTO_KNOWN | (u64)p[9] << 16);
    }
    if (p[9] != 51) {
        return result | XDPC_IP_PROTO_KNOWN | XDPC_IP_TRANSPORT | (u64)p[9] << 16 | (nh + header);
    }
    u64 walk = xdpc_walk(ctx, nh + header, p[9], 0, 256);
    if (walk & XDPC_WALK_BROKEN) {
        return result | XDPC_IP_BROKEN;
    }
    return result | XDPC_IP_PROTO_KNOWN | XDPC_IP_TRANSPORT | (walk & 0xffffff);
}

static inline u64 transport6(struct xdp_md* ctx, u32 nh) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, nh, 40);
    if (!p || p[0] >> 4 != 6) {
        return 0;
    }
    nh &= OFFSET_MASK;
    u64 result = 0;
    u32 payload = be16(p + 4);
    if (nh + 40 + payload <= length_of(f)) {
        u32 end = payload ? nh + 40 + payload : length_of(f);
        result |= XDPC_IP_SOUND | (u64)end << 32;
    }
    u64 walk = xdpc_walk(ctx, nh + 40, p[6], 1, 256);
    if (walk & XDPC_WALK_BROKEN) {
        return result | XDPC_IP_BROKEN;
    }
    result |= XDPC_IP_FRAGMENT_KNOWN;
    if (walk & XDPC_WALK_LATER) {
        result |= XDPC_IP_LATER | 2ULL << 28;
    } else if (walk & XDPC_WALK_FIRST) {
        result |= 1ULL << 28;
    }
    if (!(result & XDPC_IP_SOUND)) {
        return result;
    }
    result |= walk & 0xff0000;
    result |= walk & XDPC_WALK_NO_PROTO ? 0 : XDPC_IP_PROTO_KNOWN;
    return result | (walk & XDPC_WALK_LATER ? 0 : XDPC_IP_TRANSPORT | (walk & 0xffff));
}

/* What the IP header at `nh` says, and what stands behind it. XDPC_IP_* of templates.h. */
NOINLINE u64 xdpc_transport(struct xdp_md* ctx, u32 nh, u32 ethertype) {
    return ethertype == 0x0800 ? transport4(ctx, nh) : ethertype == 0x86dd ? transport6(ctx, nh) : 0;
}

/* Where `@ih` begins, with bit 16 set if it is reached. */
NOINLINE u64 xdpc_inner(struct xdp_md* ctx, u32 th, u32 proto, u32 v6) {
    struct frame f = frame_of(ctx);
    u32 size = 0;
    u8* p;
    th &= OFFSET_MASK;
    switch (proto & 0xff) {
    case 6:
        p = bytes_at(f, th + 12, 1);
        size = p && *p >= 0x50 ? (*p >> 4) * 4 : 0;
        break;
    case 33:
        p = bytes_at(f, th + 4, 1);
        size = p && *p >= 3 ? *p * 4 : 0;
        break;
    case 132:
        size = 12;
        break;
    case 17:
    case 136:
        size = 8;
        break;
    case 1:
        size = v6 ? 0 : 8;
        break;
    case 58:
        size = v6 ? 8 : 0;
        break;
    }
    return size ? XDPC_INNER_REACHED | (th + size) : 0;
}

/* Where the fields of the first AH are: XDPC_WALK_FOUND and the offset at bit 32. */
NOINLINE u64 xdpc_ah(struct xdp_md* ctx, u32 nh, u32 ethertype) {
    struct frame f = frame_of(ctx);
    if (ethertype == 0x86dd) {
        u8* p = bytes_at(f, nh, 40);
        return p ? xdpc_walk(ctx, (nh & OFFSET_MASK) + 40, p[6], 1, 51) : XDPC_WALK_BROKEN;
    }
    u8* p = bytes_at(f, nh, 20);
    return p ? xdpc_walk(ctx, (nh & OFFSET_MASK) + (p[0] & 0xf) * 4, p[9], 0, 51) : XDPC_WALK_BROKEN;
}

/* The first extension header of a kind. */
NOINLINE u64 xdpc_extension(struct xdp_md* ctx, u32 nh, u32 ethertype, u32 kind) {
    u8* p = ethertype == 0x86dd ? bytes_at(frame_of(ctx), nh, 40) : 0;
    if (!p || p[0] >> 4 != 6) {
        return XDPC_WALK_BROKEN;
    }
    return xdpc_walk(ctx, (nh & OFFSET_MASK) + 40, p[6], 1, kind);
}

/* One step over options: the option at `offset`, of those that end at `end`. Bits 0-15 its length, 0 if it
 * ends the walk; 16-23 its kind; bit 24 set unless it does not count. Apart, since the loop below would
 * multiply its paths. */
NOINLINE u64 xdpc_option_step(struct xdp_md* ctx, u32 offset, u32 end) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, offset, 1);
    if (!p || offset >= end) {
        return 0;
    }
    if (*p <= 1) {
        return 1 << 24 | (u32)*p << 16 | *p;
    }
    p = bytes_at(f, offset, 2);
    if (!p || offset + 1 >= end || p[1] < 2 || offset + p[1] > end) {
        return 0;
    }
    return 1 << 24 | (u32)p[0] << 16 | p[1];
}

/* The first option of `kind` in [offset, offset + size). XDPC_OPTION_* of templates.h. */
static inline u64 find_option(struct xdp_md* ctx, u32 offset, u32 size, u32 kind) {
    u32 end = offset + size;
    for (int i = 0; i < 40; ++i) {
        u64 step = xdpc_option_step(ctx, offset, end);
        if (!(step >> 24 & 1)) {
            break;
        }
        u32 length = step & 0xff;
        if ((step >> 16 & 0xff) == kind) {
            return XDPC_OPTION_WALKED | XDPC_OPTION_FOUND | (u64)(length ? length : 1) << 16 |
                   (offset & OFFSET_MASK);
        }
        if (length == 0) {
            break;
        }
        offset += length;
    }
    return XDPC_OPTION_WALKED;
}

NOINLINE u64 xdpc_ip_option(struct xdp_md* ctx, u32 nh, u32 kind) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, nh, 20);
    if (!p || p[0] >> 4 != 4 || (p[0] & 0xf) < 5) {
        return 0;
    }
    u32 size = (p[0] & 0xf) * 4;
    nh &= OFFSET_MASK;
    if (nh + size > length_of(f)) {
        return 0;
    }
    return find_option(ctx, nh + 20, size - 20, kind & 0xff);
}

NOINLINE u64 xdpc_tcp_option(struct xdp_md* ctx, u32 th, u32 kind) {
    struct frame f = frame_of(ctx);
    u8* p = bytes_at(f, th, 20);
    if (!p || p[12] < 0x50) {
        return 0;
    }
    u32 size = (p[12] >> 4) * 4;
    th &= OFFSET_MASK;
    if (th + size > length_of(f)) {
        return 0;
    }
    return find_option(ctx, th + 20, size - 20, kind & 0xff);
}

static inline u32 min_bytes_of(u32 proto, int v6) {
    switch (proto) {
    case 6:
        return 20;
    case 132:
    case 33:
        return 12;
    case 17:
    case 136:
    case 50:
        return 8;
    case 1:
    case 2:
        return v6 ? 0 : 8;
    case 58:
        return v6 ? 8 : 0;
    case 108:
        return 4;
    default:
        return 0;
    }
}

static inline u32 malformed_transport(struct frame f, u64 ip, int v6) {
    u32 th = ip & 0xffff, proto = ip >> 16 & 0xff, end = ip >> 32;
    if (th + min_bytes_of(proto, v6) > length_of(f)) {
        return 1;
    }
    if (proto == 6) {
        u8* p = bytes_at(f, th, 20);
        u32 size = p ? (p[12] >> 4) * 4 : 0;
        return size < 20 || th + size > end;
    }
    if (proto == 17) {
        u8* p = bytes_at(f, th, 8);
        u32 size = p ? be16(p + 4) : 0;
        return size < 8 ? !(v6 && p && size == 0) : th + size > end;
    }
    return 0;
}

NOINLINE u64 xdpc_malformed(struct xdp_md* ctx) {
    struct frame f = frame_of(ctx);
    u64 net = xdpc_network(ctx);
    if (net & XDPC_NET_TAG_CUT) {
        return 1;
    }
    if (!(net & XDPC_NET_REACHED)) {
        return 0;
    }
    u32 nh = net & 0xffff, type = net >> 16 & 0xffff;
    if (type == 0x0806) {
        return nh + 28 > length_of(f);
    }
    if (type != 0x0800 && type != 0x86dd) {
        return 0;
    }
    u64 ip = xdpc_transport(ctx, nh, type);
    if (!(ip & XDPC_IP_SOUND) || ip & XDPC_IP_BROKEN) {
        return 1;
    }
    return ip & XDPC_IP_TRANSPORT ? malformed_transport(f, ip, type == 0x86dd) : 0;
}

/* Adds a frame to a mid counter. */
extern char counters;
NOINLINE u64 xdpc_count(struct xdp_md* ctx, u32 slot) {
    static void* (*const map_lookup_elem)(void*, const void*) = (void*)1;
    struct frame f = frame_of(ctx);
    struct xdpc_counter* c = map_lookup_elem(&counters, &slot);
    if (c) {
        c->packets += 1;
        c->bytes += length_of(f);
    }
    return 0;
}

NOINLINE u64 xdpc_random(u64 seed, u64 packet, u64 occurrence) {
    return random_draw(seed, packet, occurrence);
}
