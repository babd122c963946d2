"""The server itself: start, stop, a second one, users and passwords, TLS, cancel, time-outs, idle cost."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from wire import Server, query, read_message, startup


def memory_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


FAILED = []


def check(condition, what):
    if not condition:
        print(f"not so: {what}")
        FAILED.append(what)


def second_server(entail, server):
    done = subprocess.run([entail, "serve", "--data", server.directory, "--listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=60)
    check(done.returncode == 1, "a second server on the same directory ends with 1")
    check(server.directory in done.stderr, f"it names the directory: {done.stderr!r}")


def malformed(server):
    for data in (b"\0\0\0\3", b"\xff" * 16, b"GET / HTTP/1.1\r\n\r\n", struct.pack("!II", 8, 1), b"\0\0\0\x09\0\3\0\0x"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    connection, _ = startup(server.port)
    connection.sendall(b"?\0\0\0\4")
    kind, text = read_message(connection)
    check(kind == b"E" and b"C08P01\0" in text, "an unknown message is answered with 08P01")
    check(connection.recv(1) == b"", "and ends the connection")
    connection, _ = startup(server.port)
    check(query(connection, "SELECT 1")[-1][1] == b"I", "the server works on")
    connection.close()


def cancel(server):
    connection, messages = startup(server.port)
    pid, secret = struct.unpack("!II", messages[b"K"])
    text = b"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n\0"
    connection.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)
    time.sleep(0.5)
    # A wrong secret does nothing.
    for number in (secret ^ 1, secret):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as other:
            other.sendall(struct.pack("!IIII", 16, 80877102, pid, number))
            other.recv(1)
    begun = time.time()
    kind, text = read_message(connection)
    while kind not in (b"E", b"Z"):
        kind, text = read_message(connection)
    check(kind == b"E" and b"C57014\0" in text, f"a cancelled query ends with 57014: {text!r}")
    check(time.time() - begun < 10, "soon")
    connection.close()


def idle_connections(server):
    before = memory_kb(server.process.pid)
    connections = [startup(server.port)[0] for _ in range(1000)]
    time.sleep(0.5)
    grown = memory_kb(server.process.pid) - before
    check(grown <= 40 * 1024, f"1,000 idle connections add at most 40 MB: {grown / 1024:.1f} MB")
    ticks = cpu_ticks(server.process.pid)
    time.sleep(2)
    used = cpu_ticks(server.process.pid) - ticks
    check(used <= 1, f"and no CPU: {used} ticks in two seconds")
    print(f"1,000 idle connections: {grown / 1024:.1f} MB, {used} ticks in two seconds")
    for connection in connections:
        connection.close()


def statement_timeout(server):
    connection, _ = startup(server.port)
    query(connection, "SET statement_timeout = '300ms'")
    for _ in range(2):
        begun = time.time()
        answer = query(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                   "SELECT count(*) FROM n")
        errors = [text for kind, text in answer if kind == b"E"]
        check(len(errors) == 1 and b"C57014\0" in errors[0] and b"statement timeout" in errors[0],
              f"a statement that runs too long ends with 57014: {answer!r}")
        check(0.2 < time.time() - begun < 10, "in time")
    query(connection, "SET statement_timeout = 0")
    check(query(connection, "SELECT pg_backend_pid()")[0][0] == b"T", "others go on")
    connection.close()


def idle_timeout(server):
    connection, _ = startup(server.port)
    query(connection, "SET idle_in_transaction_session_timeout = '300ms'")
    query(connection, "BEGIN")
    kind, text = read_message(connection)
    check(kind == b"E" and b"C25P03\0" in text, f"idling in a transaction ends with 25P03: {text!r}")
    connection.close()


def stop_with_clients(server):
    connection, _ = startup(server.port)
    server.process.send_signal(signal.SIGTERM)
    kind, text = read_message(connection)
    check(kind == b"E" and b"C57P01\0" in text, f"clients are told of the end with 57P01: {text!r}")
    connection.close()
    check(server.process.wait(30) == 0, "SIGTERM is a clean end")


def users_and_tls(entail):
    directory = tempfile.mkdtemp(prefix="entail-wire-")
    made = subprocess.run([entail, "sql", "--data", directory, "-c", "CREATE USER ann PASSWORD 'secret'"],
                          capture_output=True, text=True, timeout=60)
    check(made.returncode == 0, f"a user is created without a server: {made.stderr}")
    certificate, key = directory + ".crt", directory + ".key"
    options = []
    if shutil.which("openssl"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", key, "-out", certificate], capture_output=True, check=True)
        options = ["--tls-cert", certificate, "--tls-key", key]
    with Server(entail, *options, directory=directory) as server:
        def psql(password, user="ann", mode="prefer"):
            return subprocess.run(
                ["psql", "-X", "-At", "-c", "SELECT current_user"], capture_output=True, text=True, timeout=60,
                env=dict(server.environment(), PGPASSWORD=password, PGUSER=user, PGSSLMODE=mode))

        if shutil.which("psql"):
            check(psql("secret").stdout == "ann\n", "the right password lets in")
            wrong = psql("wrong")
            check('password authentication failed for user "ann"' in wrong.stderr, f"a wrong one does not: {wrong}")
            nobody = psql("secret", user="nobody")
            check('password authentication failed for user "nobody"' in nobody.stderr, "nor an unknown name")
            if options:
                check(psql("secret", mode="require").stdout == "ann\n", "TLS is spoken when it is asked for")
    for name in (certificate, key):
        if os.path.exists(name):
            os.unlink(name)
    shutil.rmtree(directory, ignore_errors=True)


def open_to_all(entail):
    directory = tempfile.mkdtemp(prefix="entail-wire-")
    done = subprocess.run([entail, "serve", "--data", directory, "--listen", "0.0.0.0:0"], capture_output=True,
                          text=True, timeout=60)
    check(done.returncode == 1 and "users" in done.stderr,
          f"without users only loopback is listened on: {done.stderr!r}")
    shutil.rmtree(directory, ignore_errors=True)


def rules(entail):
    directory = tempfile.mkdtemp(prefix="entail-wire-")
    program = directory + ".dl"

    def write(text):
        with open(program, "w") as file:
            file.write(text)

    def ask(server, text):
        connection, _ = startup(server.port)
        rows = [m for m in query(connection, text) if m[0] in (b"D", b"E")]
        connection.close()
        return rows

    write(".decl edge(x: number, y: number)\n.decl path(x: number, y: number)\n.output path\n"
          "edge(1, 2). edge(2, 3).\npath(x, y) :- edge(x, y).\npath(x, z) :- path(x, y), edge(y, z).\n")
    for _ in range(2):  # The second time nothing changes.
        with Server(entail, "--rules", program, directory=directory) as server:
            rows = ask(server, "SELECT x, y FROM path ORDER BY 1, 2")
            check(len(rows) == 3 and rows[0][0] == b"D", f"rules are read by SQL: {rows}")
    write(".decl edge(x: number\n")
    done = subprocess.run([entail, "serve", "--data", directory, "--listen", "127.0.0.1:0", "--rules", program],
                          capture_output=True, text=True, timeout=60)
    check(done.returncode == 1 and "error" in done.stderr, "a program that is none is refused")
    os.unlink(program)
    done = subprocess.run([entail, "serve", "--data", directory, "--listen", "127.0.0.1:0", "--rules", program],
                          capture_output=True, text=True, timeout=60)
    check(done.returncode == 1 and program in done.stderr, "a missing one is named")
    with Server(entail, directory=directory) as server:
        check(len(ask(server, "SELECT x, y FROM path")) == 3, "and leaves what runs alone")
    shutil.rmtree(directory, ignore_errors=True)


def main():
    entail = sys.argv[1]
    open_to_all(entail)
    with Server(entail) as server:
        second_server(entail, server)
        malformed(server)
        cancel(server)
        statement_timeout(server)
        idle_timeout(server)
        idle_connections(server)
        stop_with_clients(server)
    users_and_tls(entail)
    rules(entail)
    return 1 if FAILED else 0


sys.exit(main())
