#!/usr/bin/env python3
"""Are the twelve workloads right, and how do they stand against Souffle's compiled programs?

usage: datalog_suite.py --suite DIR --data DIR --entail build/entail [--loop PROGRAM] [--runs N] [--check]
                        [--threads N] [NAME ...]

--suite  the folder of the programs, their checksums and sumlines.cpp; --data where its gen.py wrote the facts.
--check  runs NAME.check.dl and compares the count and order-free checksum of every output.
--loop   the compiled plain closure loop (limits/closure.cpp): Souffle's figures were taken where it
         takes 1.00 s, so they are scaled by its time here, measured between the runs.

Prints per workload: median seconds (whole process), Souffle's figure, that figure scaled, and the ratio of
ours to it; the geometric mean last.
"""

import argparse
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

# Compiled, -j1, whole process with reading the facts: seconds where the plain loop takes 1.00 s.
SOUFFLE = {"tc_dense": 10.69, "tc_chain": 8.65, "sg": 5.39, "andersen": 3.17, "cspa": 3.67, "csda": 5.25,
           "galen": 6.06, "triangle": 10.90, "agg": 5.87, "strings": 5.32, "load": 15.21, "loadsym": 5.80}


def timed(command, **options):
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, **options)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode(errors='replace')[:500]}")
    return seconds, done.stdout.decode(errors="replace")


def check(options, names):
    expected = {}
    for line in (options.suite / "checksums.txt").read_text().split("\n"):
        if line:
            name, count, digest = line.split()
            expected[name.removeprefix("out/")] = (count, digest)
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        sumlines = pathlib.Path(scratch) / "sumlines"
        subprocess.run(["g++", "-O2", "-std=c++20", str(options.suite / "sumlines.cpp"), "-o", str(sumlines)], check=True)
        for name in names:
            out = pathlib.Path(scratch) / name
            out.mkdir()
            program = options.suite / f"{name}.check.dl"
            if not program.exists():
                program = options.suite / f"{name}.dl"
            timed([options.entail, "run", "-j", str(options.threads), "-F", str(options.data / name / "facts"), "-D", str(out), str(program)])
            for made in sorted(out.glob("*.csv")):
                report = subprocess.run([str(sumlines), str(made)], capture_output=True, check=True).stdout.decode()
                count, digest = re.search(r"\b(\d+) ([0-9a-f]{16})\b", report).groups()
                want = expected.get(f"{name}/{made.name}")
                good = want == (count, digest)
                wrong += not good
                print(f"{name}/{made.name} {count} {digest} {'ok' if good else f'WRONG, expected {want}'}")
                made.unlink()
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", required=True, type=pathlib.Path)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--entail", required=True)
    parser.add_argument("--loop")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", default=list(SOUFFLE))
    options = parser.parse_args()
    names = options.names or list(SOUFFLE)
    if options.check:
        return 1 if check(options, names) else 0
    ratios = []
    print(f"{'program':10} {'seconds':>8} {'souffle':>8} {'scaled':>8} {'ratio':>6}")
    for name in names:
        ours, loops = [], []
        for _ in range(options.runs):
            if options.loop:
                _, text = timed([options.loop, str(options.data / "tc_dense" / "facts" / "edge.facts")])
                loops.append(float(re.search(r"seconds ([0-9.]+)", text).group(1)))
            with tempfile.TemporaryDirectory() as out:
                seconds, _ = timed([options.entail, "run", "-j", str(options.threads), "-F", str(options.data / name / "facts"), "-D", out, str(options.suite / f"{name}.dl")])
                ours.append(seconds)
        median = statistics.median(ours)
        scaled = SOUFFLE[name] * (statistics.median(loops) if loops else 1.0)
        ratios.append(median / scaled)
        print(f"{name:10} {median:8.3f} {SOUFFLE[name]:8.2f} {scaled:8.3f} {median / scaled:6.2f}", flush=True)
    print(f"geometric mean of the ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
