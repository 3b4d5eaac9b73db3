#!/usr/bin/env python3
"""crossings.py LINES: from bench_ops's JSON lines, the table `crossings` of src/ops/path.c: for each type and shape up to
how many columns mat-vec is the better choice, and how far the worst case of the choice is from the best path. Standard
library only."""
import json
import sys


def ratio(line, columns):
    """The time of the path that these columns choose, to that of the better one."""
    vec, mat = line["mat_vec_us"], line["mul_mat_us"]
    return (vec if line["batch"] <= columns else mat) / min(vec, mat)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    lines = [line for line in lines if "mat_vec_us" in line and "mul_mat_us" in line]
    shapes = list(dict.fromkeys((line["n"], line["k"]) for line in lines))
    worst = 1.0
    print("shapes:", ", ".join("{%d, %d}" % shape for shape in shapes))
    for name in dict.fromkeys(line["type"] for line in lines):
        row = []
        for shape in shapes:
            cases = [line for line in lines if line["type"] == name and (line["n"], line["k"]) == shape]
            costs = [([ratio(line, columns) for line in cases], columns)
                     for columns in sorted({line["batch"] for line in cases})]
            ratios, columns = min(costs, key=lambda cost: (max(cost[0]), sum(cost[0])))
            row.append(columns)
            worst = max(worst, max(ratios))
        print("    {QJIT_GGML_%s, {%s}}," % (name, ", ".join(map(str, row))))
    print(f"worst ratio {worst:.3f}")


main()
