#!/usr/bin/python3
"""The kernel's own nft as judge: rule lines that both languages take, the same frames through both, and each line's
count beside the other's.

Each line stands in two policies, at nft's netdev ingress hook and in XDP, on a veth of its own; every frame goes out
on both. Frames are sorted by what is odd about them (`oddities`), and counts are compared for each group of frames:
they may differ only where WANTED says so of the line and of something odd in the group. A difference that is not
wanted is followed to a frame, which is shown.

A file has lines of matches, without verdict (one at the end is taken off), and in front of these lines that begin with
`set`, `map`, `chain` or `define`."""
import argparse
import collections
import contextlib
import json
import os
import re
import select
import sys
import tempfile
import time

from scapy.utils import RawPcapReader

import oddities

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../harness"))
from netns import Namespaces, inside, packet_socket, run  # noqa: E402
build = os.path.abspath(os.environ.get("XDPC_BUILD", os.path.join(here, "../../../build")))
xdpc = os.path.join(build, "xdpc")
FRESH = "table netdev judge\ndelete table netdev judge\n"
LIST = ("nft", "-j", "list", "table", "netdev", "judge")
CHUNK = 150  # lines of one policy
VERDICT = re.compile(r"\s+(counter(\s+packets \d+ bytes \d+)?|accept|drop|pass|return|continue|comment \".*\")$")
PREAMBLE = ("set ", "map ", "chain ", "define ")
COUNT_FIRST = re.compile(r"\b(jump|goto|vmap)\b")

Line = collections.namedtuple("Line", "number text")


def read_lines(path):
    """The lines of matches, and those of the preamble."""
    lines, preamble = [], []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            text = text.strip()
            if text.startswith(PREAMBLE):
                preamble.append(text)
                continue
            while VERDICT.search(text):
                text = VERDICT.sub("", text)
            if text and not text.startswith("#"):
                lines.append(Line(number, text))
    return lines, preamble


# ---- the two policies


def chains_of(preamble):
    return dict(re.match(r"chain (\S+) \{(.*)\}", text).groups() for text in preamble if text.startswith("chain "))


def named(line, chains):
    """The line with chains of its own, and these: name to body."""
    own = {}

    def rename(match):
        if match[2] not in chains:
            return match[0]
        name = f"c{line.number}_{match[2]}"
        own[name] = chains[match[2]]
        return f"{match[1]} {name}"

    return re.sub(r"\b(jump|goto) (\S+?)(?=[\s,]|$)", rename, line.text), own


def policies(lines, preamble, decide=False):
    """The same for nft and for xdpc. Counters: l12 of line 12, c12_one of the chain it jumps to. `decide`: every line
    ends the packet's way, those of odd numbers drop it."""
    chains = chains_of(preamble)
    shared = [text for text in preamble if not text.startswith("chain ")]
    rules, bodies = [], {}
    for line in lines:
        text, own = named(line, chains)
        bodies.update(own)
        if decide:
            rules.append((f"l{line.number}", f"{text} counter {'drop' if line.number % 2 else 'accept'}"))
        else:
            rules.append((f"l{line.number}", text if COUNT_FIRST.search(text) else f"{text} counter"))
    defines = [text for text in shared if text.startswith("define ")]
    objects = [text for text in shared if not text.startswith("define ")]

    def chain(name, head, body, label):
        return f"chain {name} {{\n{head}" + "\n".join(label(*rule) for rule in body) + "\n}\n"

    def text_of(head, label):
        own = "".join(
            chain(name, "", [(name, rest.strip())], lambda label_of, rule: label(label_of, rule))
            for name, rest in bodies.items()
        )
        return own + chain("ingress", head, rules, label)

    at_hook = "type filter hook ingress device n1 priority 0; policy accept;\n"
    nft = "\n".join(defines) + "\ntable netdev judge {\n" + "\n".join(objects) + "\n"
    nft += text_of(at_hook, lambda name, rule: rule) + "}\n"
    ours = "\n".join(defines + objects) + "\n" + text_of("policy pass\n", lambda name, rule: f"{name}: {rule}")
    return nft, ours


def refused_by_nft(lab, lines, preamble):
    """Processes of its own for each line: nft 1.0.6 aborts on some, on others when it lists them."""
    lab.inside("nft", "-c", "-f", "-", text=policies([], preamble)[0])
    why = {}
    for line in lines:
        done = lab.inside("nft", "-f", "-", text=FRESH + policies([line], preamble)[0], check=False)
        if done.returncode == 0:
            done = lab.inside(*LIST, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            why[line.number] = said[0] if said else f"nft ended with {done.returncode}"
    return why


def refused_by_xdpc(lines, preamble, folder):
    """All lines at once, without those that were refused, until none is."""
    why = {}
    path = os.path.join(folder, "check.xdp")
    while True:
        rest = [line for line in lines if line.number not in why]
        text = policies(rest, preamble)[1]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = run(xdpc, "check", path, "--json", check=False)
        rows = text.splitlines()
        found = {}
        for said in json.loads(done.stdout)["files"][0]["diagnostics"]:
            label = re.match(r"(?:l|c)(\d+)", rows[said["line"] - 1])
            if said["severity"] == "error" and label:
                found.setdefault(int(label[1]), f"{said['code']}: {said['message']}")
        why.update(found)
        if not found:
            if done.returncode:
                raise RuntimeError(f"xdpc check: {done.stdout[:600]}")
            return why


# ---- frames and counts


class Lab:
    """Two veths, w0-x1 for xdpc and w1-n1 for nft, and packet sockets on their near ends."""

    def __init__(self):
        self.namespaces = Namespaces("judge", (("w0", "x1"), ("w1", "n1")), address="02:00:00:00:00:01")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            there = stack.enter_context(self.namespaces)
            stack.callback(lambda: self.inside(xdpc, "detach", "-i", "x1", check=False))
            self.sockets = [stack.enter_context(packet_socket(there.world, name)) for name in ("w0", "w1")]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def inside(self, *command, **how):
        return inside(self.namespaces.machine, *command, **how)

    def received(self):
        counts = self.inside("cat", "/proc/net/dev").stdout
        return [int(re.search(rf"{name}:\s*\d+\s+(\d+)", counts)[1]) for name in ("x1", "n1")]

    def send(self, frames):
        """Returns once all have gone through both."""
        before = self.received()
        for frame in frames:
            for sock in self.sockets:
                select.select([], [sock], [])
                sock.send(frame)
        for _ in range(200):
            if all(now - then >= len(frames) for now, then in zip(self.received(), before)):
                return
            time.sleep(0.01)
        raise RuntimeError(f"{len(frames)} frames were sent, {self.received()} received, {before} before")

    def load(self, nft, ours, folder):
        self.inside("nft", "-f", "-", text=FRESH + nft)
        path = os.path.join(folder, "judge.xdp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ours)
        self.inside(xdpc, "detach", "-i", "x1", check=False)
        self.inside(xdpc, "apply", path, "-i", "x1", "--mode", "native")

    def counts(self, lines):
        """Of each line of matches and each chain: packets by xdpc and by nft."""
        ours = {}
        for rule in json.loads(self.inside(xdpc, "stats", "-i", "x1", "--json").stdout)["interfaces"][0]["rules"]:
            if "counter" in rule:
                ours[rule["rule"]] = rule["counter"]["packets"]
        labels = iter([f"l{line.number}" for line in lines])
        theirs, seen = {}, set()
        for entry in json.loads(self.inside(*LIST).stdout)["nftables"]:
            rule = entry.get("rule")
            if rule is None:
                continue
            name = next(labels) if rule["chain"] == "ingress" else rule["chain"]
            counter = next((each["counter"] for each in rule["expr"] if "counter" in each), None)
            if counter is not None and name not in seen:
                theirs[name] = counter["packets"]
            seen.add(name)
        if ours.keys() != theirs.keys():
            raise RuntimeError(f"counters of one side: {sorted(ours.keys() ^ theirs.keys())[:8]}")
        return {name: (ours[name], theirs[name]) for name in ours}


def changes(before, after):
    return {name: tuple(now - then for now, then in zip(after[name], before[name])) for name in after}


def read_pcap(path):
    """Of a capture of whatever kind, those that packet sockets take."""
    frames = [frame for frame, _ in RawPcapReader(path)]
    return [frame for frame in frames if 14 <= len(frame) <= 1514]


def line_of(name):
    return int(re.match(r"(?:l|c)(\d+)", name)[1])


def follow(lab, name, frames, lines):
    """The first frame at which the counts part; nothing where that depends on those before it."""
    while len(frames) > 1:
        half = frames[: len(frames) // 2]
        before = lab.counts(lines)
        lab.send(half)
        ours, theirs = changes(before, lab.counts(lines))[name]
        frames = half if ours != theirs else frames[len(half) :]
    before = lab.counts(lines)
    lab.send(frames)
    ours, theirs = changes(before, lab.counts(lines))[name]
    return (frames[0], ours, theirs) if ours != theirs else None


class Parted:
    """State that is no longer the same on both sides, since a line that changes it has differed as is wanted."""

    def __init__(self):
        self.lines, self.sets = set(), set()

    def add(self, line):
        if re.search(r"\b(limit|quota)\b", line):
            self.lines.add(line)
        self.sets |= set(re.findall(r"\b(?:add|update|delete) (@\w+)", line))

    def is_asked_by(self, line):
        return line in self.lines or any(name in self.sets for name in re.findall(r"@\w+", line))


def judge(lab, lines, preamble, groups, folder, result):
    nft, ours = policies(lines, preamble)
    lab.load(nft, ours, folder)
    texts = {line.number: line.text for line in lines}
    parted = Parted()
    bodies = {line.number: " ".join(named(line, chains_of(preamble))[1].values()) for line in lines}
    unlike = {}
    for odd, frames in groups:
        before = lab.counts(lines)
        lab.send(frames)
        not_wanted = {}
        for name, (mine, theirs) in changes(before, lab.counts(lines)).items():
            result["hits"][line_of(name)] += mine
            if mine == theirs:
                continue
            row = oddities.wanted(f"{texts[line_of(name)]} {bodies[line_of(name)]}", odd)
            if row is not None:
                result["wanted"][row].add(line_of(name))
                parted.add(texts[line_of(name)])
            else:
                not_wanted[name] = (odd, frames, mine, theirs)
        for name, difference in not_wanted.items():
            if not parted.is_asked_by(texts[line_of(name)]):
                unlike.setdefault(name, difference)
    for name, (odd, frames, mine, theirs) in list(unlike.items()):
        example = follow(lab, name, frames, lines) if len(result["different"]) < 40 else None
        text = f"{texts[line_of(name)]}: xdpc {mine}, nft {theirs} of {len(frames)} frames ({', '.join(sorted(odd)) or 'plain'})"
        if example:
            text += f"\n      xdpc {example[1]}, nft {example[2]}: {example[0].hex()}"
        result["different"][line_of(name)] = text


def judge_verdicts(lab, lines, preamble, frames, folder, result):
    """First match wins: each line counts what no earlier one has decided; and as many frames are let through."""
    lines = [line for line in lines if not COUNT_FIRST.search(line.text)]
    nft, ours = policies(lines, preamble, decide=True)
    lab.load(nft, ours, folder)
    lab.send(frames)
    after = lab.counts(lines)
    result["decided"] += sum(mine for mine, _ in after.values())
    for line in lines:
        mine, theirs = after[f"l{line.number}"]
        if mine != theirs and line.number not in result["different"]:
            text = f"{line.text}: as a verdict behind those before it: xdpc {mine}, nft {theirs}"
            result["different"][line.number] = text
            return  # what follows it is decided by what it leaves


def group_frames(frames):
    """Plain ones first: what a limit has let through does not depend on odd ones then."""
    groups = collections.defaultdict(list)
    for frame in frames:
        groups[frozenset(oddities.of(frame))].append(frame)
    return sorted(groups.items(), key=lambda group: (len(group[0]), sorted(group[0])))


def show(result, lines, frames, groups):
    refused = len(result["refused by nft"]) + len(result["refused by xdpc"])
    for side in ("refused by nft", "refused by xdpc"):
        for number, why in sorted(result[side].items()):
            print(f"{side}: line {number}: {why}")
    for number, text in sorted(result["different"].items()):
        print(f"different: line {number}: {text}")
    for row, numbers in sorted(result["wanted"].items()):
        print(f"wanted: {oddities.WANTED[row].text}: {len(numbers)} lines")
    silent = [line.number for line in lines if result["hits"].get(line.number, 1) == 0]
    if silent:
        print("matched by no frame: lines " + ", ".join(map(str, silent)))
    print(
        f"{len(lines)} lines: {len(lines) - refused} accepted, {refused} refused, {len(result['different'])} different; "
        f"{len(frames)} frames in {len(groups)} groups, "
        f"{len(groups[0][1])} of them plain; {result['decided']} decided the same; {len(silent)} lines matched none"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("file", nargs="?", default=os.path.join(here, "corpus.rules"))
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pcap", help="frames of a capture as well")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    lines, preamble = read_lines(args.file)
    result = {"hits": collections.Counter(), "different": {}, "wanted": collections.defaultdict(set), "decided": 0}
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        pcap = os.path.join(folder, "frames.pcap")
        run(os.path.join(build, "xdpc-frames"), str(args.frames), str(args.seed), pcap)
        frames = read_pcap(pcap) + (read_pcap(args.pcap) if args.pcap else [])
        groups = group_frames(frames)
        result["refused by nft"] = refused_by_nft(lab, lines, preamble)
        both = [line for line in lines if line.number not in result["refused by nft"]]
        result["refused by xdpc"] = refused_by_xdpc(both, preamble, folder)
        both = [line for line in both if line.number not in result["refused by xdpc"]]
        for begin in range(0, len(both), CHUNK):
            judge(lab, both[begin : begin + CHUNK], preamble, groups, folder, result)
            judge_verdicts(lab, both[begin : begin + CHUNK], preamble, groups[0][1], folder, result)
            if sys.stderr.isatty():
                print(f"\r{min(begin + CHUNK, len(both))} of {len(both)} lines", end="\n" if begin + CHUNK >= len(both) else "", file=sys.stderr)
    show(result, lines, frames, groups)
    if args.json:
        result["wanted"] = {oddities.WANTED[row].text: sorted(numbers) for row, numbers in result["wanted"].items()}
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return 1 if result["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
