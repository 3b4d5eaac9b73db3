#!/usr/bin/env python3
"""crossings.py LINES: from bench_ops's JSON lines, the table `crossings` of src/ops/path.c: for each type and shape up to
how many columns mat_vec_wide, mat_vec and mul_mat_narrow, each from the one before on, are the best choice, and how far
the worst case of the choice is from the best path. Standard library only."""
import itertools
import json
import math
import sys

PATHS = ("mat_vec_wide_us", "mat_vec_us", "mul_mat_narrow_us", "mul_mat_us")


def ratio(line, bounds):
    """The time of the path that the bounds choose, to that of the best one."""
    place = sum(line["batch"] > bound for bound in bounds)
    return line.get(PATHS[place], math.inf) / min(line[path] for path in PATHS if path in line)


def bounds_of(lines):
    """The bounds with the least worst ratio, and that."""
    batches = sorted({line["batch"] for line in lines})
    choices = itertools.combinations_with_replacement([0] + batches, len(PATHS) - 1)
    costs = [([ratio(line, bounds) for line in lines], bounds) for bounds in choices]
    ratios, bounds = min(costs, key=lambda cost: (max(cost[0]), sum(cost[0])))
    return bounds, max(ratios)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    lines = [line for line in lines if all(path in line for path in PATHS[1:])]
    shapes = list(dict.fromkeys((line["n"], line["k"]) for line in lines))
    worst = 1.0
    print("shapes:", ", ".join("{%d, %d}" % shape for shape in shapes))
    for name in dict.fromkeys(line["type"] for line in lines):
        row = []
        for shape in shapes:
            bounds, cost = bounds_of([line for line in lines if line["type"] == name and (line["n"], line["k"]) == shape])
            row.append("{%s}" % ", ".join(map(str, bounds)))
            worst = max(worst, cost)
        print("    {QJIT_GGML_%s, {%s}}," % (name, ", ".join(row)))
    print(f"worst ratio {worst:.3f}")


main()
