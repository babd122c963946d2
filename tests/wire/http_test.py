"""The HTTP door: push, query, subscriptions as server-sent events, figures; and what is malformed."""

import base64
import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from wire import Server

FAILED = []


def check(condition, what):
    if not condition:
        print(f"not so: {what}")
        FAILED.append(what)


def ask(server, method, path, body=None, headers=None, connection=None):
    """(status, headers, parsed JSON or text)"""
    own = connection is None
    connection = connection or http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    is_json = (answer.getheader("Content-Type") or "").startswith("application/json")
    if own:
        connection.close()
    return answer.status, answer, json.loads(text) if is_json and text else text


def sql(server, text):
    status, _, answer = ask(server, "POST", "/query", text)
    if status != 200:
        raise RuntimeError(answer)
    return answer["results"][-1]


class Events:
    """GET /subscribe…, read event by event."""

    def __init__(self, server, path, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
        self.connection.request("GET", path, headers=headers or {})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def next(self):
        """(event, id, data); None at the end."""
        event, number, data = None, None, None
        while True:
            line = self.answer.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line == "":
                if event is not None:
                    return event, number, data
                continue
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                number = int(value)
            elif name == "data":
                data = json.loads(value)

    def close(self):
        self.answer.close()
        self.connection.close()


def queries(server):
    status, _, answer = ask(server, "POST", "/query",
                            "CREATE TABLE t (id int PRIMARY KEY, name text, paid numeric(9, 2), tags text[], extra jsonb, "
                            "at timestamp DEFAULT '2026-01-01 00:00', CHECK (paid >= 0))")
    check(status == 200 and answer["results"][0]["tag"] == "CREATE TABLE" and answer["version"] == 1,
          f"a table is made: {answer}")
    answer = sql(server, """INSERT INTO t VALUES (1, 'a "b"', 1.5, '{x,"y z",NULL}', '{"k": [1, null]}');
                            SELECT *, 1 AS id, 'NaN'::float8 AS n FROM t""")
    check(answer["rows"] == [{"id": 1, "name": 'a "b"', "paid": 1.5, "tags": ["x", "y z", None],
                              "extra": {"k": [1, None]}, "at": "2026-01-01 00:00:00", "id_2": 1, "n": "NaN"}],
          f"values are JSON's: {answer['rows']}")
    check(answer["columns"][0] == {"name": "id", "type_oid": 23}, "columns have names and types")
    status, _, answer = ask(server, "POST", "/query", json.dumps({"query": "SELECT 2 AS two"}),
                            {"Content-Type": "application/json"})
    check(answer["results"][0]["rows"] == [{"two": 2}], "a query may come in JSON")
    for text, wanted, code in (("SELEC 1", 400, "42601"), ("SELECT * FROM nothing", 404, "42P01"),
                               ("SELECT 1/0", 400, "22012"), ("INSERT INTO t VALUES (1)", 409, "23505"),
                               ("COPY (SUBSCRIBE t) TO STDOUT", 501, "0A000"), ("COPY t FROM STDIN", 503, "57014")):
        status, _, answer = ask(server, "POST", "/query", text)
        check((status, answer["error"]["code"]) == (wanted, code), f"{text}: {status} {answer}")
    # What is left open is rolled back.
    ask(server, "POST", "/query", "BEGIN; DELETE FROM t")
    check(sql(server, "SELECT count(*) AS n FROM t")["rows"] == [{"n": 1}], "a transaction ends with its request")
    answer = sql(server, "SELECT i FROM generate_series(1, 20000) AS g(i)")
    check(len(answer["rows"]) == 20000, "an answer may be long")


def pushes(server):
    lines = '{"id": 2, "name": "two", "paid": 12.50, "tags": ["p", "q r"], "extra": [1]}\n\n{"id": 3, "name": null}\n'
    headers = {"Entail-Client": "shop 1", "Entail-Sequence": "7"}
    status, _, first = ask(server, "POST", "/push/t", lines, headers)
    check(status == 200 and first["rows"] == 2 and first["repeated"] is False, f"rows are pushed: {first}")
    check(sql(server, "SELECT id, name, paid, tags, extra FROM t WHERE id > 1 ORDER BY id")["rows"] == [
        {"id": 2, "name": "two", "paid": 12.5, "tags": ["p", "q r"], "extra": [1]},
        {"id": 3, "name": None, "paid": None, "tags": None, "extra": None}], "and are there")
    ask(server, "POST", "/query", "DELETE FROM t WHERE id = 3")
    status, _, again = ask(server, "POST", "/push/t", lines, headers)
    check(status == 200 and again["version"] == first["version"] and again["repeated"],
          f"a batch that comes again answers its version: {again}")
    check(sql(server, "SELECT count(*) AS n FROM t")["rows"] == [{"n": 2}], "and changes nothing")
    causes = sql(server, f"SELECT cause, origin FROM entail.versions WHERE version = {first['version']}")["rows"]
    check(causes == [{"cause": "source batch", "origin": "http/shop 1"}], f"its cause is logged: {causes}")
    status, _, empty = ask(server, "POST", "/push/t", "", {"Entail-Client": "shop 1", "Entail-Sequence": "8"})
    check(status == 200 and empty["rows"] == 0 and empty["version"] > first["version"], f"an empty batch is one: {empty}")
    check(ask(server, "POST", "/push/t", "", {"Entail-Client": "shop 1", "Entail-Sequence": "8"})[2]["version"] ==
          empty["version"], "and is remembered")
    for body, code, line in (('{"id": 9}\n{"id": "x"}\n', "22P02", 2), ('{"id": 9}\n\n{"nme": 1}', "42703", 3),
                             ('{"id": 9, "id": 9}', "22P02", 1), ("[1]", "22P02", 1), ('{"id": 9', "22P02", 1),
                             ('{"name": "no key"}', "23502", 1), ('{"id": 9, "tags": "no array"}', "22P02", 1),
                             ('{"id": 99999999999}', "22003", 1), ('{"id": {"a": 1}}', "22P02", 1)):
        status, _, answer = ask(server, "POST", "/push/t", body)
        check(status == 400 and answer["error"]["code"] == code and answer["error"]["line"] == line,
              f"{body!r}: {status} {answer}")
    check(ask(server, "POST", "/push/t", '{"id": 9, "paid": -1}')[2]["error"]["code"] == "23514", "checks hold")
    check(ask(server, "POST", "/push/nothing", "{}")[0] == 404, "of a relation that is not there: 404")
    check(ask(server, "POST", "/push/t", "{}", {"Entail-Sequence": "1"})[0] == 400, "a sequence needs a client")
    check(ask(server, "POST", "/push/t", "{}", {"Entail-Client": "c", "Entail-Sequence": "-1"})[0] == 400, "and is a number")
    check(sql(server, "SELECT count(*) AS n FROM t")["rows"] == [{"n": 2}], "nothing of all that was changed")
    # Remembered by the store: also by the next server on it.
    return first["version"], lines, headers


def subscriptions(server):
    sql(server, "CREATE TABLE e (id int, extra json); INSERT INTO e VALUES (1, NULL)")
    events = Events(server, "/subscribe/e?progress=true")
    check(events.status == 200 and events.answer.getheader("Content-Type") == "text/event-stream", "events come")
    event, number, data = events.next()
    version = data["version"]
    check((event, number) == ("progress", None), "progress comes first")
    check(events.next() == ("snapshot", version, {"version": version, "complete": True,
                                                  "rows": [{"id": 1, "extra": None}]}), "then the snapshot")
    check(events.next() == ("progress", version, {"version": version + 1}), "then progress")
    sql(server, "UPDATE e SET extra = '{\"a\":\n 1}'")
    check(events.next() == ("changes", version + 1, {"version": version + 1, "complete": True, "changes": [
        {"op": "-", "row": {"id": 1, "extra": None}}, {"op": "+", "row": {"id": 1, "extra": {"a": 1}}}]}), "then changes")
    events.close()
    # What was missed.
    sql(server, "DELETE FROM e")
    sql(server, "INSERT INTO e VALUES (2)")
    events = Events(server, "/subscribe/e", {"Last-Event-ID": str(version + 1)})
    check([events.next()[2]["version"] for _ in range(2)] == [version + 2, version + 3], "who comes back misses nothing")
    events.close()
    events = Events(server, "/subscribe?query=SELECT+count(*)+AS+n+FROM+e&up_to=" + str(version + 5))
    check(events.next()[2]["rows"] == [{"n": 1}], "queries are subscribed to")
    ask(server, "POST", "/push/e", '{"id": 3}')
    check([change["row"] for change in events.next()[2]["changes"]] == [{"n": 1}, {"n": 2}], "and change")
    check(events.next() == ("end", None, {}) and events.next() is None, "and end")
    # Many rows come in several events, the last of which has the id.
    sql(server, "INSERT INTO e SELECT i FROM generate_series(1, 10000) AS g(i)")
    events = Events(server, "/subscribe/e?progress=false")
    rows, numbers = 0, []
    while rows < 10002:
        event, number, data = events.next()
        rows += len(data["rows"])
        numbers.append((number is not None, data["complete"]))
    check(rows == 10002 and len(numbers) > 3 and numbers[-1] == (True, True) and set(numbers[:-1]) == {(False, False)},
          f"a long snapshot comes in parts: {rows} {numbers}")
    sql(server, "DROP TABLE e")
    event, _, data = events.next()
    check(event == "error" and data["code"] == "55000", f"a relation that goes ends it: {event} {data}")
    check(events.next() is None, "with the connection")
    for path, wanted in (("/subscribe/nothing", 404), ("/subscribe/t?as_of=999999", 400), ("/subscribe/t?as_of=x", 400),
                         ("/subscribe/t?snapshot=maybe", 400), ("/subscribe/t?bogus=1", 400), ("/subscribe", 400),
                         ("/subscribe?query=SELECT+now()", 501), ("/subscribe?query=DELETE+FROM+t", 400),
                         ("/subscribe/t?query=SELECT+1", 400), ("/subscribe/t%zz", 400)):
        status, _, answer = ask(server, "GET", path)
        check(status == wanted and "message" in answer["error"], f"{path}: {status} {answer}")


def listed(server):
    for _ in range(100):
        count = sql(server, "SELECT count(*) AS n FROM entail.subscriptions")["rows"][0]["n"]
        if count == 0:
            break
        time.sleep(0.05)
    check(count == 0, "subscriptions end with their clients")
    events = [Events(server, "/subscribe/t") for _ in range(200)]
    for one in events:
        one.next()
    check(sql(server, "SELECT count(*) AS n FROM entail.subscriptions WHERE relation = 't'")["rows"] == [{"n": 200}],
          "they are listed")
    begun = time.time()
    sql(server, "INSERT INTO t (id) VALUES (1000)")
    for one in events:
        check(one.next()[0] == "changes", "each is told")
    print(f"200 streams told of a change after {(time.time() - begun) * 1000:.0f} ms")
    for one in events:
        one.close()


def figures(server):
    status, answer, text = ask(server, "GET", "/metrics")
    check(status == 200 and answer.getheader("Content-Type").startswith("application/openmetrics-text"), "there are figures")
    check(text.endswith("# EOF\n"), "an exposition ends")
    families, samples = {}, {}
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            check(name not in families, f"{name} is declared once")
            families[name] = kind
        elif not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            family = name.split("{")[0]
            if family.endswith("_total"):
                check(families.get(family[:-6]) == "counter", f"{family} is a counter")
            else:
                check(families.get(family) == "gauge", f"{family} is a gauge")
            samples[name] = float(value)
    rows = sql(server, "SELECT name, value FROM entail.metrics")["rows"]
    check({row["name"] for row in rows} == set(samples), "entail.metrics has the same")
    for name in ("entail_commits_total", "entail_version", "entail_sessions", "entail_http_requests_total",
                 'entail_relation_rows{relation="t"}', 'entail_relation_bytes{relation="t"}', "entail_subscriptions"):
        check(name in samples, f"{name} is there")
    check(samples['entail_relation_rows{relation="t"}'] >= 3, "with the rows of a relation")
    status, _, answer = ask(server, "GET", "/healthz")
    check(status == 200 and answer["status"] == "ok" and answer["version"] == samples["entail_version"], "it is well")
    status, _, document = ask(server, "GET", "/openapi.json")
    check(status == 200 and document["openapi"].startswith("3.") and set(document["paths"]) == {
        "/push/{relation}", "/query", "/subscribe/{relation}", "/subscribe", "/metrics", "/healthz", "/openapi.json"},
        "all of it is described")
    status, answer, page = ask(server, "GET", "/")
    check(status == 200 and answer.getheader("Content-Type").startswith("text/html") and "openapi.json" in page
          and "http:" not in page.replace("http: ", ""), "a page shows it, from nowhere else")


def raw(server, data, close=True):
    """What the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=30) as connection:
        try:
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while more := connection.recv(65536):
                answer += more
            return answer
        except (ConnectionResetError, BrokenPipeError):
            return b""


def malformed(server):
    for data, status in ((b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n\r\n", b"400"),
                         (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
                         (b"GET " + b"/" * 20000 + b" HTTP/1.1\r\n\r\n", b"431"),
                         (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n", b"431"),
                         (b"POST /query HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
                         (b"POST /query HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
                         (b"GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"), (b"GET http HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
                         (b"DELETE /query HTTP/1.1\r\nHost: a\r\n\r\n", b"405"), (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", b"404"),
                         (b"GET /push HTTP/1.1\r\nHost: a\r\n\r\n", b"404"), (b"GET /query/a/b/c HTTP/1.1\r\nHost: a\r\n\r\n", b"404"),
                         (b"POST /query HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\xff\xfe", b"400")):
        answer = raw(server, data)
        head, _, body = answer.partition(b"\r\n\r\n")
        check(head.startswith(b"HTTP/1.1 " + status) and "message" in json.loads(body)["error"],
              f"{data[:60]!r}: {status} {answer[:300]!r}")
    # Chunked bodies, several requests in one piece, HEAD, 100-continue.
    body = b"9\r\nSELECT 1 \r\n5\r\nAS ab\r\n0\r\n\r\n"
    answer = raw(server, b"POST /query HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body +
                 b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False)
    check(answer.count(b"HTTP/1.1 200 OK") == 3 and answer.count(b'"status":"ok"') == 1 and b'{"ab":1}' in answer,
          f"requests in one piece: {answer!r}")
    answer = raw(server, b"POST /query HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\nConnection: close\r\n\r\nSELECT 1", False)
    check(b" 200 OK" in answer, f"with Expect: {answer!r}")
    # Bytes at random, and requests with random mistakes, end nothing.
    chance = random.Random(4)
    good = b"POST /push/t HTTP/1.1\r\nHost: a\r\nEntail-Client: f\r\nEntail-Sequence: 5\r\nContent-Length: 28\r\n\r\n{\"id\": 77, \"name\": \"seven\"}\n"
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            data[at:at + chance.randrange(0, 3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(0, 4)))
        answer = raw(server, bytes(data))
        check(answer == b"" or answer.startswith(b"HTTP/1.1 "), f"{bytes(data)!r}: {answer!r}")
    check(ask(server, "GET", "/healthz")[0] == 200, "the server works on")
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    for _ in range(5):
        check(ask(server, "GET", "/healthz", connection=connection)[0] == 200, "connections are kept")
    connection.close()


def waits(server):
    """A push that meets a lock waits for it, and holds up nobody."""
    import psycopg
    with psycopg.connect(f"host=127.0.0.1 port={server.port} user=ann dbname=shop") as other:
        other.execute("INSERT INTO t (id) VALUES (500)")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(ask(server, "POST", "/push/t", '{"id": 500}')))
        thread.start()
        time.sleep(0.3)
        check(answers == [] and ask(server, "GET", "/healthz")[0] == 200, "it waits")
        other.rollback()
        thread.join(20)
        check(answers and answers[0][0] == 200, f"and goes on: {answers}")


def users_and_tls(entail):
    directory = tempfile.mkdtemp(prefix="entail-http-")
    try:
        data = os.path.join(directory, "data")
        subprocess.run([entail, "sql", "--data", data, "-c", "CREATE TABLE t (id int); CREATE USER ann PASSWORD 'sesame'"],
                       check=True, capture_output=True)
        key, certificate = os.path.join(directory, "k.pem"), os.path.join(directory, "c.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        refused = subprocess.run([entail, "serve", "--data", data, "--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"],
                                 capture_output=True, text=True, timeout=60)
        check(refused.returncode == 1 and "in the clear" in refused.stderr, f"no passwords in the clear: {refused.stderr}")
        with Server(entail, "--http", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key, directory=data) as server:
            context = ssl.create_default_context(cafile=certificate)
            context.check_hostname = False

            def over_tls(headers, path="/query", method="POST"):
                connection = http.client.HTTPSConnection("127.0.0.1", server.http_port, timeout=30, context=context)
                connection.request(method, path, body="SELECT current_user AS u" if method == "POST" else None, headers=headers)
                answer = connection.getresponse()
                body = answer.read().decode()
                connection.close()
                return answer.status, json.loads(body), answer

            def basic(text):
                return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

            status, body, answer = over_tls({})
            check(status == 401 and answer.getheader("WWW-Authenticate", "").startswith("Basic"), "users must say who they are")
            for wrong in ("ann:sesam", "bob:sesame", "ann", ":", "ann:"):
                check(over_tls(basic(wrong))[0] == 401, f"{wrong} does not pass")
            check(over_tls({"Authorization": "Bearer x"})[0] == 401, "nor another scheme")
            status, body, _ = over_tls(basic("ann:sesame"))
            check(status == 200 and body["results"][0]["rows"] == [{"u": "ann"}], f"who proves it is in: {body}")
            check(over_tls({}, "/healthz", "GET")[0] == 200, "health is for anybody")
            check(raw(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")[:4] != b"HTTP", "all of it is inside TLS")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    entail = sys.argv[1]
    directory = tempfile.mkdtemp(prefix="entail-http-data-")
    try:
        with Server(entail, "--http", "127.0.0.1:0", directory=directory) as server:
            queries(server)
            version, lines, headers = pushes(server)
            subscriptions(server)
            listed(server)
            figures(server)
            malformed(server)
            try:
                waits(server)
            except ImportError:
                print("psycopg is not installed: waiting is left out")
            events = Events(server, "/subscribe/t")
            events.next()
            begun = time.time()
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
            check(time.time() - begun < 4, "a server with subscribers stops at once")
        with Server(entail, "--http", "127.0.0.1:0", directory=directory) as server:
            again = ask(server, "POST", "/push/t", lines, headers)[2]
            check(again.get("version") == version and again.get("repeated"), f"the next server remembers, too: {again}")
        users_and_tls(entail)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if FAILED else 0)


main()
