#!/usr/bin/env python3
"""Turns the package database of a Debian machine into fact files for packages.dl.

    facts.py [--status FILE] DIRECTORY

Writes one tab-separated file for each relation into DIRECTORY:

    package.facts     name, version, section, priority, essential (yes or no), installed size in KiB
    depends.facts     name, clause, alternative: `a | b` is one clause with two alternatives;
                      Depends and Pre-Depends together, numbered through
    recommends.facts  the same for Recommends
    provides.facts    name, virtual package

Only installed packages are written. Versions, architectures and build profiles are stripped from
dependencies: the package manager has checked them already. Standard library only.
"""

import argparse
import pathlib
import re
import sys


def stanzas(text):
    """The stanzas of a control file, each a dictionary from lower-case field name to value."""
    for block in re.split(r"\n(?:[ \t]*\n)+", text):
        fields = {}
        name = None
        for line in block.splitlines():
            if line[:1] in (" ", "\t"):
                if name is not None:
                    fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def bare_name(term):
    """`libc6:any (>= 2.36) [amd64] <!nocheck>` -> `libc6`."""
    name = re.split(r"[\s(\[<]", term.strip(), maxsplit=1)[0]
    return name.partition(":")[0]


def clauses(value):
    """`a (>= 1) | b, c` -> [["a", "b"], ["c"]]"""
    result = []
    for clause in value.split(","):
        names = [bare_name(term) for term in clause.split("|")]
        names = list(dict.fromkeys(name for name in names if name))
        if names:
            result.append(names)
    return result


def collect(text):
    """The four relations, as lists of rows."""
    package, depends, recommends, provides = [], [], [], []
    seen = set()
    for fields in stanzas(text):
        name = fields.get("package")
        if name is None or fields.get("status", "").split()[-1:] != ["installed"]:
            continue
        if name in seen:  # The same package of a second architecture is a package of its own.
            name = "{}:{}".format(name, fields.get("architecture", "other"))
        seen.add(name)
        package.append((name, fields.get("version", ""), fields.get("section", "none"),
                        fields.get("priority", "none"),
                        "yes" if fields.get("essential") == "yes" else "no",
                        int(fields.get("installed-size", "0") or 0)))
        needed = clauses(fields.get("pre-depends", "")) + clauses(fields.get("depends", ""))
        for number, names in enumerate(needed, 1):
            depends += [(name, number, other) for other in names]
        for number, names in enumerate(clauses(fields.get("recommends", "")), 1):
            recommends += [(name, number, other) for other in names]
        for names in clauses(fields.get("provides", "")):
            provides += [(name, virtual) for virtual in names]
    return {"package": package, "depends": depends, "recommends": recommends,
            "provides": provides}


def main():
    parser = argparse.ArgumentParser(description="package database -> fact files")
    parser.add_argument("--status", default="/var/lib/dpkg/status", help="the database to read")
    parser.add_argument("directory", type=pathlib.Path, help="where the fact files go")
    options = parser.parse_args()

    try:
        text = pathlib.Path(options.status).read_text(encoding="utf-8", errors="replace")
        options.directory.mkdir(parents=True, exist_ok=True)
        for relation, rows in collect(text).items():
            lines = ["\t".join(str(value).replace("\t", " ") for value in row) for row in rows]
            path = options.directory / (relation + ".facts")
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        sys.exit("facts.py: {}".format(error))


if __name__ == "__main__":
    main()
