#!/usr/bin/python3
"""Cost against rules, both logarithmic, as SVG: from the JSON of `bench rules`, `bench live rules` or `bench apply`.

usage: plot.py FILE.json -o FILE.svg [--policy NAME]   (--policy: which of live rules' policies)
"""
import argparse
import json
import math
from collections import defaultdict
from html import escape

colors = ("#c0392b", "#2471a3", "#1e8449", "#9a7d0a", "#6c3483", "#5d6d7e", "#ba4a00")
width, height, left, right, top, bottom = 720, 420, 70, 170, 46, 54


def lines_of(document, policy):
    """Title, what the vertical axis is, and points by name."""
    lines = defaultdict(list)
    if isinstance(document, list):  # bench rules
        groups = defaultdict(list)
        for row in document:
            if not row["refused"]:
                groups[row["shape"], row["rules"]].append(row["multiple_of_parsing"])
        for (shape, rules), multiples in groups.items():
            lines[shape].append((rules, sorted(multiples)[len(multiples) // 2]))
        return "What looking into a rule set costs a packet", "multiple of parsing alone, by hand in C", lines
    if any("receivers" in row for row in document["rows"]):
        for row in document["rows"]:
            if row["policy"] == policy:
                for name, one in row["receivers"].items():
                    lines[name].append((row["rules"], one["beyond_drop_ns"]))
        return f"Live frames over veth: rules of kind `{policy}`", "ns a packet beyond native XDP_DROP", lines
    for row in document["rows"]:
        for name in ("xdpc", "nft", "iptables"):
            if name in row:
                lines[f"{name} {row['shape']}"].append((row["rules"], row[name]["wall_ms"]))
    return "From text to attached", "ms", lines


def powers(low, high):
    return [10.0**n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def svg(title, unit, lines):
    points = [(x, max(y, 0.1)) for line in lines.values() for x, y in line]
    xs = powers(min(x for x, _ in points), max(max(x for x, _ in points), 1 + min(x for x, _ in points)))
    ys = powers(min(y for _, y in points), max(y for _, y in points))
    ys = ys if len(ys) > 1 else ys + [ys[0] * 10]

    def place(x, y):
        across = math.log(x / xs[0]) / math.log(xs[-1] / xs[0])
        up = math.log(max(y, 0.1) / ys[0]) / math.log(ys[-1] / ys[0])
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="18" font-size="15">{escape(title)}</text>',
        f'<text x="{left}" y="36" fill="#555">{escape(unit)}</text>',
    ]
    for x in xs:
        at, _ = place(x, ys[0])
        out.append(f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{height - bottom}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{number(x)}</text>')
    for y in ys:
        _, at = place(xs[0], y)
        out.append(f'<line x1="{left}" y1="{at:.1f}" x2="{width - right}" y2="{at:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{number(y)}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 14}" text-anchor="middle">rules</text>')
    ends = []
    for (name, line), color in zip(lines.items(), colors * (1 + len(lines) // len(colors))):
        placed = [place(x, y) for x, y in sorted(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in placed]
        ends.append([placed[-1][1], name, color, sorted(line)[-1][1]])
    floor = top - 14
    for y, name, color, value in sorted(ends):
        floor = max(y, floor + 14)  # names do not cover each other
        text = f"{name} {value:,.1f}" if value < 100 else f"{name} {value:,.0f}"
        out.append(f'<text x="{width - right + 10}" y="{floor + 4:.1f}" fill="{color}">{escape(text)}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("json")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--policy", default="acl")
    options = parser.parse_args()
    with open(options.json, encoding="utf-8") as file:
        title, unit, lines = lines_of(json.load(file), options.policy)
    if not lines:
        parser.error("nothing in there to plot")
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(svg(title, unit, lines))


if __name__ == "__main__":
    main()
