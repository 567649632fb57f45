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
    row("transport fields of later IPv4 fragments", TRANSPORT, "later fragment"),
    row("what is behind two tags", r".", "two tags"),
    row("the EtherType of a tagged frame", r"\bether type\b|@ll", "tag"),
    row("the length of a tagged frame", r"\bmeta length\b", "tag"),
    row("AH and mobility headers end nft's walk", rf"{TRANSPORT}|meta l4proto", "ah", "mobility"),
    row("`icmpv6` behind IPv4", r"\bicmpv6\b", "icmpv6 in ip"),
    row("`tcp option … missing` without a TCP header", r"tcp option \S+ missing", "odd options"),
    row("IPv4 options of which one is ill-formed", r"\bip option\b", "odd ip options"),
    row("TCP options of which one is ill-formed", r"\btcp option\b", "odd options"),
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
        if len(frame) < at + 4:
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
    if words > 5 and options_odd(packet[20 : words * 4], 0):
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
    total = 40 + int.from_bytes(packet[4:6], "big")
    if packet[0] >> 4 != 6 or total > len(packet):
        return {"unsound"}
    odd, kind, at = set(), packet[6], 40
    while kind in (0, 43, 44, 51, 60, 135):
        if at + 8 > len(packet):
            return odd | {"cut chain"}
        odd |= {"ah"} if kind == 51 else {"mobility"} if kind == 135 else set()
        if kind == 44 and int.from_bytes(packet[at + 2 : at + 4], "big") >> 3:
            return odd | {"later fragment6"}
        size = 8 if kind == 44 else packet[at + 1] * 4 + 8 if kind == 51 else packet[at + 1] * 8 + 8
        kind, at = packet[at], at + size
    if kind == 6:
        odd |= of_tcp(packet[at:total])
    return odd


def of_tcp(segment):
    if len(segment) < 20:
        return {"cut tcp"}
    size = (segment[12] >> 4) * 4
    if size < 20 or size > len(segment):
        return {"odd options"}
    return {"odd options"} if options_odd(segment[20:size], 0) else set()


def options_odd(options, at):
    """Whether the walk over them meets one whose length is not possible."""
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2 or at + options[at + 1] > len(options):
            return True
        at += options[at + 1]
    return False
