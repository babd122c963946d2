#!/usr/bin/env python3
"""Runs Souffle's own evaluation, example, semantic and syntactic tests with `entail run --number=32`.

usage: souffle_suite.py --souffle DIR --entail build/entail [--category NAME] [--list FILE] [NAME ...]

DIR is a checkout of Souffle's repository; nothing of it is part of ours. A positive test passes when
the run ends with 0, every expected .csv holds the same lines and standard output does too, order aside. A
negative test passes when the program is refused with exit code 1. Diagnostics' wording is our own and is
not compared. Each failure is one line: category/name, what went wrong.
"""

import argparse
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile

CATEGORIES = ["evaluation", "example", "semantic", "syntactic"]


def tests_of(folder):
    """(name, facts folder, negative, include folders) of each test that the category's CMakeLists.txt names."""
    text = (folder / "CMakeLists.txt").read_text()
    text = re.sub(r"#[^\n]*", "", text)
    text = re.sub(r"function\(.*?endfunction\(\)", "", text, flags=re.S | re.I)
    text = re.sub(r"if \(FALSE\).*?endif ?\(\)", "", text, flags=re.S)
    found = []
    for kind, name in re.findall(r"\b(positive|negative)_test\(\s*([\w.-]+)", text, flags=re.I):
        found.append((name, "facts", kind.lower() == "negative", []))
    for name, folders in re.findall(r"souffle_positive_multi_test\(TEST_NAME ([\w.-]+) .*?FACTS_DIR_NAMES ([^)]*)\)", text, flags=re.S):
        found += [(name, f, False, []) for f in folders.split()]
    for arguments in re.findall(r"souffle_run_test(?:_helper)?\(([^)]*)\)", text):
        name = re.search(r"TEST_NAME\s+([\w.-]+)", arguments)
        if name:
            include = re.search(r"INCLUDE_DIRS((?:\s+[a-z]\w*)+)", arguments)
            folders = include.group(1).split() if include else []
            found.append((name.group(1), "facts", "NEGATIVE" in arguments.split(), folders))
    return found


def lines_of(path):
    if path.suffix == ".gz":
        return sorted(gzip.open(path, "rb").read().removesuffix(b"\n").split(b"\n"))
    return sorted(path.read_bytes().replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n"))


def run_one(entail, folder, name, facts, negative, includes, seconds):
    """An empty string where the test passes, else what is wrong."""
    source = folder / name
    program = source / (name + ".dl")
    if not program.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch)
        command = [entail, "run", "--number=32", "-D", str(out), "-F", str(source / facts), str(program)]
        command += [f"--include-dir={source / include}" for include in includes]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return "time-out"
        message = (done.stderr.decode(errors="replace").strip().split("\n") or [""])[0][:160]
        if done.returncode < 0 or done.returncode > 3:
            return f"crash {done.returncode}: {message}"
        if negative:
            return "" if done.returncode == 1 else f"accepted (exit {done.returncode})"
        if done.returncode != 0:
            return f"exit {done.returncode}: {message}"
        expected_folder = source if facts == "facts" else source / facts
        for expected in sorted(expected_folder.glob("*.csv")):
            made = out / expected.name
            if not made.exists():
                return f"{expected.name} was not written"
            if lines_of(expected) != lines_of(made):
                return f"{expected.name} differs"
        expected_out = expected_folder / (name + ".out")
        if expected_out.exists():
            made_out = done.stdout.removesuffix(b"\n")
            if sorted(expected_out.read_bytes().removesuffix(b"\n").split(b"\n")) != sorted(made_out.split(b"\n")):
                return "standard output differs"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--souffle", required=True, type=pathlib.Path)
    parser.add_argument("--entail", required=True)
    parser.add_argument("--category", choices=CATEGORIES)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    entail = str(pathlib.Path(options.entail).resolve())
    passed = failed = 0
    for category in [options.category] if options.category else CATEGORIES:
        category_passed = category_failed = 0
        folder = options.souffle / "tests" / category
        for name, facts, negative, includes in tests_of(folder):
            if options.names and name not in options.names:
                continue
            wrong = run_one(entail, folder, name, facts, negative, includes, options.seconds)
            if wrong is None:
                continue
            if wrong:
                category_failed += 1
                print(f"{category}/{name}{'' if facts == 'facts' else ':' + facts}{' (negative)' if negative else ''}: {wrong}")
            else:
                category_passed += 1
        print(f"# {category}: {category_passed} passed, {category_failed} failed")
        passed += category_passed
        failed += category_failed
    total = passed + failed
    print(f"# {passed} of {total} pass: {100.0 * passed / max(total, 1):.1f} %")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
