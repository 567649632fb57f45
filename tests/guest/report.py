"""What guests tell, line by line, and the tables of it.

A guest prints `@@ begin NAME`, what the check prints, `@@ end NAME STATUS SECONDS`, and `@@ done` at last."""
import json
import re
import subprocess
import sys


class Progress:
    def __init__(self):
        self.checks, self.features = {}, []  # name -> {status, seconds, passed, failed, skipped}
        self.kernel, self.broken, self.console, self.seconds = "", "", "", 0.0
        self.finished, self.modules, self.current = False, [], None

    def line(self, text):
        words = text.split()
        if text.startswith("@@ begin "):
            self.current = {"name": words[2], "passed": 0, "failed": [], "skipped": 0, "tail": []}
        elif text.startswith("@@ end ") and self.current:
            self.end(int(words[3]), float(words[4]))
        elif text == "@@ done":
            self.finished = True
        elif text.startswith("@@ module "):
            self.modules.append(text[3:])
        elif text.startswith("@@ features "):
            told = json.loads(text[len("@@ features "):])
            self.kernel, self.features = told["kernel"], told["features"]
        elif self.current is not None:
            self.inside(text)

    def inside(self, text):
        """Google Test's summary, or single checks' `ok NAME` and `not ok NAME`."""
        check = self.current
        check["tail"] = (check["tail"] + [text])[-30:]
        if sys.stdout.isatty() and text.startswith(("[ RUN", "ok ", "not ok ")):
            print(f"   {check['name']}: {text.split(None, 2)[-1][:60]:<60}", end="\r", flush=True)
        if match := re.match(r"\[  PASSED  \] (\d+) test", text):
            check["passed"] += int(match[1])
        elif match := re.match(r"\[  SKIPPED \] (\d+) test", text):
            check["skipped"] += int(match[1])
        elif match := re.match(r"\[  FAILED  \] ([A-Za-z]\S*?\.\S+?)(,|$| \()", text):
            if match[1] not in check["failed"]:
                check["failed"].append(match[1])
        elif match := re.match(r"ok (\S.*)", text):
            check["passed"] += 1
        elif match := re.match(r"not ok (\S.*)", text):
            check["failed"].append(match[1])

    def end(self, status, seconds):
        check, self.current = self.current, None
        check |= {"status": status, "seconds": seconds}
        self.checks[check["name"]] = check
        said = "passed" if status == 0 else f"FAILED ({len(check['failed'])})"
        skipped = f", {check['skipped']} skipped" if check["skipped"] else ""
        print(f"   {check['name']:<16} {said:<12} {check['passed']:>5} passed{skipped} {seconds:>7.1f} s", flush=True)
        for name in check["failed"]:
            print(f"     {name}", flush=True)
        if status != 0 and not check["failed"]:
            print("\n".join(f"     | {line}" for line in check["tail"]), flush=True)

    def problems(self):
        found = [f"{name}: {', '.join(check['failed']) or 'ended with status ' + str(check['status'])}"
                 for name, check in self.checks.items() if check["status"] != 0]
        if self.current is not None:
            found.append(f"{self.current['name']}: began and did not end")
        if self.broken:
            found.append(self.broken)
        elif not self.finished:
            found.append("the guest ended early; its console: " + " / ".join(self.console.splitlines()[-6:]))
        if not self.checks:
            found.append("no check ran")
        for line in self.console.splitlines():
            if re.search(r"BUG:|WARNING: |Oops|general protection|Call Trace|rcu.*stall", line):
                found.append(f"the kernel said: {line.strip()}")
        return found + self.modules


def features_here(xdpc):
    told = subprocess.run([xdpc, "features", "--json"], capture_output=True, text=True).stdout
    result = json.loads(told)
    return {"kernel": result["kernel"], "features": result["features"]}


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def short(version):
    return ".".join(re.findall(r"\d+", version)[:2])


def print_tables(here, results):
    """Features and checks by kernel, the running kernel's features first."""
    columns = [(here["kernel"], here["features"])] + [(r.kernel or k, r.features) for k, r in results.items()]
    print("\n== features")
    rows = [["FEATURE"] + [short(kernel) for kernel, _ in columns] + ["FOR"]]
    for feature in here["features"]:
        told = [{f["name"]: f for f in features}.get(feature["name"]) for _, features in columns]
        rows.append([feature["name"]] + ["?" if f is None else "yes" if f["available"] else "no" for f in told] +
                    [feature["use"]])
    table(rows)
    print("\n== checks")
    names = list(dict.fromkeys(name for result in results.values() for name in result.checks))
    rows = [["CHECK"] + list(results)]
    for name in names:
        row = [name]
        for result in results.values():
            check = result.checks.get(name)
            row.append("-" if check is None else
                       f"{check['passed']} passed" if check["status"] == 0 else
                       f"{check['passed']} passed, {max(len(check['failed']), 1)} FAILED")
        rows.append(row)
    rows.append(["seconds"] + [f"{result.seconds:.0f}" for result in results.values()])
    table(rows)
    print()


def as_json(here, results):
    return {"here": here, "kernels": {
        kernel: {"kernel": result.kernel, "features": result.features, "seconds": result.seconds,
                 "problems": result.problems(),
                 "checks": [{key: check[key] for key in ("name", "status", "seconds", "passed", "failed", "skipped")}
                            for check in result.checks.values()]} for kernel, result in results.items()}}
