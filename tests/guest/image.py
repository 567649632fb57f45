"""The initramfs of a guest: files of this machine at their own places, with the libraries their programs load."""
import lzma
import os
import pathlib
import re
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
         "usr/bin/sh": "bash", "usr/bin/env": "../../busybox/env", "etc/mtab": "/proc/mounts"}


def lines_of(name):
    return [line for line in (HERE / name).read_text().splitlines() if line and not line.startswith("#")]


def place(path):
    """Where a file stands once /bin and /lib are links into /usr."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if path.startswith(f"/{name}/"):
            return "/usr" + path
    return path


def libraries(path):
    """What the dynamic loader would load for a program or library."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return set(re.findall(r"(/\S+) \(0x", listed))


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def expand(checks):
    """The names that `all` and `short` stand for, and others as they are."""
    lists = {line.split()[0]: line.split()[1:] for line in lines_of("lists")}
    return [name for check in checks.split(",") for name in lists.get(check, [check])]


def carried_files(build, sources, checks):
    """Every file that `carried` names for these checks, and the libraries."""
    found = set()
    for line in lines_of("carried"):
        path, *needed_by = line.replace("@B", str(build)).replace("@S", str(sources)).split()
        if needed_by and not set(needed_by) & {check.split(":")[0] for check in checks}:
            continue
        if os.path.isdir(path):
            found |= {os.path.join(top, name) for top, _, names in os.walk(path) for name in names}
        elif os.path.isfile(path):
            found.add(path)
        else:
            raise SystemExit(f"kernels: `{path}` of tests/guest/carried is not there; is it built?")
    for path in list(found):
        if os.access(path, os.X_OK) and is_elf(path) or ".so" in os.path.basename(path):
            found |= libraries(path)
    return found


def module_bytes(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def modules(root):
    """(name, bytes) of the modules that `modules` names, each behind those that it depends on."""
    files = {path.name.split(".")[0].replace("-", "_"): path for path in root.glob("lib/modules/*/kernel/**/*.ko*")}
    ordered = {}

    def add(name):
        name = name.replace("-", "_")
        if name in ordered or name not in files:
            return
        data = module_bytes(files[name])
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in (needs.group(1).decode() if needs else "").split(","):
            add(other)
        ordered[name] = data

    for name in lines_of("modules"):
        add(name)
    return list(ordered.items())


class Archive:
    """Writes cpio in the form that the kernel unpacks (newc), folders made as they are needed."""

    def __init__(self, file):
        self.file, self.made, self.count = file, set(), 0

    def entry(self, name, mode, data=b""):
        self.count += 1
        encoded = name.encode() + b"\0"
        numbers = [self.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
        header = b"070701" + "".join(f"{number:08x}" for number in numbers).encode() + encoded
        self.file.write(header + b"\0" * (-len(header) % 4))
        self.file.write(data)
        self.file.write(b"\0" * (-len(data) % 4))

    def add(self, path, data, mode):
        name = path.lstrip("/")
        folder = ""
        for part in name.split("/")[:-1]:
            folder = f"{folder}/{part}".lstrip("/")
            if folder not in self.made:
                self.made.add(folder)
                self.entry(folder, stat.S_IFDIR | 0o755)
        self.entry(name, mode, data)

    def end(self):
        self.entry("TRAILER!!!", 0)


def write(target, root, build, sources, checks):
    """An initramfs for the kernel unpacked at `root` that runs the checks of these names."""
    with open(target, "wb") as file:
        archive = Archive(file)
        archive.add("usr/lib64/.", b"", stat.S_IFDIR | 0o755)
        for link, to in LINKS.items():
            archive.add(link, to.encode(), stat.S_IFLNK | 0o777)
        archive.add("dev/console", b"", stat.S_IFREG | 0o600)
        for path in sorted(carried_files(build, sources, checks)):
            with open(path, "rb") as source:
                archive.add(place(path), source.read(), stat.S_IFREG | (os.stat(path).st_mode & 0o755))
        loaded = modules(root)
        for name, data in loaded:
            archive.add(f"guest/{name}.ko", data, stat.S_IFREG | 0o644)
        for name, text in {"modules": "".join(f"/guest/{name}.ko\n" for name, _ in loaded), "sources": f"{sources}\n",
                           "build": f"{build}\n", "checks": " ".join(checks) + "\n"}.items():
            archive.add(f"guest/{name}", text.encode(), stat.S_IFREG | 0o644)
        archive.add("init", (HERE / "init").read_bytes(), stat.S_IFREG | 0o755)
        archive.end()
