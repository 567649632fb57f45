/* The answers of `reject`, as compiler/fields/README.md has them. */
#include "codegen-templates/rewrite.h"

enum { ANSWER_TTL = 64, TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* Addresses of an IP packet as words, of IPv4 the first two. */
struct addresses {
    u32 source[4];
    u32 destination[4];
};

INLINE int is_one_host(const u32* address, int v6) {
    u32 first = address[0] & 0xff; /* the first byte, as it is in memory */
    if (v6) {
        return first != 0xff && (address[0] | address[1] | address[2] | address[3]);
    }
    return first != 0 && first < 224;
}

/* False if no host would answer the packet. */
INLINE int read_addresses(struct place* p, struct addresses* a) {
    int v6 = p->type == 0x86dd;
    u8* ip = bytes_at(p->f, p->nh, v6 ? 40 : 20);
    u64 wanted = XDPC_IP_SOUND | XDPC_IP_FRAGMENT_KNOWN;
    if (!ip || (p->ip & wanted) != wanted || p->ip & XDPC_IP_BROKEN || p->ip >> 28 & 3) {
        return 0;
    }
    for (int i = 0; i < (v6 ? 4 : 1); ++i) {
        a->source[i] = *(u32*)(ip + (v6 ? 8 : 12) + 4 * i);
        a->destination[i] = *(u32*)(ip + (v6 ? 24 : 16) + 4 * i);
    }
    return is_one_host(a->source, v6) && is_one_host(a->destination, v6);
}

/* The IP header of what goes back, for a payload of so many bytes behind it; `ip` has room. */
INLINE void put_ip(u8* ip, int v6, u32 protocol, u32 payload, const struct addresses* a) {
    if (v6) {
        put32(ip, 6u << 28);
        put16(ip + 4, payload);
        put16(ip + 6, protocol << 8 | ANSWER_TTL);
    } else {
        put16(ip, 0x4500);
        put16(ip + 2, 20 + payload);
        put32(ip + 4, 0x4000);
        put16(ip + 8, ANSWER_TTL << 8 | protocol);
        put16(ip + 10, 0);
    }
    for (int i = 0; i < (v6 ? 4 : 1); ++i) {
        *(u32*)(ip + (v6 ? 8 : 12) + 4 * i) = a->destination[i];
        *(u32*)(ip + (v6 ? 24 : 16) + 4 * i) = a->source[i];
    }
    if (!v6) {
        u32 sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += be16(ip + i);
        }
        put16(ip + 10, ~fold(sum));
    }
}

INLINE u64 sum_of_addresses(const struct addresses* a, int v6, u32 protocol, u32 payload) {
    u64 sum = protocol + payload;
    for (int i = 0; i < (v6 ? 4 : 1); ++i) {
        u32 source = __builtin_bswap32(a->source[i]), destination = __builtin_bswap32(a->destination[i]);
        sum += (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff);
    }
    return sum;
}

INLINE void put_tcp(u8* tcp, u32 ports, u32 sequence, u32 ackseq, u32 flags, u64 sum) {
    put32(tcp, ports << 16 | ports >> 16);
    put32(tcp + 4, sequence);
    put32(tcp + 8, ackseq);
    put32(tcp + 12, (0x5000 | flags) << 16);
    put32(tcp + 16, 0);
    for (int i = 0; i < 20; i += 2) {
        sum += be16(tcp + i);
    }
    put16(tcp + 16, ~fold(sum));
}

NOINLINE u64 xdpc_reject_tcp(struct xdp_md* ctx) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    struct addresses a = {};
    u8* tcp = p.th && p.proto == TCP ? bytes_at(p.f, p.th, 20) : 0;
    if (!tcp) {
        return XDPC_REWRITE_ABSENT;
    }
    u32 ports = be32(tcp), sequence = be32(tcp + 4), ackseq = be32(tcp + 8);
    u32 flags = tcp[13], header = (tcp[12] >> 4) * 4, end = p.ip >> 32;
    if (!read_addresses(&p, &a) || flags & TCP_RST || header < 20 || p.th + header > end) {
        return XDPC_REWRITE_REFUSED;
    }
    u64 length = p.f.end - p.f.begin;
    __asm__ volatile("" : "+r"(length)); /* else a subtraction of 32 bits, of pointers */
    u8* link = bytes_at(unrelated(p.f), 0, 14);
    if (!link) {
        return XDPC_REWRITE_REFUSED;
    }
    swap16(link, link + 6, 3);
    u8* ip = bytes_at(unrelated(p.f), p.nh, v6 ? 60 : 40);
    if (!ip) { /* never: the TCP header lies farther back */
        return XDPC_REWRITE_REFUSED;
    }
    put_ip(ip, v6, TCP, 20, &a);
    u64 sum = sum_of_addresses(&a, v6, TCP, 20);
    if (flags & TCP_ACK) {
        put_tcp(ip + (v6 ? 40 : 20), ports, ackseq, 0, TCP_RST, sum);
    } else {
        u32 taken = end - p.th - header + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
        put_tcp(ip + (v6 ? 40 : 20), ports, 0, sequence + taken, TCP_RST | TCP_ACK, sum);
    }
    int more = (int)(p.nh + (v6 ? 60 : 40)) - (int)length;
    return adjust_tail(ctx, more) ? XDPC_REWRITE_REFUSED : XDPC_REWRITE_DONE;
}

/* Whether an error may be sent of the packet: of errors none is. */
INLINE int is_no_error(struct place* p, int v6) {
    if (!p->th || p->proto != (v6 ? ICMPV6 : ICMP)) {
        return 1;
    }
    u8* message = bytes_at(p->f, p->th, 8);
    return message && (v6 ? message[0] >= 128 : message[0] == 0 || message[0] == 8);
}

enum { SUM_STEP = 32 };
/* The sum of at most so many bytes at `at`, of which `bytes` are left. A function of its own, so that the
 * verifier goes through it once. */
NOINLINE u64 xdpc_sum_step(struct xdp_md* ctx, u32 at, u32 bytes) {
    struct frame f = frame_of(ctx);
    u64 sum = 0;
    for (u32 i = 0; i < SUM_STEP; i += 2) {
        u8* p = i + 1 < bytes ? bytes_at(f, at + i, 2) : 0;
        if (!p) {
            p = i < bytes ? bytes_at(f, at + i, 1) : 0;
            return p ? sum + ((u32)*p << 8) : sum;
        }
        sum += be16(p);
    }
    return sum;
}

/* Of all bytes that an answer has. */
INLINE u64 sum_of_bytes(struct xdp_md* ctx, u32 at, u32 bytes) {
    u64 sum = 0;
    for (u32 i = 0; i < 1280 - 40; i += SUM_STEP) {
        if (i >= bytes) {
            break;
        }
        sum += xdpc_sum_step(ctx, at + i, bytes - i);
    }
    return sum;
}

/* Moves what stands before the network header at `nh`, at most 22 bytes, `by` bytes to the front, with its
 * addresses swapped if `swaps`. A function of its own, so that the verifier does not go through what follows
 * once for each number of bytes. */
NOINLINE u64 xdpc_move_link(struct xdp_md* ctx, u32 by, u32 nh, u32 swaps) {
    struct frame f = frame_of(ctx);
    for (u32 i = 0; i < 22; i += 2) {
        u8* from = bytes_at(f, by + i, 2);
        u8* to = bytes_at(f, i, 2);
        if (i >= nh || !from || !to) {
            break;
        }
        *(u16*)to = *(u16*)from;
    }
    u8* link = swaps ? bytes_at(f, 0, 14) : 0;
    if (link) {
        swap16(link, link + 6, 3);
    }
    return 0;
}

/* `code4`, `code6`: type and code, or 0 where the family is not answered; `word` stands behind the checksum.
 */
NOINLINE u64 xdpc_reject_icmp(struct xdp_md* ctx, u32 code4, u32 code6, u32 word) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    u32 code = v6 ? code6 : code4;
    struct addresses a = {};
    int is_ip = p.type == 0x0800 || v6;
    if (!p.nh || !is_ip || !code || !bytes_at(p.f, p.nh, v6 ? 40 : 20)) {
        return XDPC_REWRITE_ABSENT;
    }
    if (!read_addresses(&p, &a) || !is_no_error(&p, v6)) {
        return XDPC_REWRITE_REFUSED;
    }
    u32 grown = v6 ? 48 : 28, most = v6 ? 1280 - 48 : 576 - 28;
    u32 quoted = (u32)(p.ip >> 32) - p.nh, length = length_of(p.f);
    quoted = quoted < most ? quoted : most;
    if (adjust_head(ctx, -(int)grown)) {
        return XDPC_REWRITE_REFUSED;
    }
    xdpc_move_link(ctx, grown, p.nh, 1);
    p.f = frame_of(ctx);
    u8* ip = bytes_at(p.f, p.nh, v6 ? 48 : 28);
    if (!ip) {
        return XDPC_REWRITE_REFUSED;
    }
    u32 protocol = v6 ? ICMPV6 : ICMP;
    put_ip(ip, v6, protocol, 8 + quoted, &a);
    u8* message = ip + (v6 ? 40 : 20);
    put32(message, (code & 0xffff) << 16);
    put32(message + 4, word);
    u64 sum = v6 ? sum_of_addresses(&a, v6, protocol, 8 + quoted) : 0;
    put16(message + 2, ~fold(sum + sum_of_bytes(ctx, p.nh + (v6 ? 40 : 20), 8 + quoted)));
    int more = (int)(p.nh + quoted) - (int)length;
    return adjust_tail(ctx, more) ? XDPC_REWRITE_REFUSED : XDPC_REWRITE_DONE;
}

NOINLINE u64 xdpc_vlan_push(struct xdp_md* ctx, u32 tpid, u32 tci) {
    if (adjust_head(ctx, -4)) {
        return XDPC_REWRITE_REFUSED;
    }
    struct frame f = frame_of(ctx);
    u8* link = bytes_at(f, 0, 18);
    if (!link) {
        return XDPC_REWRITE_REFUSED;
    }
    for (int i = 0; i < 12; i += 2) {
        *(u16*)(link + i) = *(u16*)(link + 4 + i);
    }
    put16(link + 12, tpid);
    put16(link + 14, tci);
    return XDPC_REWRITE_DONE;
}

NOINLINE u64 xdpc_vlan_pop(struct xdp_md* ctx) {
    u8* link = bytes_at(frame_of(ctx), 0, 18);
    if (!link || !is_tpid(be16(link + 12))) {
        return XDPC_REWRITE_ABSENT;
    }
    for (int i = 10; i >= 0; i -= 2) {
        *(u16*)(link + 4 + i) = *(u16*)(link + i);
    }
    return adjust_head(ctx, 4) ? XDPC_REWRITE_REFUSED : XDPC_REWRITE_DONE;
}
