#!/usr/bin/python3
"""Faults at every step: each system call of a command fails in turn, with each error, or the process is killed there.

`strace` does it from outside (-e inject), so no step can be forgotten. A command is run once to see which calls it makes;
then again for each of them from the first that touches BPF on. Afterwards real frames tell which policy runs, whole:

    old      what ran before; the command said that it failed, or was killed
    new      what it was to bring; it said that it was done, or was killed
    BAD …    neither, or not what the command said; a crash; a failure without a word
    LEFT …   the next command does not repair what was left, a pin is left over, or a count is lost

The matrix has a row for each step (of bpf(2) each command of it) and a column for each fault. Needs root, strace."""
import argparse
import collections
import contextlib
import json
import os
import re
import select
import struct
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../harness"))
from netns import Namespaces, inside, packet_socket, run  # noqa: E402
build = os.path.abspath(os.environ.get("XDPC_BUILD", os.path.join(here, "../../build")))
xdpc = os.path.join(build, "xdpc")
IP = 0x0800
ERRORS = ("ENOMEM", "EPERM", "EBUSY", "ENOSPC")
CALLS = "bpf,flock,openat,mkdirat,mkdir,unlink,unlinkat,rmdir,rename,renameat2,mmap,socket,bind,sendto,sendmsg,recvmsg,membarrier,faccessat,faccessat2,access,ftruncate,fstat,newfstatat,statx,getdents64"

OLD = """set ports { type inet_service; size 5000; elements = { 2000, 2001 } }
set seen { type inet_service; flags dynamic; size 64 }
counter both { }
chain ingress {
    policy pass
    common: udp dport 1000 add @seen { udp dport } counter name both drop
    old: udp dport 1001 drop
    listed: udp dport @ports drop
}
"""
NEW = OLD.replace("old: udp dport 1001", "new: udp dport 1002").replace("2000, 2001", "2001, 2002").replace(
    "common:", "ip ttl 3 drop\n    common:"
)
ELEMENTS = "2001\n2002\n" + "".join(f"{port}\n" for port in range(10000, 11000))


def frame_to(port):
    udp = struct.pack("!HHHH", 40000, port, 8, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    return bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip + udp + bytes(18)


class Lab:
    """A veth whose far end the policy is on, and packet sockets on both ends."""

    common = 0  # frames that the rule of that name counts, all told

    def __init__(self):
        self.namespaces = Namespaces("faults", (("w0", "m0"),))

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            there = stack.enter_context(self.namespaces)
            stack.callback(lambda: self.inside(xdpc, "detach", "-i", "m0", check=False))
            self.out = stack.enter_context(packet_socket(there.world, "w0", IP))
            self.into = stack.enter_context(packet_socket(there.machine, "m0", IP))
            self.pins = f"/sys/fs/bpf/xdpc/{os.stat(f'/run/netns/{there.machine}').st_ino}"
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def inside(self, *command, **how):
        return inside(self.namespaces.machine, *command, **how)

    def passing(self, ports):
        """Which of the ports get through. The last one always does, and says that all have been looked at."""
        for port in (*ports, 9):
            self.out.send(frame_to(port))
        through, end = set(), time.monotonic() + 2
        while 9 not in through and time.monotonic() < end:
            if select.select([self.into], [], [], 0.05)[0]:
                got = self.into.recv(2048)
                through.add(struct.unpack("!H", got[36:38])[0])
        return through - {9}

    def which(self):
        """Which policy runs: old, new, none; else what got through."""
        through = self.passing((1000, 1001, 1002))
        if 1000 not in through:
            self.common += 1
        return {(1002,): "old", (1001,): "new", (1000, 1001, 1002): "none"}.get(tuple(sorted(through)), f"mixed {sorted(through)}")

    def which_set(self):
        through = self.passing((2000, 2001, 2002, 10500))
        return {(2002, 10500): "old", (2000,): "new", (10500,): "added"}.get(tuple(sorted(through)), f"mixed {sorted(through)}")

    def pinned(self):
        """Names of pins, without the numbers of generations."""
        found = []
        for folder, folders, files in os.walk(self.pins):
            found += [re.sub(r"gen-\d+", "gen", os.path.join(folder, name)[len(self.pins) :]) for name in folders + files]
        return sorted(found)

    def counted(self):
        """Packets of the rule `common`, by the rule and by the counter that it names; what it put into its set."""
        stats = json.loads(self.inside(xdpc, "stats", "-i", "m0", "--json").stdout)["interfaces"][0]
        rule = next(rule["packets"] for rule in stats["rules"] if rule["rule"] == "common")
        named = next(each["packets"] for each in stats["counters"] if each["counter"] == "both")
        seen = next(each["elements"] for each in stats["sets"] if each["set"] == "seen")
        return rule, named, seen


Operation = collections.namedtuple("Operation", "name before command which news")


def operations(files):
    old, new, elements = files
    attach = [["apply", old, "-i", "m0", "--reset-sets"]]
    return [
        Operation("apply, first", [["detach", "-i", "m0"]], ["apply", new, "-i", "m0"], Lab.which, "new"),
        Operation("apply", [["apply", old, "-i", "m0"]], ["apply", new, "-i", "m0"], Lab.which, "new"),
        Operation("detach", attach, ["detach", "-i", "m0"], Lab.which, "none"),
        Operation("set add", attach, ["set", "add", "ports", "-i", "m0", "2002"], Lab.which_set, "added"),
        Operation("set replace", attach, ["set", "replace", "ports", "-i", "m0", "--file", elements], Lab.which_set, "new"),
    ]


def prepare(lab, operation):
    for command in operation.before:
        lab.inside(xdpc, *command, check="detach" not in command)
    return operation.which(lab)


def steps(lab, operation, folder):
    """The calls that the command makes from the first that touches BPF on: (name, how many of that name before, row)."""
    prepare(lab, operation)
    log = os.path.join(folder, "strace")
    lab.inside("strace", "-o", log, "-e", f"trace={CALLS}", xdpc, *operation.command)
    seen, found, begun = collections.Counter(), [], False
    with open(log, encoding="utf-8", errors="replace") as file:
        for text in file:
            call = re.match(r"(\w+)\((\w*)", text)
            if call is None:
                continue
            seen[call[1]] += 1
            begun = begun or call[1] in ("bpf", "flock")
            if begun:
                row = f"bpf {call[2].removeprefix('BPF_').lower()}" if call[1] == "bpf" else call[1]
                found.append((call[1], seen[call[1]], row))
    return found


def inject(lab, operation, step, fault, folder):
    """What came of it, in a word."""
    before = prepare(lab, operation)
    name, number, _ = step
    how = "signal=KILL" if fault == "KILL" else f"error={fault}"
    log = os.path.join(folder, "inject")
    command = ("strace", "-o", log, "-e", f"trace={name}", "-e", f"inject={name}:{how}:when={number}", xdpc, *operation.command)
    done = lab.inside(*command, check=False)
    after = operation.which(lab)
    killed = done.returncode < 0 or done.returncode > 128
    if killed and fault != "KILL":
        return f"BAD crash {done.returncode}"
    if after not in (before, operation.news):
        return f"BAD {after}"
    outcome = "old" if after == before else "new"
    told = "the next command" in done.stderr  # it is as it should be, but for what is left
    if not killed and (done.returncode == 0) != (outcome == "new") and not told:
        return f"BAD said {done.returncode}, {outcome} runs"
    if not killed and done.returncode != 0 and "xdpc" not in done.stderr:
        return "BAD failed without a word"
    return outcome


def repaired(lab, operation, baseline):
    """What the next command leaves that should not be there; "" if nothing."""
    next_one = prepare(lab, operation)
    if next_one not in ("old", "none"):
        return f"LEFT {next_one} runs"
    pins = lab.pinned()
    if pins != baseline:
        return f"LEFT {sorted(set(pins) ^ set(baseline))[:3]}"
    return ""


def check_counts(lab, operation):
    """Of commands that leave the policy on: that no packet is missing in its counts, whatever came between."""
    if operation.name in ("apply, first", "detach"):
        return ""
    rule, named, seen = lab.counted()
    put_in = 1 if operation.which is Lab.which else 0  # the others begin with a set that is reset
    if (rule, named, seen) == (lab.common, lab.common, put_in):
        return ""
    return f"LEFT {rule} and {named} counted of {lab.common}, {seen} elements of {put_in}"


def start_again(lab):
    """With counts that agree."""
    files = lab.files
    lab.inside(xdpc, "detach", "-i", "m0")
    lab.inside(xdpc, "apply", files[0], "-i", "m0")
    lab.which()
    return lab.counted()[0]


def fill(lab, operation, faults, every, folder):
    """Rows of the matrix: step and fault to outcomes and how often."""
    matrix = collections.defaultdict(collections.Counter)
    bad = []
    found = steps(lab, operation, folder)
    prepare(lab, operation)
    baseline = lab.pinned()
    if operation.name not in ("apply, first", "detach"):
        lab.common = start_again(lab)
    chosen = found[::every]
    for number, step in enumerate(chosen):
        for fault in faults:
            outcome = inject(lab, operation, step, fault, folder)
            left = repaired(lab, operation, baseline) or check_counts(lab, operation)
            for said in (outcome, left):
                if said.startswith(("BAD", "LEFT")):
                    bad.append(f"{operation.name}, {step[0]} {step[1]} ({step[2]}), {fault}: {said}")
            if "counted of" in left:
                lab.common = start_again(lab)
            matrix[step[2], fault][(left or outcome).split(" ")[0]] += 1
        if sys.stderr.isatty():
            print(f"\r{operation.name}: {number + 1} of {len(chosen)} calls", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return matrix, bad


def show(operation, matrix, faults):
    rows = list(dict.fromkeys(row for row, _ in matrix))
    print(f"{operation.name:24}" + "".join(f"{fault:>18}" for fault in faults))
    for row in rows:
        cells = ("  ".join(f"{name} {count}" for name, count in sorted(matrix[row, fault].items())) for fault in faults)
        print(f"  {row:22}" + "".join(f"{cell:>18}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--every", type=int, default=1, help="every N-th call only")
    parser.add_argument("--faults", default="KILL," + ",".join(ERRORS))
    parser.add_argument("--operations", help="names, separated by semicolons")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    faults = args.faults.split(",")
    bad, runs, rows = [], 0, {}
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        files = [os.path.join(folder, name) for name in ("old.o", "new.o", "elements")]
        for path, text in zip(files, (OLD, NEW, ELEMENTS)):
            source = path if path.endswith("elements") else path[:-1] + "xdp"
            with open(source, "w", encoding="ascii") as file:
                file.write(text)
            if source != path:
                run(xdpc, "build", source, "-o", path, "--kernel", "host")
        lab.files = files
        for operation in operations(files):
            if args.operations and operation.name not in args.operations.split(";"):
                continue
            matrix, wrong = fill(lab, operation, faults, args.every, folder)
            show(operation, matrix, faults)
            bad += wrong
            runs += sum(sum(cell.values()) for cell in matrix.values())
            rows[operation.name] = {f"{row}, {fault}": dict(cell) for (row, fault), cell in matrix.items()}
    for text in bad:
        print(text)
    print(f"{runs} faults, {len(bad)} of them not as they should be")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"matrix": rows, "bad": bad}, file, indent=1)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
