"""What scripts that work in network namespaces share: running commands there, and packet sockets on their interfaces."""
import ctypes
import os
import signal
import socket
import subprocess
import sys

CLONE_NEWNET = 0x40000000


def run(*command, text=None, check=True):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise RuntimeError(f"{' '.join(command)[:160]}: {said[:600]}")
    return done


def entering(namespace, *command):
    """Not by `ip netns exec`, which hides bpffs."""
    return ("nsenter", f"--net=/run/netns/{namespace}", *command)


def inside(namespace, *command, **how):
    return run(*entering(namespace, *command), **how)


def packet_socket(namespace, interface, protocol=0):
    """Sends frames there; with a protocol (0x0800) takes them as well."""
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns() is there from Python 3.12 on
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        made.bind((interface, protocol))
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)
    return made


class Namespaces:
    """Two of them, `world` and `machine`, joined by veths of which the second end is the machine's; gone at the end of
    a `with`, also by SIGTERM. They have no addresses and say nothing of themselves."""

    def __init__(self, label, pairs, address="02:00:00:00:00:02"):
        self.world, self.machine = f"xdpc-{label}-{os.getpid()}-w", f"xdpc-{label}-{os.getpid()}-m"
        self.pairs, self.address = pairs, address

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            for namespace in (self.world, self.machine):
                run("ip", "netns", "add", namespace)
                for which in ("all", "default"):
                    inside(namespace, "sysctl", "-qw", f"net.ipv6.conf.{which}.disable_ipv6=1")
            for near, far in self.pairs:
                inside(self.world, "ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", self.machine)
                inside(self.machine, "ip", "link", "set", far, "address", self.address)
                inside(self.machine, "ip", "link", "set", far, "up")
                inside(self.world, "ip", "link", "set", near, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.machine, self.world):
            run("ip", "netns", "del", namespace, check=False)
