/* What the functions of the templates return, shared with the code generator that calls them. */
#ifndef XDPC_TEMPLATES_H
#define XDPC_TEMPLATES_H

#include "codegen-templates/abi.h"

#ifndef __cplusplus
/* The fields of linux/bpf.h that are used; the kernel knows the argument by the type's name. */
struct xdp_md {
    xdpc_u32 data;
    xdpc_u32 data_end;
    xdpc_u32 data_meta;
    xdpc_u32 ingress_ifindex;
    xdpc_u32 rx_queue_index;
    xdpc_u32 egress_ifindex;
};

typedef unsigned char u8;
typedef unsigned short u16;
typedef xdpc_u32 u32;
typedef xdpc_u64 u64;

#define NOINLINE __attribute__((noinline))
#endif

/* xdpc_network: bits 0-15 the network header's offset if reached, 16-31 the inner EtherType if known */
#define XDPC_NET_REACHED (1ULL << 32)
#define XDPC_NET_TYPE_KNOWN (1ULL << 33)
#define XDPC_NET_TAG0 (1ULL << 34)
#define XDPC_NET_TAG1 (1ULL << 35)
#define XDPC_NET_TAG_CUT (1ULL << 36)

/* xdpc_walk: bits 0-15 where the walk ended, 16-23 the protocol there, 32-47 where the wanted kind is if
 * found */
#define XDPC_WALK_BROKEN (1ULL << 24)
#define XDPC_WALK_LATER (1ULL << 25)
#define XDPC_WALK_FIRST (1ULL << 26)
#define XDPC_WALK_NO_PROTO (1ULL << 27)
#define XDPC_WALK_FOUND (1ULL << 48)
#define XDPC_WALK_CUT (1ULL << 28) /* of a step: the header is not all there */

/* xdpc_transport: bits 0-15 the transport header's offset if reached, 16-23 the protocol if known, 28-29
 * `meta fragment` if known, 32-63 where the IP packet ends */
#define XDPC_IP_TRANSPORT (1ULL << 24)
#define XDPC_IP_PROTO_KNOWN (1ULL << 25)
#define XDPC_IP_SOUND (1ULL << 26)
#define XDPC_IP_BROKEN (1ULL << 27)
#define XDPC_IP_FRAGMENT_KNOWN (1ULL << 30)
#define XDPC_IP_LATER (1ULL << 31)

/* xdpc_inner: bits 0-15 the offset */
#define XDPC_INNER_REACHED (1ULL << 16)

/* xdpc_ip_option, xdpc_tcp_option: bits 0-15 the option's offset, 16-23 its length, if found */
#define XDPC_OPTION_FOUND (1ULL << 24)
#define XDPC_OPTION_WALKED (1ULL << 25)

/* xdpc_set_field and its kin: whether the packet has what the statement needs, or is to be dropped, or was
 * made its answer. */
enum { XDPC_REWRITE_ABSENT = 0, XDPC_REWRITE_DONE = 1, XDPC_REWRITE_REFUSED = 2, XDPC_REWRITE_ANSWERED = 3 };
/* xdpc_decap: tunnels that are taken off, a bit for each xdpc::Tunnel. */
enum {
    XDPC_DECAP_IPIP = 1,
    XDPC_DECAP_6IN4 = 2,
    XDPC_DECAP_4IN6 = 4,
    XDPC_DECAP_IP6IP6 = 8,
    XDPC_DECAP_GRE = 16,
    XDPC_DECAP_GUE = 32,
    XDPC_DECAP_VXLAN = 64,
    XDPC_DECAP_ANY = 127
};
/* xdpc_route: what becomes of the packet. Stack: it is as it was. */
enum { XDPC_ROUTE_ABSENT = 0, XDPC_ROUTE_STACK = 1, XDPC_ROUTE_REFUSED = 2, XDPC_ROUTE_SENT = 3 };
#define XDPC_ANY_VNI 0xffffffffU
/* Where xdpc_set_field finds the header, bits 16 and up; 0-15 its guard as in fields.def. */
enum {
    XDPC_IN_LINK = 0,
    XDPC_IN_TAG = 1,
    XDPC_IN_TYPE = 2, /* the EtherType before the network header */
    XDPC_IN_NETWORK = 3,
    XDPC_IN_TRANSPORT4 = 4,
    XDPC_IN_TRANSPORT6 = 5,
    XDPC_IN_TRANSPORT = 6,
    XDPC_IN_PORTS = 7
};

/* xdpc_limit, xdpc_inline_limit */
enum { XDPC_LIMIT_WITHIN = 0, XDPC_LIMIT_BEYOND = 1, XDPC_LIMIT_FULL = 2 };

#endif
