#!/usr/bin/env python3
"""Proves that the property tests find bugs: each planted one, within 2,000 programs.

A line `// Found by: law --standing` of plant.def says which law must find the bugs below it.

    plants.py <law of a build with -DENTAIL_PLANT=ON> [number...]

Without a planted bug the same laws must find nothing, else they prove nothing either. A crash or a
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
PRODUCTIONS = {45, 46, 47, 48}  # Bugs of the agenda, for the law of productions.
SECONDS_MAX = 300
USAGE = 2  # The exit status of a law that does not know its arguments.
MODE_LINE = re.compile(r"^// Found by: law ?(.*)$")
PLANT_LINE = re.compile(r'^PLANT\((\d+), (\w+), "(.*)"\)$')
DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "vm" / "base" / "plant.def"


def planted_bugs():
    """Number, name, sentence, and the arguments of the law that must find it."""
    bugs, mode = [], []
    for line in DEFINITIONS.read_text().splitlines():
        if found := MODE_LINE.match(line):
            mode = found.group(1).split()
        elif line.startswith("PLANT("):
            number, name, sentence = PLANT_LINE.match(line).groups()
            bugs.append((int(number), name, sentence, mode))
    return bugs


def run_law(law, mode, number, programs):
    """Whether the run found something, what it said, and how long it took."""
    environment = dict(os.environ, ENTAIL_PLANT=str(number))
    command = [law, *mode, "--stop-at-first", "--threads", "1", "--count", str(programs)]
    if number in PRODUCTIONS:
        command.append("--productions")
    started = time.monotonic()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return True, "no end", SECONDS_MAX
    said = next((line for line in done.stdout.splitlines() if line.startswith("law:")), "")
    if done.returncode == USAGE:
        return False, done.stderr.split("\n")[0], time.monotonic() - started
    return done.returncode != 0, said, time.monotonic() - started


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    law, wanted = sys.argv[1], {int(number) for number in sys.argv[2:]}
    bugs = [bug for bug in planted_bugs() if not wanted or bug[0] in wanted]
    failed = []
    workers = max(1, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        modes = {" ".join(bug[3]): bug[3] for bug in bugs}
        clean = {name: pool.submit(run_law, law, mode, 0, PROGRAMS // 4)
                 for name, mode in modes.items()}
        runs = [(bug, pool.submit(run_law, law, bug[3], bug[0], PROGRAMS)) for bug in bugs]
        for name, run in clean.items():
            found, said, seconds = run.result()
            print(f"   without a bug {name:15} {seconds:6.1f} s  {said[:100]}", flush=True)
            if found:
                failed.append(f"law {name} finds something without a planted bug")
        for (number, name, sentence, _), run in runs:
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
