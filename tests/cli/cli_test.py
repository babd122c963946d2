"""What a person sees of the command line: output, messages, exit codes, files.

Each case runs `entail` in a directory of its own. Names of the directory are cut from what it
prints, so that expectations are plain text.

    cli_test.py ENTAIL [NAME…]      the cases whose function name contains one of the names
"""

import gzip
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ENTAIL = ""

CLOSURE = """.decl edge(x: number, y: number)
.input edge
.decl path(x: number, y: number)
.output path
path(x, y) :- edge(x, y).
path(x, z) :- path(x, y), edge(y, z).
"""

ENDLESS = """.decl n(x: number)
n(0).
n(x + 1) :- n(x).
.output n
"""


class Directory:
    """A working directory with files in it, and what entail does there."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def write(self, name, content):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self, name):
        return (self.path / name).read_bytes().decode()

    def names(self):
        return sorted(p.name for p in self.path.iterdir())

    def run(self, *arguments, stdin=b"", **more):
        done = subprocess.run([ENTAIL, *arguments], cwd=self.path, input=stdin, timeout=60,
                              capture_output=True, check=False, **more)
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"))


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def expect(self, code=0, out="", err=""):
        found = (self.code, self.out, self.err)
        wanted = (code, out, err)
        for name, is_value, should in zip(("exit code", "stdout", "stderr"), found, wanted):
            if should is not None and is_value != should:
                raise AssertionError(f"{name}:\n{is_value}\nexpected:\n{should}\nstderr: {self.err}")
        return self

    def expect_line(self, code, *parts):
        """One line on stderr that holds these parts, and nothing on stdout."""
        self.expect(code, out="", err=None)
        lines = self.err.splitlines()
        if len(lines) != 1 or any(part not in lines[0] for part in parts):
            raise AssertionError(f"stderr:\n{self.err}\nexpected one line with: {parts}")
        return self


def with_closure(d):
    d.write("closure.dl", CLOSURE)
    d.write("edge.facts", "1\t2\n2\t3\n")


# --- options -----------------------------------------------------------------------------------------

def help_pages(d):
    for arguments in (["--help"], ["run", "--help"], ["follow", "--help"], ["explain", "-h"],
                      ["why", "--help"], ["why-not", "--help"], ["lint", "--help"], ["help"],
                      ["help", "run"]):
        result = d.run(*arguments)
        result.expect(0, out=None)
        assert result.out.startswith("entail"), arguments
        assert "xit codes" in result.out, arguments
        assert all(len(line) <= 100 for line in result.out.splitlines()), arguments
    for arguments in (["--version"], ["run", "--version"]):
        result = d.run(*arguments).expect(0, out=None)
        assert result.out.startswith("entail 0."), result.out


def usage_mistakes(d):
    d.write("a.dl", "")
    hint = "Try 'entail --help'.\n"
    for arguments, message in (
        ([], "a command is missing: run, follow, explain, why, why-not, lint, serve, sql, check, replay or backup"),
        (["rum", "a.dl"], "there is no command 'rum'; did you mean run?"),
        (["run"], "entail run needs the file of a program"),
        (["run", "a.dl", "b.dl"], "one program at a time: 'a.dl' and 'b.dl'"),
        (["run", "--memroy=1", "a.dl"], "entail run has no option '--memroy'; did you mean --memory?"),
        (["lint", "-j2", "a.dl"], "entail lint has no option '-j2'"),
        (["run", "a.dl", "-j", "0"], "-j takes a number of threads from 1 to 256, not '0'"),
        (["run", "a.dl", "--number=16"], "--number is 32 or 64, not '16'"),
        (["run", "a.dl", "--memory", "much"], "--memory takes a size as in 200M, not 'much'"),
        (["run", "a.dl", "--format=xml"], "--format is table, csv or json, not 'xml'"),
        (["run", "a.dl", "-F"], "-F needs a value"),
        (["run", "a.dl", "--stats=yes"], "--stats takes no value"),
    ):
        d.run(*arguments).expect(2, err=f"entail: {message}\n{hint}")


def options_before_and_behind_the_file(d):
    with_closure(d)
    d.write("in/edge.facts", "5\t6\n")
    d.write("out/keep", "")
    rows = "---------------\npath\nx\ty\n===============\n5\t6\n===============\n"
    d.run("run", "-Fin", "-D-", "closure.dl").expect(out=rows)
    d.run("run", "closure.dl", "-F", "in", "-D", "-").expect(out=rows)
    d.run("run", "--fact-dir=in", "closure.dl", "--output-dir", "out", "--jobs=2").expect()
    assert d.read("out/path.csv") == "5\t6\n"


# --- files -------------------------------------------------------------------------------------------

def outputs_are_files(d):
    with_closure(d)
    d.run("run", "closure.dl").expect()
    assert d.read("path.csv") == "1\t2\n1\t3\n2\t3\n"
    assert d.names() == ["closure.dl", "edge.facts", "path.csv"]


def a_missing_output_directory_is_not_made(d):
    with_closure(d)
    d.run("run", "closure.dl", "-Dnone").expect_line(1, "the output directory none does not exist")
    assert "none" not in d.names()


def an_output_that_cannot_be_written(d):
    with_closure(d)
    d.write("closure.dl", CLOSURE.replace(".output path", '.output path(filename="no/path.csv")'))
    d.run("run", "closure.dl").expect_line(1, "cannot write", "no/path.csv: No such file")
    d.write("closure.dl", CLOSURE.replace(".output path", '.output path(filename="/dev/full")'))
    d.run("run", "closure.dl").expect_line(1, "cannot write /dev/full: No space left on device")


def outputs_to_devices_and_links(d):
    with_closure(d)
    d.write("closure.dl", CLOSURE.replace(".output path", '.output path(filename="/dev/null")'))
    d.run("run", "closure.dl").expect()
    d.write("real.csv", "old")
    os.symlink("real.csv", d.path / "path.csv")
    d.write("closure.dl", CLOSURE)
    d.run("run", "closure.dl").expect()
    assert (d.path / "path.csv").is_symlink()
    assert d.read("real.csv") == "1\t2\n1\t3\n2\t3\n"


def packed_outputs(d):
    with_closure(d)
    d.write("closure.dl", CLOSURE.replace(".output path", ".output path(compress=true)"))
    d.run("run", "closure.dl").expect()
    assert gzip.decompress((d.path / "path.csv.gz").read_bytes()) == b"1\t2\n1\t3\n2\t3\n"
    d.write("edge.facts", gzip.compress(b"7\t8\n"))
    d.run("run", "closure.dl", "--query", "path(_, _)", "--format=csv").expect(out="x,y\n7,8\n")


def every_form_of_output(d):
    d.write("a.dl", """.type Pair = [a: number, b: symbol]
.decl r(x: number, s: symbol, f: float)
r(1, "a,b", 0.5).
r(2, "say \\"no\\"", -2.0).
.decl p(x: Pair)
p([1, "z"]).
p(nil).
.decl yes()
yes().
.decl no()
.output r(IO=stdout)
.output r(IO=stdout, headers=true, delimiter=";")
.output r(rfc4180=true, headers=true)
.output r(IO=jsonfile, filename="r.json")
.output r(IO=json, format=object)
.output p(IO=stdout)
.output yes, no(IO=stdout)
.output yes, no
.printsize r, yes, no
""")
    d.run("run", "a.dl").expect(out="""---------------
r
===============
1\ta,b\t0.5
2\tsay "no"\t-2
===============
---------------
r
x;s;f
===============
1;a,b;0.5
2;say "no";-2
===============
[{"x": 1, "s": "a,b", "f": 0.5},
{"x": 2, "s": "say \\"no\\"", "f": -2}]
---------------
p
===============
nil
[1, z]
===============
---------------
yes
===============
()
===============
---------------
no
===============
===============
r\t2
yes\t1
no\t0
""")
    assert d.read("r.csv") == 'x\ts\tf\n1,"a,b",0.5\n2,"say ""no""",-2\n'
    assert d.read("r.json") == '[[1, "a,b", 0.5],\n[2, "say \\"no\\"", -2]]\n'
    assert d.read("yes.csv") == "()\n"
    assert d.read("no.csv") == ""


def standard_input(d):
    d.write("a.dl", ".decl e(x: number)\n.input e(IO=stdin)\n.output e(IO=stdout)\n")
    d.run("run", "a.dl", "--format=csv", stdin=b"3\n1\n").expect(out="x\n1\n3\n")
    d.run("run", "-", "--query=e(_)", "--format=json", stdin=b".decl e(x: number)\ne(4).").expect(
        out='{"x": 4}\n')


def facts_that_are_wrong(d):
    d.write("closure.dl", CLOSURE)
    for content, message in (
        ("1\t2\n1\tabc\n", "in/edge.facts:2: column 2 (y): 'abc' is not a number"),
        ("1\n", "in/edge.facts:1: column 2 (y) is missing: the line has 1 field"),
        ("1\t2\t3\n", "in/edge.facts:1: 3 fields where edge has 2 columns"),
        (gzip.compress(b"1\t2\n" * 9999)[:50], "in/edge.facts: the gzip data ends too early"),
    ):
        d.write("in/edge.facts", content)
        d.run("run", "closure.dl", "-Fin", "-D-").expect(1, err=message + "\n")
    d.write("in/edge.facts", "99999999999999999999\t1\n")
    d.run("run", "closure.dl", "-Fin").expect_line(1, "in/edge.facts:1: column 1 (x): ",
                                                   "99999999999999999999 does not fit")
    d.run("run", "closure.dl", "-Fnone").expect_line(
        1, "entail: Cannot open fact file none/edge.facts: No such file or directory")
    d.write("dir/edge.facts/x", "")
    d.run("run", "closure.dl", "-Fdir").expect_line(1, "Cannot open fact file dir/edge.facts")
    d.write("closure.dl", CLOSURE.replace(".input edge", '.input edge(IO=sqlite, dbname="x")'))
    d.run("run", "closure.dl").expect_line(1, "edge: IO=sqlite is not built in")
    assert "path.csv" not in d.names()


# --- programs that are wrong -------------------------------------------------------------------------

def a_program_with_mistakes(d):
    d.write("a.dl", ".decl a(x: number)\na(x) :- b(x).\na(y) :- a(1).\n")
    result = d.run("run", "a.dl").expect(1, err=None)
    assert "a.dl:2:9: error: " in result.err, result.err
    assert "a.dl:3:" in result.err, result.err
    assert "  a(x) :- b(x).\n" in result.err, result.err
    d.run("run", "none.dl").expect(1, err=None)
    d.run("run", ".").expect(1, err=None)


def a_program_over_the_limit(d):
    d.write("a.dl", ".decl a(x: number)\n" + "a(1).\n" * 1000)
    result = d.run("run", "a.dl", "--program-limit=1k").expect(1, err=None)
    assert "error: " in result.err and result.err.count("\n") <= 4, result.err


def a_failing_expression_writes_nothing(d):
    d.write("a.dl", """.decl a(x: number)
a(0).
.decl before(x: number)
before(1).
.output before
.output before(IO=stdout)
.decl q(x: number)
q(1 / x) :- a(x).
.output q
""")
    d.run("run", "a.dl").expect_line(1, "a.dl:8:", "division by zero")
    assert d.names() == ["a.dl"]
    d.write("b.dl", '.decl s(x: symbol)\ns("a").\n.decl n(x: number)\nn(to_number(x)) :- s(x).\n.output n(IO=stdout)\n')
    d.run("run", "b.dl").expect_line(1, "b.dl:4:", "not a number")


# --- budgets and signals -----------------------------------------------------------------------------

def a_rule_that_never_ends(d):
    d.write("a.dl", ENDLESS)
    d.write("b.dl", """.decl s(x: symbol)
s("a").
s(cat(x, "abcdefghijklmnop")) :- s(x).
.output s
""")
    for jobs in ("-j1", "-j2"):
        for program in ("a.dl", "b.dl"):
            d.run("run", program, "--memory", "50M", jobs).expect_line(3, "memory")
    assert d.names() == ["a.dl", "b.dl"]


def facts_that_outgrow_the_memory(d):
    d.write("closure.dl", CLOSURE)
    d.write("edge.facts", "".join(f"{i}\t{i * 7}\n" for i in range(300_000)))
    d.run("run", "closure.dl", "--memory=1M").expect_line(3, "memory")


def an_interrupt_ends_quietly(d):
    d.write("a.dl", ENDLESS)
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen([ENTAIL, "run", "a.dl", "-j2", "--memory=8G"], cwd=d.path,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code, (process.returncode, err)
        assert out == b"" and err == b"entail: interrupted; nothing was written\n", err
    assert d.names() == ["a.dl"]


def a_closed_pipe_is_no_error(d):
    d.write("a.dl", ".decl n(x: number)\nn(x) :- x = range(0, 300000).\n.output n(IO=stdout)\n")
    process = subprocess.Popen([ENTAIL, "run", "a.dl"], cwd=d.path, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=20) == 141, process.returncode
    assert err == b"", err


def progress_shows_on_a_terminal_only(d):
    d.write("a.dl", ENDLESS)
    master, terminal = pty.openpty()
    process = subprocess.Popen([ENTAIL, "run", "a.dl", "--memory=8G"], cwd=d.path,
                               stdout=subprocess.PIPE, stderr=terminal)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    text = shown.decode(errors="replace")
    assert "stratum 1 of 1 (n), round " in text and " rows, " in text and " s" in text, text
    assert "\r\x1b[K" in text, text


# --- questions and formats ---------------------------------------------------------------------------

def questions(d):
    with_closure(d)
    d.run("run", "closure.dl", "--query", "path(1, y)").expect(
        out=" x | y\n---+---\n 1 | 2\n 1 | 3\n(2 rows)\n")
    d.run("run", "closure.dl", "--query", "path(1, 3)").expect(
        out=" x | y\n---+---\n 1 | 3\n(1 row)\n")
    d.run("run", "closure.dl", "--query", "path(x, x)").expect(
        out=" x | y\n---+---\n(0 rows)\n")
    d.run("run", "closure.dl", "--query", "edge(2, _).", "--format=json").expect(
        out='{"x": 2, "y": 3}\n')
    d.run("run", "closure.dl", "--query", "path(1, x), !edge(1, x), edge(y, x)", "--format=csv").expect(
        out="x,y\n3,2\n")
    assert d.names() == ["closure.dl", "edge.facts"]
    for query, message in (("paht(1, y)", "paht"), ("path(1)", "path"), ("path(1, ", "--query:1:"),
                           ("path(1, x) ; edge(1, x)", "without alternatives")):
        result = d.run("run", "closure.dl", "--query", query).expect(1, err=None)
        assert message in result.err and "--query:1:" in result.err, result.err


def formats_of_outputs(d):
    d.write("a.dl", '.decl r(n: number, s: symbol)\nr(1, "a,b").\nr(-20, "grün").\nr(3, "line\\nend").\n.output r(IO=stdout)\n')
    d.run("run", "a.dl", "--format=table").expect(
        out="r\n   n | s\n-----+-----------\n -20 | grün\n   1 | a,b\n   3 | line\\nend\n(3 rows)\n")
    d.run("run", "a.dl", "--format=csv").expect(out='n,s\n-20,grün\n1,"a,b"\n3,"line\nend"\n')
    d.run("run", "a.dl", "--format=json").expect(
        out='{"n": -20, "s": "grün"}\n{"n": 1, "s": "a,b"}\n{"n": 3, "s": "line\\nend"}\n')


def statistics_go_to_standard_error(d):
    with_closure(d)
    result = d.run("run", "closure.dl", "--stats", "-D-").expect(out=None, err=None)
    for part in ("phase", "seconds", "stratum", "recursive", "path(x, z) :- path(x, y), edge(y, z).",
                 "relation", "bytes"):
        assert part in result.err, result.err
    assert "phase" not in result.out


def threads_do_not_change_the_output(d):
    d.write("closure.dl", CLOSURE)
    d.write("edge.facts", "".join(f"{i % 97}\t{i * 31 % 101}\n" for i in range(300)))
    one = d.run("run", "closure.dl", "-D-", "-j1").expect(out=None)
    two = d.run("run", "closure.dl", "-D-", "-j2").expect(out=None)
    assert one.out == two.out and one.out.count("\n") > 1000


# --- explain and lint --------------------------------------------------------------------------------

def explain_shows_each_stage(d):
    with_closure(d)
    for stage, part in (("tree", "path(x, z) :-"), ("rules", "recursive"), ("plan", "delta 1"),
                        ("bytecode", "ScanOpen")):
        result = d.run("explain", f"--stage={stage}", "closure.dl").expect(out=None)
        assert part in result.out, (stage, result.out)
    result = d.run("explain", "--stage=opcodes").expect(out=None)
    assert "ScanOpen" in result.out
    result = d.run("explain", "--stage=rules", "--query=path(1, x)", "closure.dl").expect(out=None)
    assert "demand" in result.out, result.out


def lint_reports(d):
    with_closure(d)
    d.run("lint", "closure.dl").expect()
    d.write("a.dl", ".decl a(x: number)\n.decl b(x: number)\na(x) :- b(x), b(y).\n.output a\n")
    result = d.run("lint", "a.dl").expect(0, out=None)
    assert "a.dl:3:17: warning: the variable 'y' occurs only once" in result.out, result.out
    assert "'b' is always empty" in result.out, result.out
    d.write("b.dl", "a(1).\n")
    d.run("lint", "b.dl").expect(1, out=None)


def includes_and_macros(d):
    d.write("lib/base.dl", ".decl a(x: number)\na(SIZE).\n")
    d.write("main.dl", '#include "base.dl"\n.output a(IO=stdout)\n')
    d.run("run", "-Ilib", "-MSIZE=7", "main.dl", "--format=csv").expect(out="x\n7\n")


def a_small_program_starts_at_once(d):
    with_closure(d)
    d.run("run", "closure.dl")
    times = []
    for _ in range(9):
        start = time.monotonic()
        d.run("run", "closure.dl").expect()
        times.append(time.monotonic() - start)
    # Sanitizers and busy machines are slower by far; this finds what is slower by an order.
    assert min(times) < 0.5, times


def cases_of(module):
    """The functions of a test file that are cases: those it defines, but for helpers."""
    return [value for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
            and not isinstance(value, type) and not name.startswith("with_")
            and name not in ("main", "cases_of", "run_cases")]


def run_cases(cases):
    global ENTAIL
    ENTAIL = os.path.abspath(sys.argv[1])
    chosen = sys.argv[2:]
    failed = 0
    for case in cases:
        if chosen and not any(name in case.__name__ for name in chosen):
            continue
        with tempfile.TemporaryDirectory() as path:
            try:
                case(Directory(path))
            except Exception:  # Each case is reported; the others still run.
                failed += 1
                print(f"--- {case.__name__.replace('_', ' ')}")
                traceback.print_exc(limit=2, file=sys.stdout)
    print("all cases passed" if failed == 0 else f"{failed} of {len(cases)} cases failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_cases(cases_of(sys.modules[__name__])))
