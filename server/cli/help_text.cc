// server/cli/help_text.cc - the help pages; see options.h.

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "server/cli/options.h"

namespace entail::cli {
namespace {

constexpr std::string_view kVersionText = "entail 0.1.0\n";

constexpr std::string_view kProgramHelp =
    R"(entail - rules over facts: Datalog in Souffle's dialect, from scratch or kept exact

Usage: entail COMMAND [options] FILE
       entail COMMAND --data DIR [options]

Commands for programs:
  run       evaluate a program: read its facts, derive, write its outputs
  follow    keep a program's results exact while its facts change, line by line
  explain   show what a program becomes: tree, rules, plan, bytecode, network
  why       prove a fact: the rules and facts that it rests on
  why-not   show at which condition each rule fails to derive a fact
  lint      check a program without running it; errors and warnings

Commands for databases:
  serve     let PostgreSQL's clients work with a database, by SQL and rules
  sql       run SQL on a database without a server
  check     compute what is derived anew and compare
  replay    prove that the log leads to what is stored
  backup    copy a database

  entail COMMAND --help   the options of a command
  entail --help           this page
  entail --version        the version

Exit codes:
  0    all went well
  1    the program or the data is wrong, or a file could not be read or written
  2    the command line makes no sense
  3    a budget (--memory) is used up
  130  interrupted (Ctrl-C); nothing was written, an open transaction is aborted
  141  whoever read the output stopped reading
)";

constexpr std::string_view kSharedHelp =
    R"(  -I, --include-dir DIR    where included files are looked for, too; may be repeated
  -M, --define NAME=VALUE  as if the program began with #define NAME VALUE; may be repeated
      --number=32|64       the width of number, unsigned and float (default 64; Souffle's
                           usual build has 32)
      --program-limit SIZE refuse programs of more text (default 16M)
  -h, --help               this page
      --version            the version
)";

constexpr std::string_view kRunHelp =
    R"(entail run - evaluate a program: read its facts, derive, write its outputs

Usage: entail run [options] FILE        FILE may be - for standard input

  -F, --fact-dir DIR       where .input finds its files (default .)
  -D, --output-dir DIR     where .output puts its files (default .); the directory must exist.
                           -D- writes all outputs to standard output
  -j, --jobs N             threads (default 1); the result does not depend on it
      --memory SIZE        stop when the evaluation holds more, as in 200M (suffixes k, M, G;
                           default: no limit)
      --query QUESTION     answer one question instead of writing the outputs, and derive only
                           what it needs: --query 'path(99990, x)' prints the matching rows
      --format=table|csv|json
                           how rows appear on standard output: a table, RFC 4180 with a header,
                           or one JSON object a line (default: table for --query; Souffle's form
                           for outputs)
      --stats              time and rows by rule and stratum, bytes by relation; to standard error
{}
Files appear whole or not at all: when the evaluation fails, none is written, and nothing is
printed. Fact files may be packed with gzip.

Exit codes: 0 ok, 1 error in program or data, 2 usage, 3 budget used up, 130 interrupted,
141 output closed.

Examples:
  entail run -F facts -D out closure.dl
  entail run -D- closure.dl
  entail run --query 'path("a", x)' --format=json closure.dl
)";

constexpr std::string_view kFollowHelp =
    R"(entail follow - keep a program's results exact while its facts change

Usage: entail follow [options] FILE     changes on standard input, one a line:

  +edge(1, 2)              insert a fact; +Order{{id: 1, customer: 2}} names the columns
  -edge(1, 2)              delete a fact; -Order{{id: 1}} goes by the key
  commit                   make the changes since the last commit a version, and print what it
                           changed in the outputs: # version 3, -path(2,3), +path(1,2)
  abort                    take them back
  tick 2026-01-01T10:00:00Z            it is so late: clocks move, and what is due happens;
                           tick Login TIME moves one of them
  ? path(1, x)             print the rows as they are now
  // ...                   a comment
  {{"insert": {{"edge": [1, 2]}}}}      the same as JSON, with several rows a line: insert, delete,
                           update, tick, commit, abort, query

The end of the input commits. Errors in data stop nothing: they are printed to standard error and
can be asked: ? entail.errors(r, p, m).

  -F, --fact-dir DIR       read the files of .input from there, as version 1
      --snapshot           print version 1; otherwise the first version that is printed is 2
      --echo               print each line before what it does, behind "> "
      --on-error=stop|skip after a bad line, stop (default) or leave it out and go on
      --clock TIME         where the simulated clock stands, as in 2026-01-01T10:00:00Z; it is what
                           now() in actions says, and ticks move it on
      --memory SIZE        abort a transaction that needs more, as in 200M (suffixes k, M, G)
      --format=text|json   how versions and answers appear (default text)
      --stats              work and bytes by node, at the end; to standard error
{}
Exit codes: 0 ok, 1 error in program or data, 2 usage, 3 budget used up, 130 interrupted,
141 output closed.

Example:
  printf '+edge(1, 2)\n+edge(2, 3)\n' | entail follow closure.dl
)";

constexpr std::string_view kExplainHelp =
    R"(entail explain - show what a program becomes

Usage: entail explain [--stage=STAGE] [options] FILE

      --stage=tree         the syntax tree, as a program
      --stage=rules        the rule program: relations, rules, strata
      --stage=plan         the order in which each rule's literals run (default)
      --stage=bytecode     the instructions of the virtual machine
      --stage=network      what stands in entail follow: nodes, memories, activity
      --stage=opcodes      the manual page of the instructions; needs no FILE
      --format=text|dot    how the network appears (default text)
  -F, --fact-dir DIR       load the files of .input into the network first
      --query QUESTION     with the rules that answer this question, as run --query has them
{}
Exit codes: 0 ok, 1 error in the program, 2 usage.
)";

constexpr std::string_view kWhyHelp =
    R"(entail why - prove a fact: the rules and facts that it rests on

Usage: entail why FACT [options] FILE

  -F, --fact-dir DIR       where .input finds its files (default .)
      --limit N            cut the proof after so many lines (default 1000)
      --memory SIZE        stop when the evaluation holds more, as in 200M (suffixes k, M, G)
      --format=text|json   an indented tree, or one JSON object (default text)
{}
FACT has values only, as in 'path(1, 5)'. Each fact stands above what it rests on, once; no fact
rests on itself. Not explained, and marked so: rows of equivalence relations and bags in recursive
rules, and minima and maxima whose premises have been improved since.

Exit codes: 0 proved, 1 the fact does not hold, or error in program or data, 2 usage, 3 budget
used up, 130 interrupted, 141 output closed.

Example:
  entail why 'path(1, 5)' -F facts closure.dl
)";

constexpr std::string_view kWhyNotHelp =
    R"(entail why-not - show at which condition each rule fails to derive a fact

Usage: entail why-not FACT [options] FILE

  -F, --fact-dir DIR       where .input finds its files (default .)
      --memory SIZE        stop when the evaluation holds more, as in 200M (suffixes k, M, G)
      --format=text|json   how the answer appears (default text)
{}
For each rule of the relation: the first condition, in the order of the text, at which nothing is
left, with the values of one instance that came so far.

Exit codes: 0 answered, also when the fact holds; 1 error in program or data, 2 usage, 3 budget
used up, 130 interrupted, 141 output closed.

Example:
  entail why-not 'path(1, 9)' -F facts closure.dl
)";

constexpr std::string_view kLintHelp =
    R"(entail lint - check a program without running it

Usage: entail lint [options] FILE

Reports every error, and warns of what is probably a mistake: relations that nothing uses, variables
that occur once, rules that lead to no output.

{}
Exit codes: 0 no errors (there may be warnings), 1 errors, 2 usage.
)";

constexpr std::string_view kServeHelp =
    R"(entail serve - let PostgreSQL's clients work with a database, by SQL and rules

Usage: entail serve --data DIR [options]

      --data DIR           where the database is; made if it is not there
      --rules FILE         deploy the rules of FILE before anybody connects; may be repeated. The
                           deployment has the file's name; an unchanged file changes nothing
      --listen HOST:PORT   where to listen (default 127.0.0.1:5433); port 0: any that is free.
                           Beyond loopback only where there are users (CREATE USER)
      --http HOST:PORT     listen for HTTP there, too: push rows in, query, subscribe to changes,
                           metrics; http://HOST:PORT/ describes it. Beyond loopback only with
                           users and TLS
      --tls-cert FILE      offer TLS with this certificate (PEM) …
      --tls-key FILE       … and its key
      --durability=group|sync|async
                           what waits until a commit is on disk: its client (default), the engine,
                           or nobody
      --memory SIZE        refuse work that needs more, as in 2G (suffixes k, M, G)
  -I, --include-dir DIR    where included files are looked for, too; may be repeated
  -M, --define NAME=VALUE  as if each rule file began with #define NAME VALUE; may be repeated
      --program-limit SIZE refuse rule files of more text (default 16M)
  -h, --help               this page

When clients can connect, standard output says: entail: ready on 127.0.0.1:5433
and with --http: entail: http on 127.0.0.1:8080
SIGTERM and Ctrl-C stop it: running statements may finish for five seconds; a second one cancels
them. Without users everybody on this machine may connect under any name.

Exit codes: 0 stopped, 1 error in the database, the rules or the system, 2 usage.

Example:
  entail serve --data shop --rules prices.dl
  psql -h 127.0.0.1 -p 5433
)";

constexpr std::string_view kSqlHelp =
    R"(entail sql - run SQL on a database without a server

Usage: entail sql --data DIR [-c TEXT | -f FILE]...     or statements on standard input

      --data DIR           where the database is; made if it is not there
  -c, --command TEXT       run the statements of TEXT, as one transaction unless they say otherwise
  -f, --file FILE          run those of FILE, one after the other
      --format=table|csv|json
                           how rows appear: as psql shows them (default), RFC 4180 with a header,
                           or one JSON object a line
      --durability=group|sync|async
                           what waits until a commit is on disk
      --memory SIZE        refuse work that needs more, as in 2G (suffixes k, M, G)
  -h, --help               this page

At a terminal, statements are asked for, and errors end nothing; otherwise the first error ends it.
COPY ... FROM STDIN reads the lines behind its statement, to a line with \. alone; \q ends it.

Exit codes: 0 ok, 1 error in a statement or the database, 2 usage, 141 output closed.
)";

constexpr std::string_view kCheckHelp =
    R"(entail check - compute what is derived anew and compare

Usage: entail check --data DIR

Every view and every derived relation is computed from scratch and compared with what stands, every
row and index with its checksum. No server may run on the database.

Exit codes: 0 all is well, 1 something is not, and it is named, 2 usage.
)";

constexpr std::string_view kReplayHelp =
    R"(entail replay - prove that the log leads to what is stored

Usage: entail replay --data DIR --check

Another database, in memory, is given the cause of each record of the log, one after the other: what a
session changed, what was deployed. The record that it makes of it is compared with the stored one byte for
byte, and at the end its rows with those that are stored. No server may run on the database.

Exit codes: 0 all are equal, 1 a record or a row differs, and it is named, 2 usage.
)";

constexpr std::string_view kBackupHelp =
    R"(entail backup - copy a database

Usage: entail backup --data DIR --to DIR

The copy is a database of its own, of one version. Where a server runs on the database, it makes the
copy and goes on serving.

Exit codes: 0 copied, 1 error, 2 usage.
)";

}  // namespace

std::string help_text(std::optional<Command> topic) {
  if (!topic) return std::string(kProgramHelp);
  switch (*topic) {
    case Command::kRun:
      return fmt::format(kRunHelp, kSharedHelp);
    case Command::kFollow:
      return fmt::format(kFollowHelp, kSharedHelp);
    case Command::kExplain:
      return fmt::format(kExplainHelp, kSharedHelp);
    case Command::kWhy:
      return fmt::format(kWhyHelp, kSharedHelp);
    case Command::kWhyNot:
      return fmt::format(kWhyNotHelp, kSharedHelp);
    case Command::kLint:
      return fmt::format(kLintHelp, kSharedHelp);
    case Command::kServe:
      return std::string(kServeHelp);
    case Command::kSql:
      return std::string(kSqlHelp);
    case Command::kCheck:
      return std::string(kCheckHelp);
    case Command::kReplay:
      return std::string(kReplayHelp);
    case Command::kBackup:
      return std::string(kBackupHelp);
    default:
      return std::string(kProgramHelp);
  }
}

std::string version_text() { return std::string(kVersionText); }

}  // namespace entail::cli
