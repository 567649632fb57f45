#!/usr/bin/python3
"""Rule sets beside nft, iptables, ipset and xdp-filter: what a packet costs on a veth, with real frames.

usage: rules.py [--json FILE] [--rounds N] [--sizes N,N] [--policies acl,five,flat,list] [--hits PERCENT] [--smoke]

One core: `xdpc-bench-frames` redirects frames into a veth, the receiver's softirq runs inline, so the thread's CPU time a
packet is source + veth + receiver. Bare native XDP_DROP stands on a second veth; the two take turns, and what is shown is
the median of the differences. Rules are written plainly, one a line, for xdpc, and all drop, as the chain's policy does;
rules count, sets and maps of the others have one counter. Sources are random; --hits of the frames meet a rule instead.

policies: `acl` generated rules on five fields that overlap; `five` on five fields, none overlaps (so that nft can hold them
in a set or map of concatenated intervals); `flat` an address and a port; `list` an address. It measures and never judges.
"""
import argparse
import ipaddress
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rivals
from lab import (attach_drop, detach, entering, inside, machine, packet_cost, set_up, tear_down, timed, write,
                 write_headers, xdpc)

makers = {
    "acl": lambda count: [rule._replace(drop=True) for rule in rivals.generated("acl", count)],
    "five": rivals.disjoint,
    "flat": rivals.flat,
    "list": rivals.sources,
}
target_ns, most_frames, fewest_frames = 2.5e8, 4_000_000, 2_000
xdp_filter_most = 1000  # one command an element


def number_in(draw, text):
    if not text:
        return draw.choice(rivals.unicast)
    net = ipaddress.ip_network(text)
    return int(net.network_address) + draw.randrange(net.num_addresses)


def header_of(draw, rule):
    """source, destination, ports, protocol: a frame that the rule matches."""
    ports = draw.randint(*rule.sport) << 16 | draw.randint(*rule.dport)
    protocol = 6 if rule.protocol is None else rule.protocol
    return [number_in(draw, rule.saddr), number_in(draw, rule.daddr), ports, protocol]


def write_trace(path, rules, hits, count=1 << 18):
    draw = random.Random(7)
    headers = []
    for _ in range(count):
        header = header_of(draw, draw.choice(rules))
        if draw.randrange(100) >= hits:
            header[0] = draw.choice(rivals.unicast)
        headers.append(header)
    write_headers(path, headers)


def nft(text, path):
    write(path, text)
    inside(machine, "nft", "-f", path)


def iptables(text, path):
    write(path, text)
    inside(machine, "iptables-legacy-restore", path)


def ipset(rules, path):
    write(path, rivals.ipset_text(rules))
    inside(machine, "ipset", "restore", "-f", path)
    iptables(rivals.iptables_set_text(rules), path)


def xdp_filter(rules):
    inside(machine, "xdp-filter", "load", "-m", "native", "-f", "ipv4", "-p", "allow", "r0")
    for rule in rules:
        inside(machine, "xdp-filter", "ip", "-m", "src", rule.saddr)


def apply(rules, path):
    write(path, rivals.xdpc_text(rules, policy="drop"))
    inside(machine, xdpc, "apply", path, "-i", "r0", "--mode", "native")


def receivers_for(policy, rules, folder):
    """Name: how it is brought to where it filters."""
    path = os.path.join(folder, "rules")
    receivers = {
        "xdpc": lambda: apply(rules, path + ".xdp"),
        "nft rules": lambda: nft(rivals.nft_text(rules, "r0", "drop"), path),
    }
    if policy != "acl":  # elements may not overlap
        receivers["nft set"] = lambda: nft(rivals.nft_set_text(rules, "r0"), path)
        receivers["nft map"] = lambda: nft(rivals.nft_set_text(rules, "r0", verdicts=True), path)
    if shutil.which("iptables-legacy-restore"):
        receivers["iptables rules"] = lambda: iptables(rivals.iptables_text(rules, "DROP"), path)
    if policy in ("flat", "list") and shutil.which("ipset"):
        receivers["ipset"] = lambda: ipset(rules, path)
    if policy == "list" and len(rules) <= xdp_filter_most and shutil.which("xdp-filter"):
        receivers["xdp-filter"] = lambda: xdp_filter(rules)
    return receivers


def clear():
    inside(machine, "nft", "flush", "ruleset")
    detach("r0")
    for command in (
        ("iptables-legacy", "-t", "raw", "-F"),
        ("iptables-legacy", "-t", "raw", "-P", "PREROUTING", "ACCEPT"),
        ("ipset", "destroy"),
        ("xdp-filter", "unload", "r0"),
    ):
        if shutil.which(command[0]):
            subprocess.run(entering(machine, *command), capture_output=True)


def received_by(interface):
    link = json.loads(inside(machine, "ip", "-s", "-j", "link", "show", interface))
    return link[0]["stats64"]["rx"]["packets"]


def measure_receiver(trace, rounds, most):
    """ns beyond bare XDP_DROP: difference by round, and how many frames went missing on the way."""
    first = packet_cost("t0", 0, min(most, fewest_frames), trace)
    count = max(min(int(target_ns / first), most), min(most, fewest_frames))
    samples, begin = [], received_by("r0")
    for i in range(rounds):
        pair = {}
        for name, number in (("t0", 0), ("t1", 1)) if i % 2 else (("t1", 1), ("t0", 0)):
            pair[name] = packet_cost(name, number, count if number == 0 else min(most, 1_500_000), trace)
        samples.append(pair)
    lost = rounds * count - (received_by("r0") - begin)
    return {
        "ns": statistics.median(s["t0"] for s in samples),
        "drop_ns": statistics.median(s["t1"] for s in samples),
        "beyond_drop_ns": statistics.median(s["t0"] - s["t1"] for s in samples),
        "samples": [s["t0"] - s["t1"] for s in samples],
        "frames": count,
        "lost": lost,
    }


def measure(policy, size, folder, options):
    rules = makers[policy](size)
    trace = os.path.join(folder, "trace.bin")
    write_trace(trace, rules, options.hits)
    row = {"policy": policy, "rules": len(rules), "receivers": {}, "refused": {}}
    for name, bring in receivers_for(policy, rules, folder).items():
        clear()
        try:
            load_ms = timed(bring)
        except RuntimeError as error:
            row["refused"][name] = str(error)
            continue
        row["receivers"][name] = {**measure_receiver(trace, options.rounds, options.most), "load_ms": load_ms}
    clear()
    ours = row["receivers"].get("xdpc")
    for name, other in row["receivers"].items():
        if ours and name != "xdpc":
            other["times_xdpc"] = other["beyond_drop_ns"] / max(ours["beyond_drop_ns"], 0.1)
    return row


def print_row(row):
    for name, one in row["receivers"].items():
        times = f"{one['times_xdpc']:>9.1f}" if "times_xdpc" in one else f"{'':>9}"
        lost = f"  {one['lost']} frames lost" if one["lost"] else ""
        print(
            f"{row['policy']:<6} {row['rules']:>7} {name:<15} {one['ns']:>10.1f} {one['drop_ns']:>7.1f}"
            f" {one['beyond_drop_ns']:>12.1f} {times} {one['load_ms']:>9.0f}{lost}"
        )
    for name, why in row["refused"].items():
        print(f"{row['policy']:<6} {row['rules']:>7} {name:<15} refused: {why[:200]}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--policies", default="acl,five,flat,list")
    parser.add_argument("--hits", type=int, default=0, help="percent of the frames that are aimed at a rule")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    options.most = most_frames
    if options.smoke:
        options.rounds, options.most, options.sizes, options.policies = 1, 5_000, "20", "acl,flat"
    rows = []
    print(
        f"{'policy':<6} {'rules':>7} {'receiver':<15} {'ns a frame':>10} {'drop':>7} {'beyond drop':>12} {'x xdpc':>9}"
        f" {'load ms':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        set_up([("t0", "r0"), ("t1", "r1")])
        dropper = attach_drop("r1")
        try:
            for size in options.sizes.split(","):
                for policy in options.policies.split(","):
                    rows.append(measure(policy, int(size), folder, options))
                    print_row(rows[-1])
        finally:
            clear()
            dropper.kill()
            dropper.wait()
            tear_down(["r0"])
    if options.json:
        write(options.json, json.dumps({"hits": options.hits, "rows": rows}, indent=1) + "\n")
    return 1 if any("xdpc" in row["refused"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
