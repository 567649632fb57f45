#!/usr/bin/python3
"""Live sets beside nft's: what a packet costs on a veth, what one more element costs, what loading costs.

usage: sets.py [--json FILE] [--rounds N] [--sizes N,N] [--adds] [--smoke]

Real frames, one core: `xdpc-bench-frames` redirects TCP SYNs into a veth, the receiver's softirq runs inline, so the
thread's CPU time a packet is source + veth + receiver. Three receivers stand side by side for a whole run (bare native
XDP_DROP; nft's netdev hook; xdpc) and take turns within each round; the bare drop of the same round is subtracted, and the
figures are medians over the rounds. Half of the sources are in the set, in random order. It measures and never judges.
"""
import argparse
import json
import os
import random
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lab import attach_drop, detach, inside, machine, packet_cost, set_up, tear_down, timed, write, write_headers, xdpc
from rivals import address, unicast

receivers = {"drop": ("t0", "r0"), "nft": ("t1", "r1"), "xdpc": ("t2", "r2")}


def cost(name, count, trace):
    return packet_cost(receivers[name][0], list(receivers).index(name), count, trace)


class Files:
    """The same set for both, and the frames' sources: half of them in it."""

    def __init__(self, folder, size):
        draw = random.Random(size)
        members = draw.sample(unicast, size)
        self.spare = [address(n) for n in draw.sample(range(0xDF000001, 0xDFFFFFFF), 100)]
        lines = [address(n) for n in members]
        self.elements = os.path.join(folder, f"set-{size}.txt")
        self.policy = os.path.join(folder, f"set-{size}.xdp")
        self.nft = os.path.join(folder, f"set-{size}.nft")
        self.sources = os.path.join(folder, f"sources-{size}.bin")
        write(self.elements, "\n".join(lines) + "\n")
        write(
            self.policy,
            f"set s {{\n    type ipv4_addr\n    size {2 * size}\n    file \"{os.path.basename(self.elements)}\"\n}}\n"
            "chain ingress {\n    policy drop\n    listed: ip saddr @s drop\n}\n",
        )
        write(
            self.nft,
            f"table netdev t {{\n set s {{ type ipv4_addr; size {2 * size}; elements = {{ {', '.join(lines)} }} }}\n"
            " chain c { type filter hook ingress device r1 priority 0; policy drop; ip saddr @s counter drop; }\n}\n",
        )
        mixed = draw.sample(members, min(size, 1 << 19))
        mixed = [mixed[i % len(mixed)] for i in range(1 << 19)]
        mixed += [draw.choice(unicast) for _ in range(1 << 19)]
        draw.shuffle(mixed)
        write_headers(self.sources, ((source, 0x0A090002, 40000 << 16 | 9, 6) for source in mixed))


def apply(files):
    inside(machine, xdpc, "apply", files.policy, "-i", "r2", "--mode", "native")


def load_nft(files):
    inside(machine, "nft", "-f", files.nft)


def clear():
    inside(machine, "nft", "flush", "ruleset")
    detach("r2")


def measure_loads(files, rounds):
    times = {"nft": [], "xdpc": []}
    for _ in range(rounds):
        clear()
        times["xdpc"].append(timed(lambda: apply(files)))
        times["nft"].append(timed(lambda: load_nft(files)))
    return {name: statistics.median(values) for name, values in times.items()}


def measure_packets(files, rounds, count):
    samples = []
    for _ in range(rounds):
        samples.append({name: cost(name, count, files.sources) for name in receivers})
    beyond = {n: statistics.median(s[n] - s["drop"] for s in samples) for n in ("nft", "xdpc")}
    beyond["ratio"] = statistics.median((s["xdpc"] - s["drop"]) / (s["nft"] - s["drop"]) for s in samples)
    beyond["drop"] = statistics.median(s["drop"] for s in samples)
    return beyond


def measure_adds(files, rounds):
    """Whole commands, from fork to exit; `true` is what entering the namespace and starting a process takes of that.

    Who comes second in a round finds caches that the first one has filled, so they take turns at it.
    """
    times = {"nft": [], "xdpc": [], "true": []}
    for i in range(rounds):
        element = files.spare[i]
        commands = {
            "xdpc": (xdpc, "set", "add", "s", "-i", "r2", element),
            "nft": ("nft", "add", "element", "netdev", "t", "s", "{", element, "}"),
            "true": ("true",),
        }
        for name in list(commands) if i % 2 else reversed(list(commands)):
            times[name].append(timed(lambda words=commands[name]: inside(machine, *words)))
    return {name: statistics.median(values) for name, values in times.items()}


def memory_of_set():
    listed = json.loads(inside(machine, xdpc, "set", "list", "-i", "r2", "--json"))
    return listed["sets"][0]["memory_bytes"]


def measure(size, folder, options):
    files = Files(folder, size)
    row = {"size": size, "load_ms": measure_loads(files, 1 if options.adds else options.load_rounds)}
    if options.adds:
        row["add_ms"] = measure_adds(files, len(files.spare))
        clear()
        return row
    row["packet_ns"] = measure_packets(files, options.rounds, options.count)
    row["add_ms"] = measure_adds(files, options.rounds * 3)
    row["memory_bytes"] = memory_of_set()
    # What a preallocated HASH of as many u32 keys takes: an element of 64 bytes, 16 bytes a bucket.
    row["kernel_hash_bytes"] = 2 * size * 64 + 16 * (1 << (2 * size - 1).bit_length())
    clear()
    return row


def print_table(rows):
    print(
        f"{'elements':>9} {'load ms':>16} {'':>6} {'packet ns beyond drop':>22} {'':>6} {'add one, ms':>14} {'':>6}"
        f" {'memory, MiB':>15} {'':>6}"
    )
    print(
        f"{'':>9} {'nft':>8} {'xdpc':>7} {'x':>6} {'nft':>13} {'xdpc':>8} {'x':>6} {'nft':>7} {'xdpc':>6} {'x':>6}"
        f" {'kernel HASH':>8} {'xdpc':>3} {'x':>6}"
    )
    for row in rows:
        load, packet, add = row["load_ms"], row["packet_ns"], row["add_ms"]
        print(
            f"{row['size']:>9} {load['nft']:>8.0f} {load['xdpc']:>7.0f} {load['xdpc'] / load['nft']:>6.2f}"
            f" {packet['nft']:>13.0f} {packet['xdpc']:>8.1f} {packet['ratio']:>6.2f}"
            f" {add['nft']:>7.1f} {add['xdpc']:>6.1f} {add['xdpc'] / add['nft']:>6.2f}"
            f" {row['kernel_hash_bytes'] / 2**20:>11.0f} {row['memory_bytes'] / 2**20:>3.0f}"
            f" {row['memory_bytes'] / row['kernel_hash_bytes']:>6.2f}"
        )


def print_adds(rows):
    print(f"{'elements':>9} {'add one, ms: nft':>18} {'xdpc':>6} {'x':>6} {'true':>6}")
    for row in rows:
        add = row["add_ms"]
        print(f"{row['size']:>9} {add['nft']:>18.2f} {add['xdpc']:>6.2f} {add['xdpc'] / add['nft']:>6.2f} {add['true']:>6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--adds", action="store_true", help="only what one more element costs, 100 times")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    options.count, options.load_rounds = 1_000_000, 5
    if options.smoke:
        options.rounds, options.count, options.load_rounds, options.sizes = 1, 20_000, 1, "1000"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        set_up(receivers.values())
        dropper = attach_drop("r0")
        try:
            for size in options.sizes.split(","):
                rows.append(measure(int(size), folder, options))
                print(f"{size}: done", file=sys.stderr)
        finally:
            dropper.kill()
            dropper.wait()
            tear_down(["r2"])
    if options.adds:
        print_adds(rows)
    else:
        print_table(rows)
    if options.json:
        write(options.json, json.dumps({"rounds": options.rounds, "count": options.count, "sets": rows}, indent=1))


if __name__ == "__main__":
    main()
