"""What the tests of this folder share: a server on a free port, and the statements of statements.txt."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77  # What ctest takes for "left out".


def skip(reason):
    print(f"left out: {reason}")
    sys.exit(SKIPPED)


class Server:
    """`entail serve` on an empty database, stopped by its process id."""

    def __init__(self, entail, *options, directory=None):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="entail-wire-")
        self.log = open(os.path.join(self.directory + ".log"), "w+")
        self.process = subprocess.Popen(
            [entail, "serve", "--data", self.directory, "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"entail: ready on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.stop()
            sys.exit(f"the server said {line!r}: {self.errors()}")
        self.port = int(found[1])
        self.http_port = None
        if "--http" in options:
            line = self.process.stdout.readline()
            self.http_port = int(re.fullmatch(r"entail: http on 127\.0\.0\.1:(\d+)\n", line)[1])

    def errors(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Asks it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                print("the server did not stop by itself")
                return -1
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        code = self.stop()
        self.log.close()
        os.unlink(self.log.name)
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        if code != 0:
            sys.exit(f"the server ended with {code}")

    def environment(self):
        return dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="ann",
                    PGDATABASE="shop", PGSSLMODE="prefer", PGCONNECT_TIMEOUT="10", PSQLRC="/dev/null",
                    PAGER="cat", LC_ALL="C.UTF-8")


def startup(port, user="ann"):
    """A connection that is ready for queries, without a password."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    body = struct.pack("!I", 196608) + f"user\0{user}\0database\0shop\0\0".encode()
    connection.sendall(struct.pack("!I", len(body) + 4) + body)
    messages = {}
    while True:
        kind, text = read_message(connection)
        messages[kind] = text
        if kind == b"Z":
            return connection, messages
        if kind == b"E":
            raise RuntimeError(text)


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_message(connection):
    kind = read_exactly(connection, 1)
    (length,) = struct.unpack("!I", read_exactly(connection, 4))
    return kind, read_exactly(connection, length - 4)


def query(connection, text):
    body = text.encode() + b"\0"
    connection.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
    messages = []
    while True:
        messages.append(read_message(connection))
        if messages[-1][0] == b"Z":
            return messages


class Statement:
    def __init__(self, sql, parameters, expected):
        self.sql = sql
        self.parameters = [None if p == "NULL" else p for p in parameters]
        self.expected = expected  # "ok N", "error SQLSTATE", or a list of rows.

    def inlined(self):
        """The text with its parameters as literals."""
        def literal(found):
            value = self.parameters[int(found[1]) - 1]
            return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
        return re.sub(r"\$(\d+)", literal, self.sql)


def statements():
    with open(os.path.join(HERE, "statements.txt"), encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    result = []
    # Blocks are separated by empty lines; an answer without rows ends with its rule.
    for block in re.split(r"\n\n+", text.strip("\n")):
        lines = block.split("\n")
        rule = next(i for i, line in enumerate(lines) if line.startswith("----"))
        said = lines[rule][4:].strip()
        result.append(Statement(lines[0], lines[1:rule], said or lines[rule + 1:]))
    assert len(result) == 60, len(result)
    return result


def compare(number, statement, answer):
    """Prints what differs; whether they are equal."""
    if answer == statement.expected:
        return True
    print(f"statement {number}: {statement.sql}\n  parameters {statement.parameters}\n"
          f"  expected {statement.expected}\n  got      {answer}")
    return False
