#!/usr/bin/env python3
"""table.py LINES...: bench_kernels's JSON lines as tables in Markdown, one a family and what it is compared with: a line
a type, a column a shape and batch, each the `ratio` in per cent. Standard library only."""
import json
import sys


def label(line):
    name = line["kernel_name"]
    return line["type"] + (" to " + name[-3:] if name.endswith(("_f32", "_f16")) and line["type"] not in name[-4:] else "")


def cell(line):
    text = "%.0f" % (100 * line["ratio"])
    library = [line[key] for key in ("dequantize_cublas_us", "dequantize_wide_cublas_us") if key in line]
    return text + (" (%.2f)" % (min(library) / line["us"]) if library else "")


def main():
    lines = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            lines += [json.loads(line) for line in file if line.startswith("{")]
    for family, ratio_to in dict.fromkeys((line["family"], line["ratio_to"]) for line in lines if "ratio" in line):
        own = [line for line in lines if line["family"] == family and line["ratio_to"] == ratio_to]
        columns = list(dict.fromkeys((line["n"], line["k"], line.get("batch")) for line in own))
        has_batches = len({column[2] for column in columns}) > 1
        heads = ["%dx%d" % column[:2] + (", batch %d" % column[2] if has_batches else "") for column in columns]
        print("\n## %s\n\nPer cent of `%s`.\n\n| type | %s |" % (family, ratio_to, " | ".join(heads)))
        print("|---" * (len(heads) + 1) + "|")
        for name in dict.fromkeys(map(label, own)):
            cells = {(line["n"], line["k"], line.get("batch")): cell(line) for line in own if label(line) == name}
            print("| %s | %s |" % (name, " | ".join(cells.get(column, "") for column in columns)))


main()
