"""Kernel images from Debian's archive, and guests that run them."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

# The package that depends on the newest image of each kernel.
PACKAGES = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}

PR_SET_PDEATHSIG = 1


def newest(kernel):
    """The name of the image's package by apt's lists, None if they have none."""
    listed = subprocess.run(["apt-cache", "depends", PACKAGES[kernel]], capture_output=True, text=True).stdout
    names = re.findall(rf"Depends: (linux-image-{re.escape(kernel)}\.\S+)", listed)
    return names[0] if names else None


def fetch(kernel, folder, offline):
    """The folder with the unpacked image; downloads it unless the newest is there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = None if offline else newest(kernel)
    if name is None:
        there = sorted(folder.glob(f"linux-image-{kernel}.*"), key=lambda path: path.stat().st_mtime)
        if there:
            return there[-1]
        raise SystemExit(f"kernels: apt knows no image of {kernel}; `apt-get update`, or name other kernels")
    root = folder / name
    if root.is_dir():
        return root
    print(f"== fetching {name}", flush=True)
    parts = folder / f"{name}.new"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    subprocess.run(["apt-get", "download", "-q", name], cwd=parts, check=True, stderr=subprocess.DEVNULL)
    package = next(parts.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, parts], check=True)
    package.unlink()
    parts.rename(root)
    return root


def command(root, archive, log, options):
    """Two network cards on one hub, so that a guest has a wire between two real drivers."""
    kernel = next(root.glob("boot/vmlinuz-*"))
    line = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(options.cpus), "-m",
            options.memory, "-kernel", kernel, "-initrd", archive, "-append",
            "console=ttyS0 loglevel=4 panic=-1 oops=panic random.trust_cpu=on net.ifnames=0 mitigations=off norandmaps",
            "-display", "none", "-nodefaults", "-no-reboot",
            "-serial", f"file:{log}.console", "-serial", f"file:{log}"]
    for number in (0, 1):
        line += ["-netdev", f"hubport,id=n{number},hubid=0", "-device",
                 f"virtio-net-pci,netdev=n{number},mac=02:00:00:00:01:0{number},romfile="
                 ",guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_csum=off"]
    return line


def in_guest_process():
    """Gives way to other work, and ends with this program however that ends."""
    os.nice(5)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(root, archive, log, options, progress):
    """Boots a guest and reads what it tells until it has ended; gives the progress."""
    for path in (log, pathlib.Path(f"{log}.console")):
        path.unlink(missing_ok=True)
    log.touch()
    ends = time.monotonic() + options.timeout
    with open(f"{log}.qemu", "w") as said:
        guest = subprocess.Popen(command(root, archive, log, options), preexec_fn=in_guest_process,
                                 stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        with open(log, errors="replace") as lines:
            rest = ""
            while True:
                ended = guest.poll() is not None
                rest += lines.read()
                *whole, rest = rest.split("\n")
                for line in whole:
                    progress.line(line.rstrip("\r"))
                if ended:
                    break
                if time.monotonic() > ends:
                    progress.broken = f"not finished within {options.timeout} s"
                    break
                time.sleep(0.2)
    finally:
        if guest.poll() is None:
            guest.kill()
        guest.wait()
    if guest.returncode > 0:
        progress.broken = "qemu: " + pathlib.Path(f"{log}.qemu").read_text(errors="replace").strip()
    progress.console = pathlib.Path(f"{log}.console").read_text(errors="replace")
    return progress
