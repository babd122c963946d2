"""What the tests of this folder share: clients that move money between accounts, and what must be there.

Each transaction has several statements and rows, under standing views; each client remembers, in `known`, what was
acknowledged to it and what was in flight when its server went away.
"""

import os
import random
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from wire import Server, query, startup  # noqa: E402, F401

ACCOUNTS = 40
SCHEMA = [
    "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL)",
    f"INSERT INTO account SELECT i, 1000 FROM generate_series(1, {ACCOUNTS}) AS g(i)",
    "CREATE TABLE transfer (client int, n int, source int REFERENCES account, target int, amount bigint,"
    " PRIMARY KEY (client, n))",
    "CREATE TABLE part (client int, n int, number int, note text)",  # Without a key: a bag.
    "CREATE MATERIALIZED VIEW total AS SELECT sum(balance) AS balance FROM account",
    "CREATE MATERIALIZED VIEW per_client AS SELECT client, count(*) AS n, max(number) AS most FROM part"
    " GROUP BY client",
    "CREATE MATERIALIZED VIEW moved AS SELECT t.client, t.n, a.balance FROM transfer t JOIN account a"
    " ON a.id = t.source WHERE t.amount > 5",
    "CREATE MATERIALIZED VIEW richest AS SELECT id, balance FROM account ORDER BY balance DESC, id LIMIT 5",
    "CREATE MATERIALIZED VIEW reached AS WITH RECURSIVE r(a, b) AS (SELECT source, target FROM transfer WHERE"
    " source <= 6 AND target <= 6 UNION SELECT r.a, t.target FROM r JOIN transfer t ON t.source = r.b"
    " WHERE t.source <= 6 AND t.target <= 6) SELECT a, b FROM r",
    "CREATE MATERIALIZED VIEW quiet AS SELECT id FROM account a WHERE NOT EXISTS (SELECT 1 FROM transfer t"
    " WHERE t.source = a.id)",
]
VIEWS = {
    "total": "SELECT sum(balance) FROM account",
    "per_client": "SELECT client, count(*), max(number) FROM part GROUP BY client",
    "moved": "SELECT t.client, t.n, a.balance FROM transfer t JOIN account a ON a.id = t.source WHERE t.amount > 5",
    "richest": "SELECT id, balance FROM account ORDER BY balance DESC, id LIMIT 5",
    "quiet": "SELECT id FROM account a WHERE NOT EXISTS (SELECT 1 FROM transfer t WHERE t.source = a.id)",
}
KEPT = 5  # Transactions of a client whose parts are there.


class Refused(Exception):
    """The server answered with an error: its SQLSTATE and message."""


def rows(connection, text):
    result = []
    error = None
    for kind, body in query(connection, text):
        if kind == b"D":
            count, at, row = int.from_bytes(body[:2], "big"), 2, []
            for _ in range(count):
                size = int.from_bytes(body[at:at + 4], "big", signed=True)
                at += 4
                row.append(None if size < 0 else body[at:at + size].decode())
                at += max(size, 0)
            result.append(tuple(row))
        elif kind == b"E":
            fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
            error = error or Refused(fields[b"C"], fields[b"M"])
    if error:
        raise error
    return result


def new_clients(count):
    return [{"client": c, "acknowledged": 0, "in flight": None} for c in range(count)]


class Client(threading.Thread):
    """Works until its connection breaks. What it knows outlives it, in `known`."""

    def __init__(self, port, known, seed):
        super().__init__(daemon=True)
        self.port, self.known, self.random = port, known, random.Random(seed)
        self.failure = None

    def run(self):
        try:
            self.connection, _ = startup(self.port)
            while True:
                self.transaction()
        except (EOFError, OSError):
            pass  # The server has gone.
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def transaction(self):
        known, n = self.known, self.known["acknowledged"] + 1
        source, target = self.random.sample(range(1, ACCOUNTS + 1), 2)
        amount = self.random.randint(1, 10)
        parts = n % 4 + 1
        statements = [
            "BEGIN",
            f"INSERT INTO transfer VALUES ({known['client']}, {n}, {source}, {target}, {amount})",
            f"UPDATE account SET balance = balance - {amount} WHERE id = {source}",
            "INSERT INTO part VALUES " + ", ".join(
                f"({known['client']}, {n}, {i}, '{'part ' * self.random.randint(0, 9)}')" for i in range(parts)),
            f"UPDATE account SET balance = balance + {amount} WHERE id = {target}",
            f"DELETE FROM part WHERE client = {known['client']} AND n = {n - KEPT}",
        ]
        try:
            for statement in statements:
                rows(self.connection, statement)
            if self.random.random() < 0.1:
                rows(self.connection, "ROLLBACK")
                return
            known["in flight"] = n
            rows(self.connection, "COMMIT")
        except Refused as refused:
            if refused.args[0] not in ("40P01", "40001", "57P01", "57014"):
                raise
            known["in flight"] = None
            rows(self.connection, "ROLLBACK")
            return
        known["acknowledged"], known["in flight"] = n, None


def parts_of(n):
    return [(n, i) for i in range(n % 4 + 1)]


def verify(connection, clients):
    """What is not as it was acknowledged; brings what the clients know up to what is there."""
    wrong = []
    if rows(connection, "SELECT sum(balance) FROM account") != [(str(1000 * ACCOUNTS),)]:
        wrong.append("money was made or lost")
    for known in clients:
        client, acknowledged = known["client"], known["acknowledged"]
        there = [int(n) for (n,) in rows(connection, f"SELECT n FROM transfer WHERE client = {client} ORDER BY n")]
        last = there[-1] if there else 0
        if there != list(range(1, last + 1)):
            wrong.append(f"the transfers of client {client} have gaps")
        if last not in (acknowledged, known["in flight"]):
            wrong.append(f"client {client} was told of {acknowledged}, {known['in flight']} was in flight: {last} is there")
        parts = [(int(n), int(i)) for n, i in
                 rows(connection, f"SELECT n, number FROM part WHERE client = {client} ORDER BY n, number")]
        expected = [part for n in range(max(1, last - KEPT + 1), last + 1) for part in parts_of(n)]
        if parts != expected:
            wrong.append(f"client {client} has the parts {parts}, not {expected}")
        known["acknowledged"], known["in flight"] = last, None
    for view, text in VIEWS.items():
        if sorted(rows(connection, f"SELECT * FROM {view}")) != sorted(rows(connection, text)):
            wrong.append(f"the view {view} does not say what its query says")
    moved = rows(connection, "SELECT source, target FROM transfer WHERE source <= 6 AND target <= 6")
    reached = set(moved)
    while True:
        more = {(a, d) for a, b in reached for c, d in moved if b == c} - reached
        if not more:
            break
        reached |= more
    if sorted(rows(connection, "SELECT a, b FROM reached")) != sorted(reached):
        wrong.append("the recursive view does not say what it should")
    return wrong


def upkeep(entail, directory, *arguments):
    done = subprocess.run([entail, *arguments, "--data", directory], capture_output=True, text=True, timeout=1200)
    return [] if done.returncode == 0 else [f"entail {' '.join(arguments)}: {done.stdout}{done.stderr}"]
