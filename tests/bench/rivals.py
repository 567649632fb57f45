"""One rule set for everybody: rules as data, from xdpc-rulegen or drawn here, and as text for xdpc, nft, iptables, ipset, C.

Every rule of every text counts what it matches, as xdpc's always do, but where a function says otherwise.
"""
import ipaddress
import os
import random
import re
import subprocess
from typing import NamedTuple, Optional

from lab import build

any_port = (0, 65535)
unicast = range(0x01000000, 0xDF000000)
protocols = {"tcp": 6, "udp": 17}
protocol_names = {number: name for name, number in protocols.items()}


class Rule(NamedTuple):
    saddr: Optional[str] = None  # "192.0.2.0/24"
    daddr: Optional[str] = None
    protocol: Optional[int] = None
    sport: tuple = any_port
    dport: tuple = any_port
    drop: bool = True


def ports_of(text):
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def parse_rule(line):
    """A rule as xdpc-rulegen writes it."""
    words = line.split()
    found = {}
    for header, field, value in zip(words[:-1:3], words[1:-1:3], words[2:-1:3]):
        if header == "ip":
            found[field] = value
        elif field in ("sport", "dport"):
            found[field] = ports_of(value)
            if header in protocols:
                found["protocol"] = protocols[header]
        elif field == "l4proto":
            found["protocol"] = int(value)
    return Rule(**found, drop=words[-1] == "drop")


def generated(shape, count, seed=1):
    out = subprocess.run(
        [os.path.join(build, "xdpc-rulegen"), shape, str(count), "--seed", str(seed)], capture_output=True, text=True, check=True
    ).stdout
    return [parse_rule(line) for line in out.splitlines() if re.search(r" (drop|pass)$", line) and "policy" not in line]


def address(number):
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def flat(count, seed=1):
    """An address and a TCP port each, all different addresses."""
    draw = random.Random(seed)
    sources = draw.sample(unicast, count)
    return [Rule(saddr=address(n), protocol=6, dport=(port, port)) for n in sources for port in [draw.randrange(1, 65536)]]


def sources(count, seed=1):
    """A source address each."""
    draw = random.Random(seed)
    return [Rule(saddr=address(n)) for n in draw.sample(unicast, count)]


def disjoint(count, seed=1):
    """On five fields; no two overlap, since no two have source networks in common."""
    draw = random.Random(seed)
    rules = []
    for net in draw.sample(range(0x010000, 0xDF0000), count):
        length = draw.choice((24, 26, 28, 32))
        base = (net << 8 | draw.randrange(256)) >> (32 - length) << (32 - length)
        low = draw.choice((1024, draw.randrange(1, 65536)))
        port = draw.choice(((low, low), (low, low), (min(low, 60000), min(low, 60000) + 9), (1024, 65535)))
        rules.append(
            Rule(
                saddr=f"{address(base)}/{length}" if length < 32 else address(base),
                daddr=address(draw.randrange(0x0A000000, 0x0A010000)),
                protocol=draw.choice((6, 17)),
                sport=draw.choice((any_port, (1024, 65535))),
                dport=port,
            )
        )
    return rules


def port_text(port):
    return str(port[0]) if port[0] == port[1] else f"{port[0]}-{port[1]}"


def matches(rule):
    words = [f"ip {name} {value}" for name, value in (("saddr", rule.saddr), ("daddr", rule.daddr)) if value]
    known = protocol_names.get(rule.protocol)
    ported = [(name, port) for name, port in (("sport", rule.sport), ("dport", rule.dport)) if port != any_port]
    words += [f"{known or 'th'} {name} {port_text(port)}" for name, port in ported]
    if rule.protocol is not None and not (known and ported):
        words.append(f"meta l4proto {rule.protocol}")
    return " ".join(words) or "meta protocol ip"


def xdpc_text(rules, policy="pass"):
    lines = [f"    {matches(rule)} {'drop' if rule.drop else 'pass'}" for rule in rules]
    return "chain ingress {\n    policy " + policy + "\n" + "\n".join(lines) + "\n}\n"


def nft_chain(interface, policy, rules, sets=""):
    return (
        f"table netdev b {{\n{sets} chain c {{\n  type filter hook ingress device {interface} priority 0;"
        f" policy {policy};\n{rules} }}\n}}\n"
    )


def nft_text(rules, interface, policy="accept"):
    lines = [f"  {matches(rule)} counter {'drop' if rule.drop else 'accept'}\n" for rule in rules]
    return nft_chain(interface, policy, "".join(lines))


def nft_set_text(rules, interface, verdicts=False):
    """The best set by hand for rules that drop: of the fields that they have; one counter for all. `verdicts`: a verdict map
    instead, without."""
    kind, typed, each, use = ("map", " : verdict", " : drop", "vmap @s") if verdicts else ("set", "", "", "@s counter drop")
    first = rules[0]
    fields = [("ipv4_addr", "ip saddr", lambda r: r.saddr)]
    if first.daddr:
        fields.append(("ipv4_addr", "ip daddr", lambda r: r.daddr))
        fields.append(("inet_proto", "meta l4proto", lambda r: str(r.protocol)))
        fields.append(("inet_service", "th sport", lambda r: port_text(r.sport)))
    if first.protocol is not None:
        fields.append(("inet_service", "th dport" if first.daddr else "tcp dport", lambda r: port_text(r.dport)))
    flags = "flags interval;" if first.daddr else ""
    elements = ",\n".join(" . ".join(text(rule) for _, _, text in fields) + each for rule in rules)
    types = " . ".join(name for name, _, _ in fields)
    sets = f" {kind} s {{ type {types}{typed}; {flags} size {len(rules)}; elements = {{ {elements} }} }}\n"
    return nft_chain(interface, "drop", f"  {' . '.join(match for _, match, _ in fields)} {use}\n", sets)


def iptables_text(rules, policy="ACCEPT"):
    """In raw PREROUTING. Ports need a protocol there: a rule with ports and none is two."""
    lines = []
    for rule in rules:
        ported = rule.sport != any_port or rule.dport != any_port
        for protocol in protocol_names if ported and rule.protocol is None else (rule.protocol,):
            line = "-A PREROUTING"
            line += f" -s {rule.saddr}" if rule.saddr else ""
            line += f" -d {rule.daddr}" if rule.daddr else ""
            line += f" -p {protocol}" if protocol is not None else ""
            if ported:
                line += f" -m {protocol_names[protocol]}"
                line += f" --sport {rule.sport[0]}:{rule.sport[1]}" if rule.sport != any_port else ""
                line += f" --dport {rule.dport[0]}:{rule.dport[1]}" if rule.dport != any_port else ""
            lines.append(f"{line} -j {'DROP' if rule.drop else 'ACCEPT'}\n")
    return f"*raw\n:PREROUTING {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n{''.join(lines)}COMMIT\n"


def ipset_text(rules):
    """For rules of `flat` or `sources`."""
    kind = "hash:ip,port" if rules[0].protocol else "hash:ip"
    size = 1 << (len(rules) - 1).bit_length()
    text = f"create s {kind} family inet hashsize {size} maxelem {len(rules)}\n"
    return text + "".join(f"add s {rule.saddr}{f',tcp:{rule.dport[0]}' if rule.protocol else ''}\n" for rule in rules)


def iptables_set_text(rules):
    direction = "src,dst" if rules[0].protocol else "src"
    return f"*raw\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -m set --match-set s {direction} -j DROP\nCOMMIT\n"


def c_text(rules):
    """What one writes by hand, as in tests/bench/hand: a chain of ifs, each one branch, with counters. FRESH hides the fields
    anew for each rule, else clang keeps what rules have in common on the stack until there is none left; HIDE hides from the
    verifier what each branch tells."""

    def outside(field, text):
        net = ipaddress.ip_network(text)
        low = f"PREFIX4({str(net.network_address).replace('.', ', ')}, {net.prefixlen})"
        return f"OUT({field}, {low})"

    lines = []
    for number, rule in enumerate(rules):
        parts = [outside(name, text) for name, text in (("saddr", rule.saddr), ("daddr", rule.daddr)) if text]
        parts += [f"(protocol ^ {rule.protocol})"] if rule.protocol is not None else []
        bounds = [
            f"BELOW({name}, {port[0]}) | BELOW({port[1]}, {name})"
            for name, port in (("sport", rule.sport), ("dport", rule.dport))
            if port != any_port
        ]
        parts += [f"({' | '.join(bounds)}) >> 31"] if bounds else []
        verdict = "XDP_DROP" if rule.drop else "XDP_PASS"
        lines.append(f"    FRESH;\n    odd = {' | '.join(parts) or '0'};\n    HIDE(odd);\n    RULE({number}, !odd, {verdict});\n")
    return (
        f'#include "hand.h"\n\nCOUNTERS({len(rules) + 1});\n'
        "#define OUT_(address, net, length) (((address) ^ (net)) & MASK4(length))\n"
        "#define OUT(address, ...) OUT_(address, __VA_ARGS__)\n"
        '#define FRESH asm volatile("" : "+r"(saddr), "+r"(daddr), "+r"(protocol), "+r"(sport), "+r"(dport))\n'
        '#define HIDE(value) asm volatile("" : "+r"(value))\n\n'
        'SEC("xdp")\nint hand(struct xdp_md* ctx) {\n'
        "    void* data_end = (void*)(long)ctx->data_end;\n    struct packet p = {};\n"
        "    void* at = parse_tags((void*)(long)ctx->data, data_end, &p.type);\n"
        "    if (at && p.type == ETH_P_IP)\n        parse_ip(ctx, &p, at, data_end);\n"
        f"    if (p.type != ETH_P_IP)\n        return end(ctx, {len(rules)}, XDP_PASS);\n"
        "    __u32 saddr = p.saddr, daddr = p.daddr, protocol = p.protocol, sport = p.sport, dport = p.dport, odd;\n\n"
        f"{''.join(lines)}    return end(ctx, {len(rules)}, XDP_PASS);\n}}\n"
    )
