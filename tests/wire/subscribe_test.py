"""SUBSCRIBE as clients see it: by COPY, by cursor, as an answer; cancelled, abandoned, resumed; a thousand idle."""

import os
import select
import socket
import struct
import sys
import threading
import time

from wire import Server, query, read_message, skip, startup

try:
    import psycopg
except ImportError:
    skip("psycopg is not installed")

FAILED = []


def check(condition, what):
    if not condition:
        print(f"not so: {what}")
        FAILED.append(what)


def connect(server, **options):
    return psycopg.connect(f"host=127.0.0.1 port={server.port} user=ann dbname=shop", **options)


def status(pid, key):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key))


def send_query(connection, text):
    body = text.encode() + b"\0"
    connection.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)


def copy_lines(connection, count):
    """So many lines of CopyData, split into fields."""
    lines = []
    while len(lines) < count:
        kind, body = read_message(connection)
        if kind == b"E":
            raise RuntimeError(body)
        if kind == b"d":
            lines.append(body.decode().rstrip("\n").split("\t"))
    return lines


def by_copy(server, writer):
    writer.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    writer.execute("INSERT INTO t VALUES (1, 'one'), (2, NULL)")
    connection, _ = startup(server.port)
    send_query(connection, "COPY (SUBSCRIBE t WITH (PROGRESS)) TO STDOUT")
    lines = copy_lines(connection, 4)
    version = int(lines[0][0])
    check(lines == [[str(version), "t", "\\N", "\\N", "\\N"], [str(version), "f", "1", "1", "one"],
                    [str(version), "f", "1", "2", "\\N"], [str(version + 1), "t", "\\N", "\\N", "\\N"]],
          f"COPY gives progress, snapshot, progress: {lines}")
    writer.execute("UPDATE t SET name = 'two' WHERE id = 2")
    lines = copy_lines(connection, 3)
    check(lines == [[str(version + 1), "f", "-1", "2", "\\N"], [str(version + 1), "f", "1", "2", "two"],
                    [str(version + 2), "t", "\\N", "\\N", "\\N"]], f"and what changes: {lines}")
    connection.close()


def cancelled(server, writer):
    connection, messages = startup(server.port)
    pid, secret = struct.unpack("!II", messages[b"K"])
    send_query(connection, "COPY (SUBSCRIBE t WITH (SNAPSHOT = false)) TO STDOUT")
    check(read_message(connection)[0] == b"H", "COPY begins")
    time.sleep(0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as other:
        other.sendall(struct.pack("!IIII", 16, 80877102, pid, secret))
        other.recv(1)
    kind, text = read_message(connection)
    check(kind == b"E" and b"C57014\0" in text, f"a cancelled SUBSCRIBE ends with 57014: {text!r}")
    check(read_message(connection)[0] == b"Z", "the session is ready again")
    check(query(connection, "SELECT 1")[-1][1] == b"I", "and answers")
    check(query(connection, "SELECT 2")[-1][1] == b"I", "again")
    connection.close()


def subscriptions(writer):
    return writer.execute("SELECT count(*) FROM entail.subscriptions").fetchone()[0]


def abandoned(server, writer):
    before = subscriptions(writer)
    connection, _ = startup(server.port)
    send_query(connection, "COPY (SUBSCRIBE (SELECT name FROM t WHERE id > 0)) TO STDOUT")
    copy_lines(connection, 2)
    check(subscriptions(writer) == before + 1, "a subscription is listed")
    connection.close()
    for _ in range(100):
        if subscriptions(writer) == before:
            break
        time.sleep(0.05)
    check(subscriptions(writer) == before, "it ends with its client")


def by_cursor(server, writer):
    with connect(server) as reader:
        cursor = reader.cursor()
        cursor.execute("DECLARE c CURSOR FOR SUBSCRIBE t")
        rows = cursor.execute("FETCH ALL c").fetchall()
        check([row[1:] for row in rows] == [(1, 1, "one"), (1, 2, "two")], f"FETCH gives the rows: {rows}")
        begun = time.time()
        rows = cursor.execute("FETCH ALL c WITH (TIMEOUT = '300ms')").fetchall()
        check(rows == [] and 0.25 < time.time() - begun < 5, "and nothing, after its time-out")
        timer = threading.Timer(0.3, lambda: writer.execute("INSERT INTO t VALUES (3, 'three')"))
        timer.start()
        begun = time.time()
        rows = cursor.execute("FETCH 10 c WITH (TIMEOUT = '20s')").fetchall()
        check([row[1:] for row in rows] == [(1, 3, "three")] and time.time() - begun < 5,
              f"it waits for the first row: {rows}")
        timer.join()
        rows = cursor.execute("FETCH 0 c").fetchall()
        check(rows == [], "FETCH 0 gives nothing")


def as_an_answer(server, writer):
    version = writer.execute("SELECT max(version) FROM entail.versions").fetchone()[0]
    writer.execute("DELETE FROM t WHERE id = 3")
    with connect(server) as reader:
        rows = list(reader.cursor().stream(
            f"SUBSCRIBE t AS OF {version} UP TO {version + 2} WITH (SNAPSHOT = false)"))
        check(rows == [(version + 1, -1, 3, "three")], f"SUBSCRIBE itself gives rows, up to a version: {rows}")
        reader.rollback()
        # What was missed is told to who comes back with its last version.
        rows = reader.execute(f"SUBSCRIBE t AS OF {version - 1} UP TO {version + 2} WITH (SNAPSHOT = false)").fetchall()
        check(rows == [(version, 1, 3, "three"), (version + 1, -1, 3, "three")], f"from the log: {rows}")


def thousand(server, writer, count=1000):
    """Idle subscribers cost little, and all of them hear of a change."""
    before_kb, before_threads = status(server.process.pid, "VmRSS"), status(server.process.pid, "Threads")
    connections = []
    for _ in range(count):
        connection, _ = startup(server.port)
        send_query(connection, "COPY (SUBSCRIBE t WITH (SNAPSHOT = false)) TO STDOUT")
        check(read_message(connection)[0] == b"H", "COPY begins")
        connections.append(connection)
    after_kb, after_threads = status(server.process.pid, "VmRSS"), status(server.process.pid, "Threads")
    each = (after_kb - before_kb) / count
    begun = time.time()
    writer.execute("INSERT INTO t VALUES (1000, 'all')")
    for connection in connections:
        if copy_lines(connection, 1)[0][1:] != ["1", "1000", "all"]:
            check(False, "every subscriber is told")
    print(f"{count} subscribers: {each:.0f} KB each, threads {before_threads} -> {after_threads}, "
          f"all told of a change after {(time.time() - begun) * 1000:.0f} ms")
    check(after_threads == before_threads, "no thread a subscriber")
    check(each < 100, f"an idle subscriber costs little: {each:.0f} KB")
    for connection in connections:
        connection.close()


def slow_reader(server, writer):
    """Who does not read holds nobody up, and is told everything when it reads again."""
    connection, _ = startup(server.port)
    send_query(connection, "COPY (SUBSCRIBE t WITH (SNAPSHOT = false)) TO STDOUT")
    check(read_message(connection)[0] == b"H", "COPY begins")
    rows, batches = 4_000, 20
    for batch in range(batches):
        writer.execute("INSERT INTO t SELECT i, repeat('x', 1200) FROM generate_series(%s::int, %s::int) AS g(i)",
                       (10_000 + batch * rows, 10_000 + batch * rows + rows - 1))
    peak_kb = status(server.process.pid, "VmHWM")
    seen = set()
    connection.settimeout(60)
    buffered = connection.makefile("rb", 1 << 20)
    while len(seen) < rows * batches:
        kind, length = struct.unpack("!cI", buffered.read(5))
        body = buffered.read(length - 4)
        if kind == b"d":
            seen.add(int(body.split(b"\t")[2]))
        elif kind == b"E":
            check(False, f"a slow reader of a table is not ended: {body!r}")
            break
    check(len(seen) == rows * batches, "a slow reader misses nothing")
    print(f"a slow reader of {rows * batches} rows of 1,200 bytes: the server's peak {peak_kb // 1024} MB")
    connection.close()


def main():
    entail = sys.argv[1]
    with Server(entail) as server, connect(server, autocommit=True) as writer:
        by_copy(server, writer)
        cancelled(server, writer)
        abandoned(server, writer)
        by_cursor(server, writer)
        as_an_answer(server, writer)
        thousand(server, writer)
        slow_reader(server, writer)
    sys.exit(1 if FAILED else 0)


main()
