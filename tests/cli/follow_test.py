"""What a person sees of `entail follow` and of `entail explain --stage=network`.

Each case runs `entail` in a directory of its own, as in cli_test.py.

    follow_test.py ENTAIL [NAME…]      the cases whose function name contains one of the names
"""

import json
import pathlib
import signal
import subprocess
import sys
import time

import cli_test
from cli_test import with_closure

ORDERS = """relation Order(id: int64 key, customer: int64, status: string default "NEW", note: string?);
.decl open(id: number, customer: number)
open(id, c) :- Order{id, customer: c, status: "NEW"}.
.output open
.output Order
"""

SHARES = """.decl share(x: number, n: number)
.decl part(x: number, p: number)
part(x, 100 / n) :- share(x, n).
.output part
"""


def with_orders(d):
    d.write("orders.dl", ORDERS)


# --- versions ----------------------------------------------------------------------------------------

def changes_and_their_versions(d):
    with_closure(d)
    d.run("follow", "closure.dl", stdin=b"""// the first edges
+edge(1, 2)
+edge(2, 3).
commit

-edge(1, 2)
+edge(1, 3)   // instead
commit
-edge(7, 7)
""").expect(out="""# version 2
+path(1,2)
+path(1,3)
+path(2,3)
# version 3
-path(1,2)
# version 4
""")


def a_change_and_its_reverse_are_none(d):
    with_closure(d)
    d.run("follow", "closure.dl", stdin=b"+edge(1,2)\n-edge(1,2)\ncommit\n+edge(1,2)\n+edge(1,2)\ncommit\n-edge(1,2)\n"
          ).expect(out="# version 2\n# version 3\n+path(1,2)\n# version 4\n-path(1,2)\n")


def nothing_said_is_no_version(d):
    with_closure(d)
    d.run("follow", "closure.dl").expect()
    d.run("follow", "closure.dl", stdin=b"\n// nothing\n? path(x, y)\n").expect()
    d.run("follow", "closure.dl", stdin=b"commit\n").expect(out="# version 2\n")
    d.run("follow", "closure.dl", stdin=b"+edge(1,2)\nabort\n").expect()


def facts_of_a_directory_are_version_1(d):
    with_closure(d)
    changes = b"+edge(3, 4)\n"
    d.run("follow", "-F.", "closure.dl", stdin=changes).expect(
        out="# version 2\n+path(1,4)\n+path(2,4)\n+path(3,4)\n")
    d.run("follow", "-F", ".", "--snapshot", "closure.dl", stdin=changes).expect(
        out="# version 1\n+path(1,2)\n+path(1,3)\n+path(2,3)\n"
            "# version 2\n+path(1,4)\n+path(2,4)\n+path(3,4)\n")
    d.run("follow", "--snapshot", "closure.dl").expect(out="# version 1\n")
    d.run("follow", "-Fmissing", "closure.dl").expect_line(1, "missing/edge.facts")
    d.write("edge.facts", "1\tx\n")
    d.run("follow", "-F.", "closure.dl").expect_line(1, "edge.facts:1: column 2 (y)", "not a number")


def facts_of_the_program_are_version_1(d):
    d.write("a.dl", '.decl a(x: number)\na(1). a(2).\n.decl b(x: number)\nb(x) :- a(x), x > 1.\n.output b\n.output a\n')
    d.run("follow", "--snapshot", "a.dl", stdin=b"-a(2)\n").expect(
        out="# version 1\n+a(1)\n+a(2)\n+b(2)\n# version 2\n-a(2)\n-b(2)\n")


def each_line_is_echoed_before_its_effect(d):
    with_closure(d)
    d.run("follow", "--echo", "closure.dl", stdin=b"+edge(1,2)\n\n? path(1,x)\r\ncommit\n").expect(
        out="> +edge(1,2)\n> \n> ? path(1,x)\npath(1,2)\n> commit\n# version 2\n+path(1,2)\n")


def questions_are_answered_at_the_head(d):
    with_closure(d)
    d.run("follow", "closure.dl", stdin=b"""+edge(2, 3)
+edge(1, 2)
? path(1, x)
? path(x, x)
? path(1, 3)
? path(3, 1)
abort
? path(x, y)
""").expect(out="path(1,2)\npath(1,3)\npath(1,3)\n")


def sizes_are_outputs(d):
    d.write("a.dl", ".decl a(x: number)\n.printsize a\n")
    d.run("follow", "a.dl", stdin=b"+a(1)\n").expect(out="# version 2\n+a(1)\n")


def values_print_as_they_are_read(d):
    d.write("a.dl", """.type Shape = Dot {} | Box {w: number, label: symbol}
.type Pair = [a: number, b: symbol]
relation Row(f: float, s: string, n: string?, d: date, m: decimal(8, 2), b: bool, t: string[]);
.decl q(p: Pair, s: Shape)
.output Row
.output q
""")
    rows = ['q([1,"a \\"b\\""],$Box(2,"x"))', "q(nil,$Dot)",
            'Row(0.1,"a\\\\b\\n",null,"2026-01-31",12.50,true,["x","y"])',
            'Row(1e+17,"","null","infinity",-0.01,false,[])']
    text = "".join(f"+{row}\n" for row in rows)
    first = d.run("follow", "a.dl", stdin=text.encode()).expect(out=None)
    printed = first.out.splitlines(keepends=True)
    assert printed[0] == "# version 2\n" and sorted(printed[1:]) == sorted(text.splitlines(True)), first.out
    again = d.run("follow", "a.dl", stdin="".join(printed[1:]).encode()).expect(out=None)
    assert again.out == first.out


# --- keyed relations ---------------------------------------------------------------------------------

def a_key_has_one_row(d):
    with_orders(d)
    d.run("follow", "orders.dl", stdin=b"""+Order{id: 1, customer: 5}
commit
+Order(1, 5, "HELD", null)
commit
-Order{id: 1, status: "NEW"}
-Order{id: 1}
""").expect(out="""# version 2
+Order(1,5,"NEW",null)
+open(1,5)
# version 3
+Order(1,5,"HELD",null)
-Order(1,5,"NEW",null)
-open(1,5)
# version 4
-Order(1,5,"HELD",null)
""")


def updates_keep_what_they_do_not_name(d):
    with_orders(d)
    d.run("follow", "orders.dl", stdin=b"""{"insert": {"Order": [{"id": 1, "customer": 5}, {"id": 2, "customer": 6, "note": "n"}]}}
{"commit": true}
{"update": {"Order": {"id": 2, "status": "X"}}}
""").expect(out="""# version 2
+Order(1,5,"NEW",null)
+Order(2,6,"NEW","n")
+open(1,5)
+open(2,6)
# version 3
-Order(2,6,"NEW","n")
+Order(2,6,"X","n")
-open(2,6)
""")
    d.run("follow", "orders.dl", stdin=b'{"update": {"Order": {"id": 9, "status": "X"}}}\n').expect_line(
        1, "<stdin>:1:22: error: the row with id = 9 is not in 'Order'")


# --- JSON --------------------------------------------------------------------------------------------

def lines_of_json(d):
    with_closure(d)
    d.run("follow", "closure.dl", stdin=b"""{"insert": {"edge": [[1, 2], [2, 3]]}}
{"query": "path(1, x)"}
{"commit": true}
{"delete": {"edge": {"x": 1, "y": 2}}}
{"abort": true}
{"delete": {"edge": [2, 3]}, "insert": {"edge": [1, 3]}}
""").expect(out="""path(1,2)
path(1,3)
# version 2
+path(1,2)
+path(1,3)
+path(2,3)
# version 3
-path(2,3)
""")


def output_as_json(d):
    with_closure(d)
    result = d.run("follow", "--format=json", "closure.dl",
                   stdin=b"+edge(1,2)\n? path(x, y)\ncommit\n-edge(1,2)\n+edge(2,3)\n").expect(out=None)
    assert result.out.splitlines() == [
        '{"x":1,"y":2}',
        '{"version":2,"changes":[{"relation":"path","sign":1,"row":[1,2]}],"emitted":[]}',
        '{"version":3,"changes":[{"relation":"path","sign":-1,"row":[1,2]},'
        '{"relation":"path","sign":1,"row":[2,3]}],"emitted":[]}'], result.out
    for line in result.out.splitlines():
        json.loads(line)


def emitted_rows_come_last(d):
    d.write("a.dl", """relation Order(id: int64 key, total: int64);
stream Alert(kind: string, subject: int64);
rule big when Order{id, total: t > 100} then emit Alert{kind: "big", subject: id}; end
.output Order
""")
    changes = b"+Order(1, 50)\n+Order(2, 500)\n"
    d.run("follow", "a.dl", stdin=changes).expect(
        out='# version 2\n+Order(1,50)\n+Order(2,500)\n! Alert("big",2)\n')
    result = d.run("follow", "--format=json", "a.dl", stdin=changes).expect(out=None)
    assert json.loads(result.out)["emitted"] == [{"relation": "Alert", "row": ["big", 2]}], result.out


# --- what goes wrong ---------------------------------------------------------------------------------

def a_bad_line_stops(d):
    with_closure(d)
    for line, message in (
        (b"+egde(1,2)", "<stdin>:3:2: error: there is no relation 'egde'; did you mean 'edge'?"),
        (b"+edge(1)", "<stdin>:3:8: error: 'edge' has 2 columns, not 1"),
        (b"+edge(1,\"a\")", "<stdin>:3:9: error: column 2 (y): a text is not a number"),
        (b"+edge(1,99999999999999999999)", "<stdin>:3:9: error: column 2 (y): 99999999999999999999 does not fit"),
        (b"+edge(1,\xff)", "<stdin>:3:9: error: byte 0xff is not UTF-8"),
        (b"hello", "<stdin>:3:1: error: a line is +fact(…)"),
        (b'{"insert": {"edge": [1, 2, 3]}}', "<stdin>:3:21: error: 'edge' has 2 columns, not 3"),
    ):
        result = d.run("follow", "closure.dl", stdin=b"commit\n+edge(1,2)\n" + line + b"\ncommit\n")
        result.expect(1, out="# version 2\n", err=None)
        assert result.err.startswith(message) and result.err.count("\n") == 1, (line, result.err)


def a_bad_line_is_skipped(d):
    with_closure(d)
    d.run("follow", "--on-error=skip", "closure.dl", stdin=b"+edge(1,2)\n+egde(1,2)\n+edge(2,3\ncommit\n").expect(
        out="# version 2\n+path(1,2)\n",
        err="<stdin>:2:2: error: there is no relation 'egde'; did you mean 'edge'?\n"
            "<stdin>:3:10: error: expected ')' behind the last value, and the line ends here\n")


def columns_count_characters(d):
    d.write("a.dl", ".decl s(a: symbol, b: symbol)\n.output s\n")
    d.run("follow", "a.dl", stdin='+s("grün", x)\n'.encode()).expect_line(1, "<stdin>:1:12: error: column 2 (b)")


def errors_in_data_stop_nothing(d):
    d.write("a.dl", SHARES)
    result = d.run("follow", "a.dl", stdin=b"""+share(1, 4)
+share(2, 0)
commit
? entail.errors(r, p, m)
+share(3, 5)
commit
-share(2, 0)
""").expect(out=None, err=None)
    lines = result.out.splitlines()
    assert lines[:2] == ["# version 2", "+part(1,25)"], result.out
    assert lines[2].startswith('entail.errors("part","a.dl:3:'), result.out
    assert lines[3:] == ["# version 3", "+part(3,20)", "# version 4"], result.out
    errors = result.err.splitlines()
    assert len(errors) == 2, result.err
    assert errors[0].startswith("entail.errors: part a.dl:3:") and "division by zero" in errors[0]
    assert errors[1] == errors[0].replace("entail.errors: ", "entail.errors: withdrawn: "), result.err


def a_transaction_over_its_memory_is_aborted(d):
    with_closure(d)
    big = b"".join(b"+edge(%d,%d)\n" % (i, i + 1) for i in range(3000))
    head = b"+edge(1,2)\ncommit\n"
    result = d.run("follow", "--memory=16M", "closure.dl", stdin=head + big + b"commit\n")
    result.expect(3, out="# version 2\n+path(1,2)\n", err=None)
    assert "transaction aborted: " in result.err and result.err.startswith("entail: line "), result.err
    result = d.run("follow", "--memory=16M", "--on-error=skip", "closure.dl",
                   stdin=head + big + b"commit\n+edge(2,3)\n? path(x,y)\ncommit\n")
    result.expect(0, out="# version 2\n+path(1,2)\npath(1,2)\npath(1,3)\npath(2,3)\n"
                         "# version 3\n+path(1,3)\n+path(2,3)\n", err=None)
    assert result.err.count("\n") == 1 and "memory" in result.err, result.err


def two_rows_under_one_key(d):
    with_orders(d)
    line = b'{"insert": {"Order": [{"id": 1, "customer": 5}, {"id": 1, "customer": 6}]}}\n'
    d.run("follow", "orders.dl", stdin=line).expect_line(
        1, "<stdin>:1:49: error: 'Order' is given a second row under the key of this one")
    d.run("follow", "--on-error=skip", "orders.dl", stdin=b"+Order{id: 3, customer: 1}\n" + line).expect(
        out='# version 2\n+Order(3,1,"NEW",null)\n+open(3,1)\n', err=None)


def usage(d):
    with_closure(d)
    hint = "Try 'entail --help'.\n"
    for arguments, message in (
        (["follow"], "entail follow needs the file of a program"),
        (["follow", "-"], "entail follow reads changes from standard input, so FILE cannot be -"),
        (["follow", "--format=csv", "closure.dl"], "--format is text or json, not 'csv'"),
        (["follow", "--on-error=go", "closure.dl"], "--on-error is stop or skip, not 'go'"),
        (["follow", "--clock=noon", "closure.dl"],
         "--clock takes a timestamp as in 2026-01-01T10:00:00Z, not 'noon'"),
        (["follow", "-D.", "closure.dl"], "entail follow has no option '-D.'"),
        (["run", "--echo", "closure.dl"], "entail run has no option '--echo'"),
        (["explain", "--format=dot", "closure.dl"], "-F and --format go with --stage=network"),
    ):
        d.run(*arguments).expect(2, err=f"entail: {message}\n{hint}")
    d.run("follow", "--clock=2026-01-01T10:00:00Z", "closure.dl", stdin=b"+edge(1,2)\n").expect(
        out="# version 2\n+path(1,2)\n")
    d.write("stdin.dl", ".decl a(x: number)\n.input a(IO=stdin)\n.output a\n")
    d.run("follow", "-F.", "stdin.dl").expect_line(1, "standard input carries the changes")


def a_program_with_mistakes(d):
    d.write("a.dl", ".decl a(x: number)\na(y) :- !a(y).\n")
    result = d.run("follow", "a.dl", stdin=b"+a(1)\n").expect(1, out="", err=None)
    assert "a.dl:2" in result.err, result.err


# --- as a process ------------------------------------------------------------------------------------

def follow(d, *arguments):
    return subprocess.Popen([cli_test.ENTAIL, "follow", *arguments], cwd=d.path, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answers_come_at_once(d):
    with_closure(d)
    process = follow(d, "closure.dl")
    process.stdin.write(b"+edge(1,2)\ncommit\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"# version 2\n"
    assert process.stdout.readline() == b"+path(1,2)\n"
    process.stdin.write(b"? path(1,x)\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"path(1,2)\n"
    process.stdin.close()
    assert process.stdout.read() == b"" and process.wait(timeout=20) == 0
    process.stdout.close()
    process.stderr.close()


def an_interrupt_aborts(d):
    with_closure(d)
    process = follow(d, "closure.dl")
    process.stdin.write(b"+edge(1,2)\n? path(1,x)\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"path(1,2)\n"
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=20)  # Before the input ends, which would commit.
    out, err = process.communicate()
    assert code == 130, (code, err)
    assert out == b"" and err == b"entail: interrupted; the open transaction is aborted\n", (out, err)


def a_closed_output_is_quiet(d):
    with_closure(d)
    process = follow(d, "closure.dl")
    process.stdout.close()
    process.stdin.write(b"+edge(1,2)\ncommit\n")
    process.stdin.close()
    assert process.wait(timeout=20) == 141, process.returncode
    assert process.stderr.read() == b""
    process.stderr.close()


def statistics_by_node(d):
    with_closure(d)
    result = d.run("follow", "--stats", "closure.dl", stdin=b"+edge(1,2)\n").expect(
        out="# version 2\n+path(1,2)\n", err=None)
    for part in ("node", "touched", "probed", "bytes", "relation edge", "(all)", "1 step"):
        assert part in result.err, result.err


def the_network_is_explained(d):
    with_closure(d)
    text = d.run("explain", "--stage=network", "-F.", "closure.dl").expect(out=None)
    assert "edge" in text.out and "path" in text.out, text.out
    dot = d.run("explain", "--stage=network", "--format=dot", "closure.dl").expect(out=None)
    assert dot.out.startswith("digraph"), dot.out


def the_example_of_the_readme(d):
    root = pathlib.Path(__file__).resolve().parents[2]
    text = (root / "README.md").read_text()
    begin, end = "<!-- follow: examples/access/access.dl -->\n```\n", "```\n<!-- end of follow: "
    command, *transcript = text.split(begin)[1].split(end)[0].splitlines(keepends=True)
    assert command == "$ entail follow --echo examples/access/access.dl\n", command
    typed = "".join(line[2:] for line in transcript if line.startswith("> "))
    d.run("follow", "--echo", str(root / "examples/access/access.dl"), stdin=typed.encode()).expect(
        out="".join(transcript))


def many_lines_are_read_fast(d):
    d.write("a.dl", ".decl edge(x: number, y: number)\n")
    lines = b"".join(b"+edge(%d,%d)\n" % (i, i * 7 % 1000) for i in range(100_000))
    start = time.monotonic()
    d.run("follow", "a.dl", stdin=lines).expect(out="# version 2\n")
    # Half a million lines a second on an idle machine; this finds what is slower by an order.
    assert time.monotonic() - start < 10


if __name__ == "__main__":
    sys.exit(cli_test.run_cases([case for case in cli_test.cases_of(sys.modules[__name__])
                                 if case is not follow]))
