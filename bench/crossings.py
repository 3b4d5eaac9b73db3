#!/usr/bin/env python3
"""crossings.py LINES: from bench_ops's JSON lines, the table `crossings` of src/ops/path.c: for each type and shape up to
how many columns mat-vec is the best choice, and from there up to how many mul_mat_narrow, and how far the worst case of
the choice is from the best path. Standard library only."""
import itertools
import json
import sys

PATHS = ("mat_vec_us", "mul_mat_narrow_us", "mul_mat_us")


def ratio(line, bounds):
    """The time of the path that the bounds choose, to that of the best one."""
    vec, narrow = bounds
    path = PATHS[0] if line["batch"] <= vec else PATHS[1] if line["batch"] <= narrow else PATHS[2]
    return line[path] / min(line[path] for path in PATHS)


def bounds_of(lines):
    """The pair of bounds with the least worst ratio, and that."""
    batches = sorted({line["batch"] for line in lines})
    pairs = itertools.combinations_with_replacement([0] + batches, 2)
    costs = [([ratio(line, pair) for line in lines], pair) for pair in pairs]
    ratios, pair = min(costs, key=lambda cost: (max(cost[0]), sum(cost[0])))
    return pair, max(ratios)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    lines = [line for line in lines if all(path in line for path in PATHS)]
    shapes = list(dict.fromkeys((line["n"], line["k"]) for line in lines))
    worst = 1.0
    print("shapes:", ", ".join("{%d, %d}" % shape for shape in shapes))
    for name in dict.fromkeys(line["type"] for line in lines):
        row = []
        for shape in shapes:
            pair, cost = bounds_of([line for line in lines if line["type"] == name and (line["n"], line["k"]) == shape])
            row.append("{%d, %d}" % pair)
            worst = max(worst, cost)
        print("    {QJIT_GGML_%s, {%s}}," % (name, ", ".join(row)))
    print(f"worst ratio {worst:.3f}")


main()
