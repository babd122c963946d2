#!/usr/bin/env python3
"""PostgreSQL's isolation specs against `entail serve`: who waits for whom, and what each sees.

    isolation_test.py ENTAIL [--report] [NAME...]

The specs lie beside the project, in ../shared/isolation or where ENTAIL_ISOLATION_DIR says; without them, or
without PostgreSQL's isolationtester, the test is left out. Each spec runs on a server of its own. What may
fail, because a spec needs what does not exist here, is listed in isolation_known.txt with the reason; a spec
that is not listed must pass, and a listed one that passes must be taken off the list.
"""

import difflib
import os
import pathlib
import subprocess
import sys

from wire import HERE, Server, skip

TESTER = "/usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester"
SECONDS_MAX = 120


def specs_folder():
    given = os.environ.get("ENTAIL_ISOLATION_DIR")
    if given:
        return pathlib.Path(given)
    return pathlib.Path(HERE).parents[2] / "shared" / "isolation"


def known_failures():
    known = {}
    for line in (pathlib.Path(HERE) / "isolation_known.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            known[name] = reason.strip()
    return known


def run_spec(entail, folder, name):
    """Whether the output is one of the expected ones, and how it differs from the first."""
    with Server(entail) as server:
        connection = f"host=127.0.0.1 port={server.port} user=ann dbname=shop"
        environment = dict(server.environment(), PGISOLATIONTIMEOUT="20")
        with open(folder / f"{name}.spec", encoding="utf-8") as spec:
            try:
                done = subprocess.run([TESTER, connection], stdin=spec, env=environment, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=SECONDS_MAX, check=False)
                output = done.stdout
            except subprocess.TimeoutExpired as late:
                output = (late.stdout or b"").decode() + "\nno end\n"
    expected = sorted(folder.glob(f"{name}.out")) + sorted(folder.glob(f"{name}_[0-9].out"))
    texts = [path.read_text() for path in expected]
    if output in texts:
        return True, ""
    lines = difflib.unified_diff(texts[0].splitlines(), output.splitlines(), "expected", "answered",
                                 lineterm="", n=2)
    return False, "\n".join(lines)


def main():
    arguments = [a for a in sys.argv[2:] if not a.startswith("--")]
    is_report = "--report" in sys.argv
    folder = specs_folder()
    if not folder.is_dir():
        skip(f"no isolation specs in {folder}")
    if not os.path.exists(TESTER):
        skip("no isolationtester: package postgresql-client-15")
    known = known_failures()
    names = arguments or sorted(path.stem for path in folder.glob("*.spec"))
    passed, wrong = [], []
    for name in names:
        good, difference = run_spec(sys.argv[1], folder, name)
        if good:
            passed.append(name)
        if good == (name in known):
            wrong.append(name)
            print(f"{name}: " + ("passes, and is listed as failing" if good else "fails"))
        elif is_report:
            print(f"{name}: " + ("passes" if good else f"fails: {known[name]}"))
        if not good and (arguments or name not in known):
            print("\n".join(difference.splitlines()[:400 if arguments else 25]))
        sys.stdout.flush()
    print(f"isolation: {len(passed)} of {len(names)} specs pass, {len(wrong)} not as expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
