"""What a person sees of `entail why` and `entail why-not`.

Each case runs `entail` in a directory of its own, as in cli_test.py.

    why_test.py ENTAIL [NAME…]      the cases whose function name contains one of the names
"""

import json
import pathlib
import shlex
import sys

import cli_test
from cli_test import CLOSURE

SHOP = """.decl sale(item: symbol, price: number)
sale("pen", 2). sale("ink", 7). sale("cup", 4). sale("bag", 9). sale("mat", 1). sale("jar", 3).
.decl banned(item: symbol, why: symbol)
banned("ink", "leaks").
.decl offer(item: symbol, half: number)
offer(i, p / 2) :- sale(i, p), !banned(i, _), p > 2.
.decl total(n: number)
total(n) :- n = sum p : { sale(_, p) }.
.decl fair(item: symbol)
fair(i) :- offer(i, h), total(n), h < n.
.output fair
"""


def with_cycle(d):
    d.write("closure.dl", CLOSURE)
    d.write("edge.facts", "1\t2\n2\t3\n3\t1\n3\t5\n")


def with_shop(d):
    d.write("shop.dl", SHOP)


# --- why ---------------------------------------------------------------------------------------------

def a_proof_stands_on_facts(d):
    with_cycle(d)
    d.run("why", "path(1, 5)", "closure.dl").expect(out="""path(1, 5)   rule at closure.dl:6   rank 3
  path(1, 3)   rule at closure.dl:6   rank 2
    path(1, 2)   rule at closure.dl:5   rank 1
      edge(1, 2)   stated
    edge(2, 3)   stated
  edge(3, 5)   stated
""")


def with_premises(node, seen, above=()):
    """Goes through a proof: no fact rests on itself, ranks fall, "above" has been seen before."""
    if "fact" not in node:
        return
    fact = node["fact"]
    assert fact not in above, fact
    if node["by"] == "above":
        assert fact in seen, fact
    seen.add(fact)
    for premise in node.get("premises", []):
        assert premise.get("rank", 0) < node["rank"], node
        with_premises(premise, seen, (*above, fact))


def proofs_in_a_cycle_are_acyclic(d):
    d.write("both.dl", """.decl edge(x: number, y: number)
.input edge
.decl path(x: number, y: number)
.output path
path(x, y) :- edge(x, y).
path(x, z) :- path(x, y), path(y, z).
path(y, x) :- path(x, y).
""")
    edges = [(i, (i * 7 + 3) % 10) for i in range(10)] + [(i, (i + 1) % 10) for i in range(10)]
    d.write("edge.facts", "".join("%d\t%d\n" % edge for edge in edges))
    for y in range(10):
        result = d.run("why", "--format=json", "path(4, %d)" % y, "both.dl").expect(out=None)
        proof = json.loads(result.out)
        assert proof["row"] == [4, y], proof
        with_premises(proof, set())


def stated_facts_say_where(d):
    with_shop(d)
    d.run("why", 'sale("pen", 2).', "shop.dl").expect(
        out='sale("pen", 2)   stated at shop.dl:2\n')
    d.write("mixed.dl", ".decl p(x: number)\n.input p\np(1).\np(x + 1) :- p(x), x < 9.\n.output p\n")
    d.write("p.facts", "4\n")
    d.run("why", "p(4)", "mixed.dl").expect(out="p(4)   stated\n")
    d.run("why", "p(1)", "mixed.dl").expect(out="p(1)   stated at mixed.dl:3\n")
    d.run("why", "p(5)", "mixed.dl").expect(out="""p(5)   rule at mixed.dl:4   rank 2
  p(4)   stated
  4 < 9   holds
  5 = 4 + 1   holds
""")


def negations_filters_and_aggregates_have_lines(d):
    with_shop(d)
    d.run("why", 'fair("cup")', "shop.dl").expect(out="""fair("cup")   rule at shop.dl:10
  offer("cup", 2)   rule at shop.dl:6
    sale("cup", 4)   stated at shop.dl:2
    not { banned("cup", _) }   no such row
    4 > 2   holds
    2 = 4 / 2   holds
  total(26)   rule at shop.dl:8
    26 = sum(p) : { sale(_, p) }   over 6 rows
      sale("mat", 1)   stated at shop.dl:2
      sale("pen", 2)   stated at shop.dl:2
      sale("jar", 3)   stated at shop.dl:2
      sale("cup", 4)   stated at shop.dl:2
      sale("ink", 7)   stated at shop.dl:2
      … and 1 row more
  2 < 26   holds
""")


def groups_show_through_what_the_compiler_made(d):
    d.write("g.dl", """.decl e(x: symbol, c: number)
e("a", 4). e("a", 1). e("c", 2).
.decl big(x: symbol)
big(x) :- e(x, _), group { e(k, c) } by k => { s: sum(c) }, k = x, s > 2.
.output big
""")
    result = d.run("why", 'big("a")', "g.dl").expect(out=None)
    assert "over 2 rows" in result.out and "5 > 2   holds" in result.out, result.out
    assert "group" not in result.out, result.out


def a_minimum_shows_the_way_that_gave_it(d):
    d.write("dist.dl", """.decl edge(x: number, y: number, c: number)
edge(1, 2, 4). edge(1, 3, 1). edge(3, 2, 2).
.decl dist(y: number, d: number)
dist(1, min(0)).
dist(y, min(d + c)) :- dist(x, d), edge(x, y, c).
.output dist
""")
    result = d.run("why", "dist(2, 3)", "dist.dl").expect(out=None)
    assert "dist(3, 1)   rule at dist.dl:5" in result.out, result.out
    assert "edge(3, 2, 2)   stated" in result.out, result.out
    d.run("why", "dist(2, 4)", "dist.dl").expect(
        1, err="entail: dist(2, 4) does not hold; entail why-not shows what is missing\n")


def an_equivalence_shows_its_path(d):
    d.write("eq.dl", """.decl same(x: number, y: number) eqrel
same(1, 2). same(3, 2).
.decl next(x: number, y: number)
next(3, 4).
same(x, y) :- next(x, y).
.output same
""")
    d.run("why", "same(4, 1)", "eq.dl").expect(out="""same(4, 1)   equivalence, closed over
  same(3, 4)   rule at eq.dl:5
    next(3, 4)   stated at eq.dl:4
  same(3, 2)   stated at eq.dl:2
  same(1, 2)   stated at eq.dl:2
""")


def what_carries_no_ranks_is_not_explained(d):
    d.write("eq.dl", """.decl same(x: number, y: number) eqrel
.decl next(x: number, y: number)
next(3, 4).
same(x, y) :- next(x, y).
same(x, y) :- same(x, z), next(z, y).
.output same
""")
    d.run("why", "same(3, 4)", "eq.dl").expect(
        out="same(3, 4)   not explained: pairs of a recursive equivalence relation carry no ranks\n")


def json_is_a_tree(d):
    with_shop(d)
    proof = json.loads(d.run("why", "--format=json", 'offer("cup", 2)', "shop.dl").expect(out=None).out)
    assert proof == {
        "fact": 'offer("cup", 2)', "relation": "offer", "row": ["cup", 2], "by": "rule",
        "place": "shop.dl:6", "premises": [
            {"fact": 'sale("cup", 4)', "relation": "sale", "row": ["cup", 4], "by": "stated",
             "place": "shop.dl:2"},
            {"condition": 'not { banned("cup", _) }', "note": "no such row"},
            {"condition": "4 > 2", "note": "holds"},
            {"condition": "2 = 4 / 2", "note": "holds"}]}, proof


def long_proofs_are_cut(d):
    with_cycle(d)
    d.run("why", "--limit=2", "path(1, 5)", "closure.dl").expect(
        out="path(1, 5)   rule at closure.dl:6   rank 3\n  path(1, 3)   rule at closure.dl:6   rank 2\n"
            "… cut after 2 lines; --limit N shows more\n")
    d.write("edge.facts", "".join("%d\t%d\n" % (i, i + 1) for i in range(3000)))
    d.write("far.dl", CLOSURE.replace("path(x, y) :- edge(x, y)", "path(0, y) :- edge(0, y)"))
    result = d.run("why", "path(0, 3000)", "far.dl").expect(out=None)
    assert len(result.out.splitlines()) == 1001, len(result.out.splitlines())
    result = d.run("why", "--limit=100000", "path(0, 3000)", "far.dl").expect(out=None)
    assert len(result.out.splitlines()) == 6000, len(result.out.splitlines())


# --- why-not -----------------------------------------------------------------------------------------

def the_first_condition_that_fails_is_named(d):
    with_cycle(d)
    d.write("edge.facts", "1\t2\n2\t3\n")
    d.run("why-not", "path(2, 9)", "closure.dl").expect(out="""path(2, 9) does not hold
  rule at closure.dl:5: edge(2, 9) fails: no such row
    edge(x, y) with x = 2, y = 9
  rule at closure.dl:6: edge(3, 9) fails: no such row
    edge(y, z) with x = 2, z = 9, y = 3
""")


def filters_negations_and_heads_fail_with_values(d):
    with_shop(d)
    d.run("why-not", 'offer("mat", 0)', "shop.dl").expect(out="""offer("mat", 0) does not hold
  rule at shop.dl:6: 1 > 2 fails: it is not true
    p > 2 with i = "mat", p = 1
""")
    d.run("why-not", 'offer("ink", 3)', "shop.dl").expect(out="""offer("ink", 3) does not hold
  rule at shop.dl:6: not { banned("ink", _) } fails: there is such a row
    not { banned(i, _) } with i = "ink", p = 7
""")
    d.run("why-not", 'offer("cup", 3)', "shop.dl").expect(out="""offer("cup", 3) does not hold
  rule at shop.dl:6: 3 = 4 / 2 fails: the head has another value
    p / 2 with i = "cup", p = 4
""")
    d.run("why-not", "total(25)", "shop.dl").expect(out="""total(25) does not hold
  rule at shop.dl:8: 25 = sum(p) : { sale(_, p) } fails: it has another result or none
    n = sum(p) : { sale(_, p) } with n = 25
""")
    d.run("why-not", 'sale("hat", 1)', "shop.dl").expect(
        out='sale("hat", 1) does not hold\n  it is not stated, and no rule derives its relation\n')


def a_head_may_not_fit(d):
    d.write("h.dl", ".decl n(x: number)\nn(1).\n.decl p(x: number, y: number)\n"
                    "p(x, x) :- n(x).\np(x, 3) :- n(x).\n.output p\n")
    d.run("why-not", "p(1, 2)", "h.dl").expect(out="""p(1, 2) does not hold
  rule at h.dl:4: its head p(x, x) cannot be p(1, 2)
  rule at h.dl:5: its head p(x, 3) cannot be p(1, 2)
""")


def what_holds_and_what_does_not_say_so(d):
    with_cycle(d)
    d.run("why-not", "path(1, 5)", "closure.dl").expect(
        out="path(1, 5) holds; entail why shows a proof\n")
    d.run("why", "path(1, 9)", "closure.dl").expect(
        1, err="entail: path(1, 9) does not hold; entail why-not shows what is missing\n")
    answer = json.loads(d.run("why-not", "--format=json", "path(1, 9)", "closure.dl").expect(out=None).out)
    assert answer["holds"] is False and len(answer["rules"]) == 2, answer
    assert answer["rules"][0] == {"place": "closure.dl:5", "fails": "edge(1, 9)",
                                  "literal": "edge(x, y)", "reason": "no such row",
                                  "bindings": {"x": "1", "y": "9"}}, answer


# --- questions ---------------------------------------------------------------------------------------

def questions_are_one_fact(d):
    with_cycle(d)
    for question, message in (
            ("pth(1, 5)", "column 1: there is no relation 'pth'; did you mean 'path'?"),
            ("path(1)", "column 7: 'path' has 2 columns, not 1"),
            ('path(1, "a")', "column 9: column 2 (y): a text is not a number"),
            ("path(1, x)", "column 'y' of 'path' needs a value: the question is one fact, without "
                           "variables and _"),
            ("path(_, 1)", "column 'x' of 'path' needs a value")):
        for command in ("why", "why-not"):
            result = d.run(command, question, "closure.dl")
            result.expect(1, err=None)
            assert message in result.err, result.err
    d.run("why", "path(1, 5)").expect(
        2, err="entail: entail why needs a fact and the file of a program, as in entail why "
               "'path(1, 5)' closure.dl\nTry 'entail --help'.\n")
    d.run("why", "--limit=0", "path(1, 5)", "closure.dl").expect(
        2, err="entail: --limit takes a number of lines, 1 or more, not '0'\nTry 'entail --help'.\n")


def facts_of_the_asked_relation_are_read(d):
    d.write("two.dl", ".decl a(x: number)\n.input a\n.decl b(x: number)\n.output b\nb(1).\n")
    d.write("a.facts", "4\n")
    d.run("why", "a(4)", "two.dl").expect(out="a(4)   stated\n")


def the_example_of_the_readme(d):
    root = pathlib.Path(__file__).resolve().parents[2]
    text = (root / "README.md").read_text()
    begin, end = "<!-- why: examples/access/access.dl -->\n```\n", "```\n<!-- end of why: "
    command, *proof = text.split(begin)[1].split(end)[0].splitlines(keepends=True)
    name, *arguments = shlex.split(command.removeprefix("$ "))
    assert name == "entail", command
    d.write("examples/access/access.dl", (root / "examples/access/access.dl").read_bytes())
    d.run(*arguments).expect(out="".join(proof))


if __name__ == "__main__":
    sys.exit(cli_test.run_cases(cli_test.cases_of(sys.modules[__name__])))
