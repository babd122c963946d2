#!/usr/bin/env python3
"""Proves that the property tests find bugs: each planted one, within 2,000 programs.

    plants.py <law of a build with -DENTAIL_PLANT=ON> [number...]

Without a planted bug the same program must find nothing, else it proves nothing either. A crash or a
run without end counts as found. `./dev plants` builds what this needs and runs it.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

PROGRAMS = 2000
SECONDS_MAX = 300
PLANT_LINE = re.compile(r'^PLANT\((\d+), (\w+), "(.*)"\)$')
DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "vm" / "base" / "plant.def"


def planted_bugs():
    lines = DEFINITIONS.read_text().splitlines()
    matches = [PLANT_LINE.match(line) for line in lines if line.startswith("PLANT(")]
    return [(int(m.group(1)), m.group(2), m.group(3)) for m in matches]


def run_law(law, number, programs):
    """Whether the run found something, what it said, and how long it took."""
    environment = dict(os.environ, ENTAIL_PLANT=str(number))
    command = [law, "--stop-at-first", "--threads", "1", "--count", str(programs)]
    started = time.monotonic()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return True, "no end", SECONDS_MAX
    said = next((line for line in done.stdout.splitlines() if line.startswith("law:")), "")
    return done.returncode != 0, said, time.monotonic() - started


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    law, wanted = sys.argv[1], {int(number) for number in sys.argv[2:]}
    bugs = [bug for bug in planted_bugs() if not wanted or bug[0] in wanted]
    failed = []
    workers = max(1, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        clean = pool.submit(run_law, law, 0, PROGRAMS // 4)
        runs = [(bug, pool.submit(run_law, law, bug[0], PROGRAMS)) for bug in bugs]
        found, said, seconds = clean.result()
        print(f"   without a bug  {seconds:6.1f} s  {said[:100]}", flush=True)
        if found:
            failed.append("something is found without a planted bug")
        for (number, name, sentence), run in runs:
            found, said, seconds = run.result()
            print(f"{number:3} {name:24} {seconds:6.1f} s  {said[:100]}", flush=True)
            if not found:
                failed.append(f"{number} {name} is not found: {sentence}")
    for failure in failed:
        print("plants:", failure)
    print(f"plants: {len(bugs)} bugs planted, {len(failed)} failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
