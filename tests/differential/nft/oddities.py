"""What is odd about a frame, and which differences between nft and xdpc are wanted for it: the table of
grammar/LANGUAGE.md, "Where a rule line differs from nft's"."""
import collections
import re

Row = collections.namedtuple("Row", "text line odd")
TRANSPORT = r"\b(tcp|udp|udplite|sctp|dccp|icmp|icmpv6|igmp|esp|ah|comp|th)\b|@th"


def row(text, line, *odd):
    return Row(text, re.compile(line), frozenset(odd))


# A difference is wanted where the line matches and the frame has any of these oddities.
WANTED = [
    row("transport fields of later fragments", rf"{TRANSPORT}", "later fragment"),
    row("what is behind two tags", r".", "two tags"),
    row("what is behind a tag of type 0x9100", r".", "tag 9100"),
    row("`vlan` of a tag of type 0x88a8", r"\bvlan\b", "tag 88a8"),
    row("the EtherType of a tagged frame", r"\bether\b|@ll", "tag"),
    row("the length of a tagged frame", r"\bmeta length\b", "tag"),
    row("AH and mobility headers end nft's walk", rf"{TRANSPORT}|meta l4proto|\b(hbh|rt|frag|dst)\b", "ah", "mobility"),
    row("`icmpv6` behind IPv4", r"\bicmpv6\b", "icmpv6 in ip"),
    row("`tcp option` without a TCP header that is whole within IP's length", r"\btcp option\b", "cut tcp"),
    row("extension headers that are not all there, or behind an unsound IPv6 header", r"\b(hbh|rt|frag|dst)\b|meta l4proto", "unsound", "cut chain"),
    row("IPv4 options of which one is ill-formed, or behind an unsound header", r"\bip option\b", "odd ip options", "unsound"),
    row("TCP options of which one is ill-formed", r"\btcp option\b", "odd options"),
    row("TCP options behind the end of options, and one of a single byte at the very end", r"\btcp option\b", "eol or a last byte"),
    row("a frame cut within its tag or header", r".", "cut"),
]


def wanted(line, odd):
    """Which row says that the line may differ for such frames; nothing if none does."""
    for number, each in enumerate(WANTED):
        if each.odd & odd and each.line.search(line):
            return number
    return None


def of(frame):
    """The oddities of a frame of at least 14 bytes."""
    odd = set()
    kind, at, tags = int.from_bytes(frame[12:14], "big"), 14, 0
    while kind in (0x8100, 0x88A8, 0x9100):
        tags += 1
        odd |= {f"tag {kind:x}"} if kind != 0x8100 else set()
        if len(frame) < at + 6:  # what the kernel wants to take a tag off
            return {"cut"}
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    if tags:
        odd.add("tag" if tags == 1 else "two tags")
    if kind == 0x0800:
        odd |= of_ip(frame[at:])
    elif kind == 0x86DD:
        odd |= of_ip6(frame[at:])
    return odd


def of_ip(packet):
    if len(packet) < 20:
        return {"cut"}
    odd = set()
    words, total = packet[0] & 15, int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or words < 5 or total < words * 4 or total > len(packet):
        return {"unsound"}
    if int.from_bytes(packet[6:8], "big") & 0x1FFF:
        odd.add("later fragment")
    if words > 5 and ip_options_odd(packet[20 : words * 4]):
        odd.add("odd ip options")
    if packet[9] == 51:
        odd.add("ah")
    if packet[9] == 58:
        odd.add("icmpv6 in ip")
    if packet[9] == 6 and "later fragment" not in odd:
        odd |= of_tcp(packet[words * 4 : total])
    return odd


def of_ip6(packet):
    if len(packet) < 40:
        return {"cut"}
    total = 40 + (int.from_bytes(packet[4:6], "big") or len(packet) - 40)  # 0: as long as the frame
    if packet[0] >> 4 != 6 or total > len(packet):
        return {"unsound"}
    odd, kind, at = set(), packet[6], 40
    while kind in (0, 43, 44, 51, 60, 135):
        if at + 8 > len(packet):
            return odd | {"cut chain"}
        odd |= {"ah"} if kind == 51 else {"mobility"} if kind == 135 else set()
        if kind == 44 and int.from_bytes(packet[at + 2 : at + 4], "big") >> 3:
            return odd | {"later fragment"} | ({"cut chain"} if packet[at] in (0, 43, 44, 51, 60, 135) else set())
        size = 8 if kind == 44 else packet[at + 1] * 4 + 8 if kind == 51 else packet[at + 1] * 8 + 8
        kind, at = packet[at], at + size
        odd |= {"cut chain"} if at > total else set()
    if kind == 6:
        odd |= of_tcp(packet[at:total])
    return odd


def of_tcp(segment):
    if len(segment) < 20:
        return {"cut tcp"}
    size = (segment[12] >> 4) * 4
    if size < 20 or size > len(segment):
        return {"odd options"}
    options = segment[20:size]
    if options_odd(options):
        return {"odd options"}
    return {"eol or a last byte"} if 0 in kinds_of(options) or options[-1:] == b"\1" else set()


def ip_options_odd(options):
    """Whether the kernel refuses them (RFC 791; RFC 2113), or the walk meets an impossible length."""
    at, seen = 0, set()
    while at < len(options) and options[at] != 0:
        kind = options[at]
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2 or at + options[at + 1] > len(options):
            return True
        size = options[at + 1]
        value = options[at + 2 : at + size]
        route = kind in (131, 137)
        if (kind in seen and kind in (7, 148)) or (route and seen & {131, 137}):
            return True
        if route and (size < 7 or (size - 3) % 4 or value[0] != 4):
            return True
        if kind == 7 and (size < 3 or value[0] < 4 or value[0] <= size < value[0] + 3):
            return True
        if kind == 148 and (size < 4 or value[:2] != b"\0\0"):
            return True
        seen.add(kind)
        at += size
    return False


def options_odd(options):
    """Whether the walk over them meets one whose length is not possible."""
    return None in kinds_of(options)


def kinds_of(options):
    """As far as the walk goes: to an end of options, or to one that is not possible, which is None."""
    kinds, at = [], 0
    while at < len(options):
        kind = options[at]
        kinds.append(kind)
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2 or at + options[at + 1] > len(options):
            kinds.append(None)
            break
        at += options[at + 1]
    return kinds
