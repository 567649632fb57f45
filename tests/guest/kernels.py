#!/usr/bin/python3
"""Boots Debian's kernels under qemu with the built xdpc inside, runs checks there, and says what passed.

Kernel images are fetched with apt and unpacked in the build folder: nothing is installed, the machine's own boot stays
as it is. A guest is an initramfs of the files that `carried` names and the kernel modules that `modules` names."""
import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import image
import machine
import report

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", nargs="*", help=f"of {', '.join(machine.PACKAGES)}; all if none is named")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCES / "build", help="the build folder")
    parser.add_argument("--checks", default="all", help="`all`, `short`, or names, separated by commas")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", default="3G")
    parser.add_argument("--timeout", type=int, default=7200, help="seconds for each kernel")
    parser.add_argument("--json", type=pathlib.Path, help="write what came of it to a file")
    parser.add_argument("--offline", action="store_true", help="take the images that were fetched before")
    options = parser.parse_args()
    for kernel in options.kernels:
        if kernel not in machine.PACKAGES:
            parser.error(f"no kernel `{kernel}`; there are {', '.join(machine.PACKAGES)}")
    options.checks = image.expand(options.checks)
    options.kernels = options.kernels or list(machine.PACKAGES)
    return options


def run_guest(options, kernel):
    folder = options.build / "guest"
    root = machine.fetch(kernel, folder, options.offline)
    archive = folder / f"{kernel}.cpio"
    image.write(archive, root, options.build.resolve(), SOURCES, options.checks)
    print(f"== {kernel}: {root.name}, {archive.stat().st_size >> 20} MiB carried", flush=True)
    begun = time.monotonic()
    result = machine.run(root, archive, folder / f"{kernel}.log", options, report.Progress())
    result.seconds = time.monotonic() - begun
    archive.unlink()
    return result


def main():
    options = arguments()
    results = {kernel: run_guest(options, kernel) for kernel in options.kernels}
    here = report.features_here(options.build / "xdpc")
    report.print_tables(here, results)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(here, results), indent=1))
    for kernel, result in results.items():
        for line in result.problems():
            print(f"{kernel}: {line}")
    bad = [kernel for kernel, result in results.items() if result.problems()]
    print(f"what they printed: {options.build / 'guest'}/KERNEL.log")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
