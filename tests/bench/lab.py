"""What the benchmarks in Python share: two network namespaces, running commands there, and what a command takes."""
import os
import signal
import struct
import subprocess
import sys
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../harness"))
import netns  # noqa: E402
from netns import entering  # noqa: E402,F401
build = os.path.abspath(os.environ.get("XDPC_BUILD", os.path.join(here, "../../build")))
xdpc = os.path.join(build, "xdpc")
frames = os.path.join(build, "xdpc-bench-frames")
frames_object = os.path.join(build, "bench/frames.bpf.o")
prefix = f"xdpc-bench-{os.getpid()}"
world, machine = f"{prefix}-world", f"{prefix}-machine"


def run(*command, text=None):
    return netns.run(*command, text=text).stdout


def inside(namespace, *command, text=None):
    return netns.inside(namespace, *command, text=text).stdout


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def mac_of(number):
    return f"02:00:00:00:01:{number:02x}"


def detach(interface):
    """Of the machine; it may be that xdpc is not there."""
    subprocess.run(entering(machine, xdpc, "detach", "-i", interface), capture_output=True)


def tear_down(attached=()):
    """Takes the namespaces away; `attached` are the interfaces where xdpc may be."""
    for namespace in (machine, world):
        if os.path.exists(f"/run/netns/{namespace}"):
            if namespace == machine:
                for interface in attached:
                    detach(interface)
            run("ip", "netns", "del", namespace)


def set_up(pairs):
    """`pairs`: (interface of the world, interface of the machine), each a veth that takes redirected frames."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was set up is torn down
    for namespace in (world, machine):
        run("ip", "netns", "add", namespace)
        inside(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    for number, (near, far) in enumerate(pairs):
        inside(world, "ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", machine)
        inside(machine, "ip", "link", "set", far, "address", mac_of(number))
        inside(machine, "ethtool", "-K", far, "gro", "on")  # NAPI: else a veth takes no redirected frames
        inside(world, "ethtool", "-K", near, "gro", "on")
        inside(world, "ip", "link", "set", near, "up")
        inside(machine, "ip", "link", "set", far, "up")


def write_headers(path, headers):
    """The frames that packet_cost sends: source, destination, source port << 16 | destination port, protocol of each."""
    with open(path, "wb") as file:
        file.write(b"".join(struct.pack("=4I", *header) for header in headers))


def packet_cost(near, number, count, trace):
    """ns of CPU a frame: source, veth and receiver. `number`: of the pair, in set_up's order."""
    command = ("taskset", "-c", "1", frames, frames_object, near, mac_of(number), str(count), trace)
    return float(inside(world, *command))


def attach_drop(interface):
    """Bare native XDP_DROP on an interface of the machine, until the process that is returned is killed."""
    dropper = subprocess.Popen(
        entering(machine, frames, frames_object, "attach", interface), stdout=subprocess.PIPE
    )
    dropper.stdout.readline()
    return dropper


def timed(call):
    """ms of wall time."""
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1e3


def spawn(command, output=None):
    with open(output, "wb") if output else open(os.devnull, "wb") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)


def end_of(process, command):
    """Its usage, with that of its children."""
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:120]}: {said.decode(errors='replace').strip()[-400:]}")
    return usage


def measured(command, output=None):
    """Wall and CPU time of a command and its children, ms."""
    begin = time.perf_counter()
    usage = end_of(spawn(command, output), command)
    return {"wall_ms": (time.perf_counter() - begin) * 1e3, "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1e3}


def family_of(pid):
    pids = [pid]
    for one in pids:
        try:
            with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as file:
                pids += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return pids


def proportional_kib(pid):
    """What it has in memory; a page that several processes share counts for a part in each."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def peak_mib(command, every=0.01):
    """The most that a command and its children have in memory together. Looked at every 10 ms, which disturbs: not
    a run whose time counts."""
    process = spawn(command)
    peak, ended = 0, threading.Event()

    def watch():
        nonlocal peak
        while not ended.wait(every):
            peak = max(peak, sum(proportional_kib(pid) for pid in family_of(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        end_of(process, command)
    finally:
        ended.set()
        watcher.join()
    return peak / 1024
