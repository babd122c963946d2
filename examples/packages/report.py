#!/usr/bin/env python3
"""Prints the answers of packages.dl as tables for people.

    report.py [--all] ANSWERS SUBJECT

ANSWERS is the directory that `entail run -D` wrote, one tab-separated file for each output relation.
Long tables are cut after their first rows unless --all is given. Standard library only.
"""

import argparse
import pathlib
import shutil
import textwrap


def size(kib):
    kib = int(kib)
    return "{} KiB".format(kib) if kib < 1024 else "{:,.1f} MiB".format(kib / 1024)


def count(n, noun):
    return "{:,} {}{}".format(n, noun, "" if n == 1 else "s")


class Report:
    def __init__(self, directory, rows_max):
        self.directory = directory
        self.rows_max = rows_max

    def rows(self, relation):
        path = self.directory / (relation + ".csv")
        return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]

    def heading(self, title, how_many):
        print("\n{}  ({})".format(title, count(how_many, "row")))

    def table(self, title, header, rows):
        """Columns of numbers go to the right, others to the left; the widest cell decides."""
        self.heading(title, len(rows))
        if not rows:
            print("    none")
            return
        shown = rows if self.rows_max is None else rows[:self.rows_max]
        right = [all(cell[:1].isdigit() for cell in column) for column in zip(*shown)]
        widths = [max(len(cell) for cell in column) for column in zip(header, *shown)]

        def line(cells):
            padded = [cell.rjust(width) if to_right else cell.ljust(width)
                      for cell, width, to_right in zip(cells, widths, right)]
            print(("    " + "   ".join(padded)).rstrip())

        line(header)
        line(["-" * width for width in widths])
        for row in shown:
            line(row)
        if len(shown) < len(rows):
            print("    ... and {:,} more".format(len(rows) - len(shown)))

    def names(self, title, names):
        self.heading(title, len(names))
        width = min(100, shutil.get_terminal_size((100, 24)).columns)
        text = ", ".join(names) if names else "none"
        print(textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ",
                            break_long_words=False, break_on_hyphens=False))


def main():
    parser = argparse.ArgumentParser(description="answers of packages.dl -> tables")
    parser.add_argument("--all", action="store_true", help="do not cut long tables")
    parser.add_argument("answers", type=pathlib.Path)
    parser.add_argument("subject")
    options = parser.parse_args()
    report = Report(options.answers, None if options.all else 8)
    subject = options.subject

    print("The machine")
    for _, what, n in sorted(report.rows("total")):
        print("    {:>12}  {}".format("{:,}".format(int(n)), what))

    needs = report.rows("subject_needs")
    direct = sorted(row[0] for row in needs if row[1] == "directly")
    indirect = sorted(row[0] for row in needs if row[1] != "directly")
    report.names("What {} needs directly".format(subject), direct)
    report.names("What {} needs through others".format(subject), indirect)
    report.names("What would break without {}".format(subject),
                 sorted(row[0] for row in report.rows("breaks_with_subject")))

    broken = sorted(report.rows("would_break"), key=lambda row: (-int(row[2]), row[0]))
    report.table("What would break if these were removed",
                 ["removed", "used directly by", "packages broken", "of all"],
                 [[row[0], row[1], row[2], row[3] + " %"] for row in broken])

    biggest = sorted(report.rows("footprint"), key=lambda row: (-int(row[2]), row[0]))
    report.table("The biggest footprints: a package with all it needs",
                 ["package", "needs", "together", "alone"],
                 [[row[0], row[1], size(row[2]), size(row[3])] for row in biggest])

    unneeded = sorted(report.rows("unneeded"), key=lambda row: (-int(row[2]), row[0]))
    report.table("Packages that no other one depends on or recommends", ["package", "section", "size"],
                 [[row[0], row[1], size(row[2])] for row in unneeded])

    cycles = {}
    for first, member in report.rows("cycle"):
        cycles.setdefault(first, []).append(member)
    edges = {}
    for first, edge in report.rows("cycle_edge"):
        edges.setdefault(first, []).append(edge)
    report.table("Packages that need each other in a circle", ["members", "because"],
                 [[", ".join(sorted(cycles[first])), "; ".join(sorted(edges[first]))]
                  for first in sorted(cycles)])

    left_out = sorted(report.rows("left_out"), key=lambda row: (-int(row[1]), row[0]))
    report.table("Recommended, and no alternative of it installed", ["package", "recommended by"],
                 left_out)

    report.table("Dependencies that nothing satisfies", ["package", "clause", "wants"],
                 sorted(report.rows("unmet")))

    sections = sorted(report.rows("by_section"), key=lambda row: (-int(row[2]), row[0]))
    report.table("By section", ["section", "packages", "size", "biggest"],
                 [[row[0], row[1], size(row[2]), size(row[3])] for row in sections])


if __name__ == "__main__":
    main()
