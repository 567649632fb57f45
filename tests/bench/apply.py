#!/usr/bin/python3
"""From text to attached: `xdpc apply` of generated rule sets beside `nft -f`, `iptables-legacy-restore`, and clang on C.

usage: apply.py [--json FILE] [--shapes acl,fw,ipc] [--sizes 1000,10000,100000] [--rounds N] [--smoke]

Whole processes on a veth in a network namespace of its own: wall time, CPU time of the process and its children, and
(in a run of its own) the most memory all of them have at once. nft's rules stand at the netdev hook of ingress, those of
iptables in raw PREROUTING; every rule counts. They take turns, in changing order; times are medians, ratios the median of
the rounds' ratios. C (up to 1,000 rules): `clang -O2 -g` and a small loader. It measures and never judges.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

import rivals
from lab import (build, detach, entering, here, inside, machine, measured, peak_mib, set_up, tear_down, write, xdpc)

most_in_c = 1000
loader = os.path.join(build, "xdpc-bench-load")
pin = f"/sys/fs/bpf/xdpc-bench-{os.getpid()}"
include = f"/usr/include/{os.uname().machine}-linux-gnu"


def commands_for(folder, rules):
    """Name of a rival: the commands that bring the rules to where they filter, one after the other."""
    path = {name: os.path.join(folder, f"rules.{name}") for name in ("xdp", "nft", "ipt", "c", "o")}
    write(path["xdp"], rivals.xdpc_text(rules))
    write(path["nft"], rivals.nft_text(rules, "r1"))
    write(path["ipt"], rivals.iptables_text(rules))
    commands = {
        "xdpc": [entering(machine, xdpc, "apply", path["xdp"], "-i", "r0", "--mode", "native", "--json")],
        "nft": [entering(machine, "nft", "-f", path["nft"])],
    }
    if shutil.which("iptables-legacy-restore"):
        commands["iptables"] = [entering(machine, "iptables-legacy-restore", path["ipt"])]
    if len(rules) <= most_in_c:
        write(path["c"], rivals.c_text(rules))
        compiler = ("clang-19", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", include, "-I", os.path.join(here, "hand"))
        commands["clang"] = [
            (*compiler, "-c", path["c"], "-o", path["o"]),
            entering(machine, loader, path["o"], "r2", pin),
        ]
    return commands


def clear(name):
    if name == "xdpc":
        detach("r0")
    elif name == "nft":
        inside(machine, "nft", "flush", "ruleset")
    elif name == "iptables":
        inside(machine, "iptables-legacy", "-t", "raw", "-F")
    elif os.path.exists(pin):
        os.unlink(pin)


def once(name, commands, told):
    total = {"wall_ms": 0.0, "cpu_ms": 0.0}
    try:
        for command in commands:
            took = measured(command, told if name == "xdpc" else None)
            total = {key: total[key] + took[key] for key in total}
    finally:
        clear(name)
    return total


def medians(samples):
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


def phases_of(told):
    with open(told, encoding="utf-8") as file:
        applied = json.load(file)
    one = applied["interfaces"][0]
    phases = {phase["phase"]: phase["ms"] for phase in applied["phases"]}
    return {**phases, "load": one["load_ms"], "attach": one["attach_ms"]}, one["verified"]["memory_bytes"]


def measure(shape, size, rounds):
    rules = rivals.flat(size) if shape == "flat" else rivals.generated(shape, size)
    row = {"shape": shape, "rules": len(rules), "refused": {}}
    with tempfile.TemporaryDirectory() as folder:
        commands = commands_for(folder, rules)
        told = os.path.join(folder, "told.json")
        samples, phases = {name: [] for name in commands}, []
        for i in range(rounds):
            for name in list(commands) if i % 2 else list(reversed(commands)):
                if name in row["refused"]:
                    continue
                try:
                    samples[name].append(once(name, commands[name], told))
                    if name == "xdpc":
                        taken, row["kernel_bytes"] = phases_of(told)
                        phases.append(taken)
                except RuntimeError as error:
                    row["refused"][name] = str(error)
        for name in commands:
            if name in row["refused"]:
                continue
            row[name] = medians(samples[name])
            if name != "clang":
                row[name]["peak_mib"] = peak_mib(commands[name][0])
                clear(name)
        if phases:
            row["phases_ms"] = medians(phases)
        for name in commands:
            if name != "xdpc" and not {name, "xdpc"} & row["refused"].keys():
                for kind in ("wall", "cpu"):
                    ratios = [a[f"{kind}_ms"] / b[f"{kind}_ms"] for a, b in zip(samples["xdpc"], samples[name])]
                    row[name][f"xdpc_{kind}_ratio"] = statistics.median(ratios)
    return row


def print_head():
    print(f"{'':15} {'xdpc':>29} {'nft -f':>33} {'iptables-restore':>17} {'clang + load':>14}")
    print(
        f"{'shape':<7} {'rules':>7} {'ms':>8} {'cpu ms':>8} {'MiB':>6} {'kernel':>6} {'ms':>7} {'x wall':>6} {'x cpu':>6}"
        f" {'MiB':>5} {'ms':>7} {'x':>6} {'ms':>8} {'x':>6}"
    )


def print_row(row):
    line = f"{row['shape']:<7} {row['rules']:>7}"
    if "xdpc" in row:
        ours = row["xdpc"]
        line += f" {ours['wall_ms']:>8.0f} {ours['cpu_ms']:>8.0f} {ours['peak_mib']:>6.0f} {row['kernel_bytes'] / 2**20:>6.1f}"
        if "nft" in row:
            nft = row["nft"]
            line += f" {nft['wall_ms']:>9.0f} {nft['xdpc_wall_ratio']:>6.2f} {nft['xdpc_cpu_ratio']:>6.2f} {nft['peak_mib']:>5.0f}"
        for name in ("iptables", "clang"):
            if name in row:
                line += f" {row[name]['wall_ms']:>7.0f} {row[name]['xdpc_wall_ratio']:>6.2f}"
    print(line)
    for name, why in row["refused"].items():
        print(f"    {name} refused: {why}")
    if "phases_ms" in row:
        print("    " + ", ".join(f"{name} {ms:.1f}" for name, ms in row["phases_ms"].items()))
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json")
    parser.add_argument("--shapes", default="acl,fw,ipc", help="those of xdpc-rulegen, and flat")
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--rounds", type=int, default=0, help="0: 7, from 10,000 rules on 5, from 100,000 on 3")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.shapes, options.sizes, options.rounds = "acl", "30", 1
    rows = []
    set_up([("t0", "r0"), ("t1", "r1"), ("t2", "r2")])
    try:
        print_head()
        for size in options.sizes.split(","):
            for shape in options.shapes.split(","):
                rounds = options.rounds or (7 if int(size) < 10_000 else 5 if int(size) < 100_000 else 3)
                rows.append(measure(shape, int(size), rounds))
                print_row(rows[-1])
    finally:
        tear_down(["r0"])
    if options.json:
        write(options.json, json.dumps({"rows": rows}, indent=1) + "\n")
    return 1 if any("xdpc" in row["refused"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
