#!/usr/bin/env python3
"""plot.py LINES [DIRECTORY]: draws what bench_kernels measured, an SVG a family, from its JSON lines.

Each line of a drawing is a type, each group on the horizontal axis a shape and batch; the height is `ratio`: what the
kernel makes of the device's own copy bandwidth, or of its dot products. Standard library only."""
import json
import os
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1100, 520, 60, 190, 60, 130
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#885522", "#000000", "#ee7733", "#009988",
           "#cc3311", "#33bbee", "#999933", "#882255", "#44aa99", "#777777")


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.startswith("{")]
    return [line for line in lines if line.get("bench") == "kernels" and "ratio" in line]


def series_of(line):
    """Kernels of one type that give f32 and f16 are two lines."""
    name = line["kernel_name"]
    return line["type"] + (name[-4:] if name.endswith(("_f32", "_f16")) else "")


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(str(words))}</text>'


def draw(family, lines):
    groups = list(dict.fromkeys((line["n"], line["k"], line["batch"]) for line in lines))
    series = {}
    for line in lines:
        series.setdefault(series_of(line), {})[(line["n"], line["k"], line["batch"])] = line["ratio"]
    highest = max(1.0, max(line["ratio"] for line in lines))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    x_of = {group: LEFT + inner_width * (i + 0.5) / len(groups) for i, group in enumerate(groups)}

    def y_of(ratio):
        return TOP + inner_height * (1 - ratio / highest)

    first = lines[0]
    peak = (f"dot products, {first['dp4a_gops'] / 1000:.1f} TOP/s" if first["ratio_to"] == "dp4a"
            else f"copy, {first['copy_gbps']:.0f} GB/s")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
           'font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
           text(LEFT, 24, f"{family}: share of the device's own {peak}", 'font-size="16"'),
           text(LEFT, 44, f"{first['device']}, {first['arch']}, qjit {first['commit']}", 'fill="#555555"')]
    for step in range(int(highest * 10) + 1):
        y = y_of(step / 10)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(text(LEFT - 8, y + 4, f"{step * 10} %", 'text-anchor="end"'))
    for (n, k, batch), x in x_of.items():
        y = HEIGHT - BOTTOM + 12
        label = f"{n} x {k}" + (f", {batch}" if batch != 1 else "")
        out.append(text(x, y, label, f'text-anchor="end" transform="rotate(-45 {x:.1f} {y:.1f})"'))
    for i, (name, values) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        points = [(x_of[group], y_of(values[group])) for group in groups if group in values]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 3"' if i >= len(COLOURS) else ""
        out.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        y = TOP + 16 * i
        out.append(f'<line x1="{WIDTH - RIGHT + 14}" x2="{WIDTH - RIGHT + 40}" y1="{y}" y2="{y}" stroke="{colour}" '
                   f'stroke-width="3"{dash}/>')
        out.append(text(WIDTH - RIGHT + 46, y + 4, name))
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    lines, folder = read(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "."
    if not lines:
        sys.exit(f"plot.py: '{sys.argv[1]}' has no lines of bench_kernels")
    os.makedirs(folder, exist_ok=True)
    for family in dict.fromkeys(line["family"] for line in lines):
        path = os.path.join(folder, f"kernels-{family}.svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(draw(family, [line for line in lines if line["family"] == family]))
        print(path)


main()
