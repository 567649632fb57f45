/* Tunnels: outer headers put on and taken off, as compiler/fields/README.md has it. */
#include "codegen-templates/rewrite.h"

/* Of the policy's encap statements; the verifier knows the count. */
extern const struct xdpc_tunnel xdpc_tunnels[];
extern const u32 xdpc_tunnel_count;

enum { IN_IP4 = 4, IN_IP6 = 41, GRE = 47, TYPE_FRAME = 0x6558 };

/* What an outer header takes over from the frame. Bits 0-31 the flow's hash, 32-39 DSCP and ECN, 40 whether
 * the packet is IPv6's. */
NOINLINE u64 xdpc_flow(struct xdp_md* ctx) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    u8* ip = p.nh && (p.type == 0x0800 || v6) ? bytes_at(p.f, p.nh, v6 ? 40 : 20) : 0;
    u32 hash = 0;
    if (!ip) {
        u8* link = bytes_at(p.f, 0, 14);
        if (link) {
            hash = flow_mix(flow_mix(flow_mix(hash, be32(link)), be32(link + 4)), be32(link + 8));
        }
        return hash;
    }
    for (int i = v6 ? 8 : 12; i < (v6 ? 40 : 20); i += 4) {
        hash = flow_mix(hash, be32(ip + i));
    }
    u64 tos = v6 ? be16(ip) >> 4 & 0xff : ip[1];
    u32 proto = p.ip & XDPC_IP_PROTO_KNOWN ? p.proto : 0;
    int has_ports =
        proto == TCP || proto == UDP || proto == UDPLITE || proto == DCCP || proto == 132; /* SCTP */
    u8* ports = has_ports && p.th && !(p.ip >> 28 & 3) ? bytes_at(p.f, p.th, 4) : 0;
    hash = flow_mix(hash, proto);
    hash = ports ? flow_mix(hash, be32(ports)) : hash;
    return hash | tos << 32 | (u64)v6 << 40;
}

/* `size` bytes, a number of words, from byte `from` of the tunnel's head on. */
INLINE void put_words(struct frame f, u32 at, const struct xdpc_tunnel* t, u32 from, u32 size) {
    u8* to = bytes_at(unrelated(f), at, size);
    if (to) {
        for (u32 i = 0; i < size; i += 4) {
            *(u32*)(to + i) = *(const u32*)(t->head + from + i);
        }
    }
}

/* What an IP header says of the packet. */
INLINE void put_ip_facts(struct frame f, u32 at, const struct xdpc_tunnel* t, u32 total, u32 tos) {
    u8* ip = bytes_at(unrelated(f), at, 20);
    if (!ip) {
        return;
    }
    if (t->flags & XDPC_TUNNEL_OUTER6) {
        put32(ip, be32(ip) | tos << 20);
        put16(ip + 4, total - 40);
    } else {
        ip[1] |= tos;
        put16(ip + 2, total);
        put16(ip + 10, ~fold((u64)t->sum + tos + total));
    }
}

/* Writes the outer headers of the `index`th tunnel at `at`, in front of `inside` bytes. `flow`: xdpc_flow. */
NOINLINE u64 xdpc_put_outer(struct xdp_md* ctx, u32 index, u32 at, u32 inside, u64 flow) {
    struct frame f = frame_of(ctx);
    if (index >= xdpc_tunnel_count) {
        return 0;
    }
    const struct xdpc_tunnel* t = &xdpc_tunnels[index];
    u32 flags = t->flags, total = t->bytes + inside;
    u32 tos = flow >> 32 & (flags & XDPC_TUNNEL_DSCP ? 3 : 0xff);
    u32 behind = flags & XDPC_TUNNEL_OUTER6 ? 40 : 20;
    put_words(f, at, t, 0, 20);
    if (flags & XDPC_TUNNEL_OUTER6) {
        put_words(f, at + 20, t, 20, 20);
    }
    put_ip_facts(f, at, t, total, tos);
    for (u32 i = 0; i < 16; i += 4) {
        if (behind + i < t->bytes) {
            put_words(f, at + behind + i, t, behind + i, 4);
        }
    }
    at += behind;
    u8* p = flags & XDPC_TUNNEL_UDP ? bytes_at(unrelated(f), at, 8) : 0;
    if (p) {
        put16(p, 0xc000 | (flow & 0x3fff));
        put16(p + 4, total - behind);
    }
    int v6 = flow >> 40 & 1;
    p = flags & XDPC_TUNNEL_GUE ? bytes_at(unrelated(f), at + 9, 1) : 0;
    if (p) {
        *p = v6 ? IN_IP6 : IN_IP4;
    }
    p = flags & XDPC_TUNNEL_GRE ? bytes_at(unrelated(f), at + 2, 2) : 0;
    if (p) {
        put16(p, v6 ? 0x86dd : 0x0800);
    }
    return 0;
}

/* Puts the headers of the `index`th tunnel on. */
NOINLINE u64 xdpc_encap(struct xdp_md* ctx, u32 index) {
    if (index >= xdpc_tunnel_count) {
        return XDPC_REWRITE_ABSENT;
    }
    const struct xdpc_tunnel* t = &xdpc_tunnels[index];
    struct place p = find_headers(ctx, 1);
    u32 flags = t->flags, bytes = t->bytes, is_frame = flags & XDPC_TUNNEL_FRAME;
    u32 begin = 0, end = length_of(p.f);
    if (is_frame) {
        if (end < 14) {
            return XDPC_REWRITE_ABSENT;
        }
    } else {
        u32 wanted = p.type == 0x0800 ? XDPC_TUNNEL_IP4 : p.type == 0x86dd ? XDPC_TUNNEL_IP6 : 0;
        if (!p.nh || !(flags & wanted) || !(p.ip & XDPC_IP_SOUND)) {
            return XDPC_REWRITE_ABSENT;
        }
        begin = p.nh;
        end = p.ip >> 32;
    }
    u32 inside = end - begin, total = bytes + inside;
    if (total > 0xffff || (t->mtu && total > t->mtu)) {
        if (total > 0xffff || !(flags & XDPC_TUNNEL_ANSWER)) {
            return XDPC_REWRITE_REFUSED;
        }
        u32 room = t->mtu - bytes - (is_frame ? p.nh : 0);
        u64 answer = xdpc_reject_icmp(ctx, 0x304, 0x200, room);
        return answer == XDPC_REWRITE_DONE ? XDPC_REWRITE_ANSWERED : XDPC_REWRITE_REFUSED;
    }
    u64 flow = xdpc_flow(ctx);
    u32 grown = (bytes & 63) + (is_frame ? 14 : 0), link = is_frame ? 14 : p.nh;
    if (adjust_head(ctx, -(int)grown)) {
        return XDPC_REWRITE_REFUSED;
    }
    xdpc_move_link(ctx, grown, link, 0);
    u8* type = bytes_at(frame_of(ctx), link - 2, 2);
    if (type) {
        put16(type, flags & XDPC_TUNNEL_OUTER6 ? 0x86dd : 0x0800);
    }
    xdpc_put_outer(ctx, index, link, inside, flow);
    return XDPC_REWRITE_DONE;
}

/* Where what is in a tunnel begins, bits 0-15, and its type at 16: an EtherType, TYPE_FRAME, or 0. */
INLINE u64 inside_gre(struct frame f, u32 at) {
    u8* gre = bytes_at(unrelated(f), at, 4);
    u32 flags = gre ? be16(gre) : 0xffff;
    if (flags & 0x4fff) { /* routing, another version */
        return 0;
    }
    u32 size = 4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
    u32 type = be16(gre + 2);
    return (u64)(type == 0x0800 || type == 0x86dd || type == TYPE_FRAME ? type : 0) << 16 | (at + size);
}
INLINE u64 inside_udp(struct frame f, u32 at, u32 kinds, u32 ports, u32 vni) {
    u8* udp = bytes_at(unrelated(f), at, 12);
    if (!udp) {
        return 0;
    }
    u32 port = be16(udp + 2);
    if (kinds & XDPC_DECAP_VXLAN && port == ports >> 16) {
        u8* vxlan = bytes_at(unrelated(f), at + 8, 8);
        if (!vxlan || !(vxlan[0] & 8) || (vni != XDPC_ANY_VNI && vni != be32(vxlan + 4) >> 8)) {
            return 0;
        }
        return (u64)TYPE_FRAME << 16 | (at + 16);
    }
    if (!(kinds & XDPC_DECAP_GUE) || port != (ports & 0xffff) || udp[8] & 0xe0) { /* version 0, of data */
        return 0;
    }
    u32 type = udp[9] == IN_IP4 ? 0x0800 : udp[9] == IN_IP6 ? 0x86dd : 0;
    return (u64)type << 16 | (at + 12 + 4 * (udp[8] & 31));
}

/* The same for the packet, with the outer ECN at bit 32. `kinds`: XDPC_DECAP_*; `ports`: VXLAN's at bit 16,
 * GUE's at 0; `vni`: or XDPC_ANY_VNI. */
NOINLINE u64 xdpc_find_inside(struct xdp_md* ctx, u32 kinds, u32 ports, u32 vni) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    u8* ip = bytes_at(p.f, p.nh, 20);
    if (!p.th || !ip || !(p.ip & XDPC_IP_SOUND) || p.ip & XDPC_IP_BROKEN || p.ip >> 28 & 3) {
        return 0;
    }
    u64 ecn = (v6 ? be16(ip) >> 4 : ip[1]) & 3, inside = 0;
    if (p.proto == IN_IP4 && kinds & (v6 ? XDPC_DECAP_4IN6 : XDPC_DECAP_IPIP)) {
        inside = 0x0800 << 16 | p.th;
    } else if (p.proto == IN_IP6 && kinds & (v6 ? XDPC_DECAP_IP6IP6 : XDPC_DECAP_6IN4)) {
        inside = (u64)0x86dd << 16 | p.th;
    } else if (p.proto == GRE && kinds & XDPC_DECAP_GRE) {
        inside = inside_gre(p.f, p.th);
    } else if (p.proto == UDP) {
        inside = inside_udp(p.f, p.th, kinds, ports, vni);
    }
    u32 type = inside >> 16 & 0xffff, at = inside & 0xffff, end = p.ip >> 32;
    u32 least = type == 0x0800 ? 20 : type == 0x86dd ? 40 : 14;
    u8* first = bytes_at(frame_of(ctx), at, 1);
    if (!type || at + least > end || !first) {
        return 0;
    }
    if (type != TYPE_FRAME && *first >> 4 != (type == 0x0800 ? 4 : 6)) {
        return 0;
    }
    return inside | ecn << 32;
}

/* Tells the IP packet at `at` that there was congestion on the way: 0 if it does not know the word. */
INLINE int mark_congestion(struct frame f, u32 at, int v6) {
    u8* ip = bytes_at(f, at, 20);
    if (!ip) {
        return 0;
    }
    u32 ecn = v6 ? ip[1] >> 4 & 3 : ip[1] & 3;
    if (ecn == 0) {
        return 0;
    }
    ip[1] |= v6 ? 0x30 : 3;
    if (!v6) {
        keep(f, (struct sum){at + 10, 0, 0}, 3 - ecn);
    }
    return 1;
}

/* Moves what stands before the network header at `nh` to where `at` begins, and says what `type` it is of. */
NOINLINE u64 xdpc_move_link_back(struct xdp_md* ctx, u32 at, u32 nh, u32 type) {
    struct frame f = frame_of(ctx);
    for (u32 i = 2; i <= 22 && i <= nh; i += 2) { /* from the end: the places may overlap */
        u8* from = bytes_at(f, nh - i, 2);
        u8* to = bytes_at(f, at - i, 2);
        if (!from || !to) {
            return 1;
        }
        *(u16*)to = *(u16*)from;
    }
    u8* last = bytes_at(f, at - 2, 2);
    if (last) {
        put16(last, type);
    }
    return 0;
}

/* Takes the outermost tunnel off, if it is one of `kinds`. */
NOINLINE u64 xdpc_decap(struct xdp_md* ctx, u32 kinds, u32 ports, u32 vni) {
    u64 inside = xdpc_find_inside(ctx, kinds, ports, vni);
    u32 type = inside >> 16 & 0xffff, at = inside & OFFSET_MASK;
    if (!type) {
        return XDPC_REWRITE_ABSENT;
    }
    struct place p = find_headers(ctx, 1);
    u32 nh = p.nh, more = (u32)(p.ip >> 32) - length_of(p.f);
    if ((inside >> 32 & 3) == 3 && type != TYPE_FRAME && !mark_congestion(p.f, at, type == 0x86dd)) {
        return XDPC_REWRITE_REFUSED;
    }
    if (more && adjust_tail(ctx, (int)more)) {
        return XDPC_REWRITE_REFUSED;
    }
    if (type == TYPE_FRAME) {
        return adjust_head(ctx, (int)at) ? XDPC_REWRITE_REFUSED : XDPC_REWRITE_DONE;
    }
    if (xdpc_move_link_back(ctx, at, nh, type)) {
        return XDPC_REWRITE_REFUSED;
    }
    return adjust_head(ctx, (int)(at - nh)) ? XDPC_REWRITE_REFUSED : XDPC_REWRITE_DONE;
}
