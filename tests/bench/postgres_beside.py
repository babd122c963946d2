#!/usr/bin/env python3
"""How does `entail serve` compare with PostgreSQL 15 on the same statements, in the same run?

  select    pgbench -S -M prepared, 1 and 8 clients: transactions per CPU second of the server
  tpcb      pgbench's TPC-B, prepared, 1 and 8 clients: the same
  view      one row of a million updated by key; a count and sum by 1,000 groups kept by a row trigger
            (PostgreSQL) or a materialized view (Entail): what keeping it costs in CPU, and updates a second
  insert    durable inserts of one row, 16 clients, and RocksDB alone (store_bench durable)
  slow      the same where an fsync takes 2 ms longer (Entail only; needs cc): commits an fsync, and fsyncs that
            a lone commit waits for
  load      COPY of 1 M rows of 100 bytes into a table with an index, and RocksDB alone (store_bench bulk)
  scan      all rows of a table whose rows have ten versions, beside one version

Both servers are private, with fsync on, and reached over TCP on 127.0.0.1. Runs are interleaved; medians of
the rounds are printed. CPU is user and system time of all processes and threads of a server, from /proc.
Without PostgreSQL 15 (Debian: postgresql-15) its columns stay empty, and the output says so.

    tests/bench/postgres_beside.py --entail build/entail [--only select,tpcb] [--rounds 3] [--seconds 5]
"""

import argparse
import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[1]), [int(ticks) for ticks in fields[11:15]]


class Server:
    """What both servers have: an environment for clients, and CPU seconds so far."""

    name = ""
    pid = 0
    user = ""
    database = ""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()

    @property
    def environment(self):
        return {
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
            "PGOPTIONS": "",
        }

    def cpu_seconds(self):
        """Of the server with the children that it has reaped, and of its living children."""
        ticks = sum(stat_of(self.pid)[1])
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError):
                parent, of_child = stat_of(entry)
                if parent == self.pid:
                    ticks += of_child[0] + of_child[1]
        return ticks / TICKS

    def sql(self, text, capture=True):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            input=text,
            text=True,
            capture_output=capture,
            env=self.environment,
        )
        if done.returncode != 0:
            sys.exit(f"{self.name}: {done.stderr.strip()}")
        return done.stdout.strip()


class Postgres(Server):
    name = "PostgreSQL"
    user = "postgres"
    database = "postgres"
    programs = "/usr/lib/postgresql/15/bin"
    settings = """shared_buffers=2GB
work_mem=256MB
max_wal_size=16GB
checkpoint_timeout=30min
max_parallel_workers_per_gather=0
max_parallel_maintenance_workers=0
jit=off
fsync=on
synchronous_commit=on
"""

    @classmethod
    def is_there(cls):
        return os.path.exists(f"{cls.programs}/postgres")

    def as_user(self, *command):
        if os.geteuid() == 0:
            return ["runuser", "-u", "postgres", "--", *command]
        return list(command)

    def start(self):
        data = f"{self.folder}/postgres"
        os.makedirs(data, mode=0o700)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(data, owner.pw_uid, owner.pw_gid)
            os.chmod(self.folder, 0o755)
        run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        initdb = ["-D", data, "-E", "UTF8", "--locale=C", "-A", "trust", "-U", "postgres"]
        subprocess.run(self.as_user(f"{self.programs}/initdb", *initdb), **run)
        with open(f"{data}/postgresql.conf", "a", encoding="utf-8") as file:
            file.write(self.settings)
            file.write(f"port={self.port}\nlisten_addresses='127.0.0.1'\n")
            file.write(f"unix_socket_directories='{data}'\n")
        start = ["-D", data, "-l", f"{data}/log", "-w", "start"]
        subprocess.run(self.as_user(f"{self.programs}/pg_ctl", *start), **run)
        with open(f"{data}/postmaster.pid", encoding="ascii") as file:
            self.pid = int(file.readline())

    def stop(self):
        data = f"{self.folder}/postgres"
        stop = ["-D", data, "-m", "immediate", "stop"]
        subprocess.run(
            self.as_user(f"{self.programs}/pg_ctl", *stop), stdout=subprocess.DEVNULL, check=False
        )


class Entail(Server):
    name = "Entail"
    user = "entail"
    database = "entail"

    def __init__(self, folder, program, preload=None):
        super().__init__(folder)
        self.program = program
        self.preload = preload or {}
        self.process = None

    def start(self):
        command = [self.program, "serve", "--data", f"{self.folder}/entail"]
        command += ["--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **self.preload}
        )
        self.pid = self.process.pid
        if not self.process.stdout.readline().startswith("entail: ready"):
            sys.exit("entail did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Figures:
    """Figures by workload and server, and the table of their medians."""

    def __init__(self):
        self.values = {}
        self.units = {}

    def add(self, what, server, value, unit):
        self.values.setdefault(what, {}).setdefault(server.name, []).append(value)
        self.units[what] = unit

    def median(self, what, name):
        values = self.values.get(what, {}).get(name)
        return statistics.median(values) if values else None

    def print(self):
        print(f"\n{'':44} {'Entail':>11} {'beside':>11} {'ratio':>7}")
        for what, by_server in self.values.items():
            ours = self.median(what, "Entail")
            theirs = [name for name in by_server if name != "Entail"]
            peer = self.median(what, theirs[0]) if theirs else None
            ratio = f"{ours / peer:7.2f}" if ours is not None and peer else ""
            shown = [f"{value:11.3f}" if value is not None and value < 10 else f"{value:11.0f}"
                     if value is not None else f"{'-':>11}" for value in (ours, peer)]
            print(f"{what:44} {shown[0]} {shown[1]} {ratio}  {self.units[what]}", flush=True)


class Bench:
    def __init__(self, options, servers, folder):
        self.options = options
        self.servers = servers
        self.folder = folder
        self.figures = Figures()

    def pgbench(self, server, *arguments):
        """Transactions a second, and CPU seconds of the server a transaction."""
        before = server.cpu_seconds()
        command = ["pgbench", "-n", "-M", "prepared", "-T", str(self.options.seconds), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=server.environment)
        if done.returncode != 0:
            sys.exit(f"{server.name}: pgbench: {done.stderr.strip()[-400:]}")
        time.sleep(0.3)
        cpu = server.cpu_seconds() - before
        rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
        count = int(re.search(r"transactions actually processed: (\d+)", done.stdout)[1])
        return rate, cpu / count

    def each_round(self, runs):
        """runs: (what, server, arguments of pgbench); what they took goes to the figures."""
        for _ in range(self.options.rounds):
            for what, server, arguments in runs:
                rate, cpu = self.pgbench(server, *arguments)
                self.figures.add(f"{what}, a second", server, rate, "tps")
                self.figures.add(f"{what}, a CPU second", server, 1 / cpu, "t/cpu-s")
                print(f"  {what}: {server.name} {rate:.0f}/s, {cpu * 1e6:.1f} us CPU", flush=True)

    def make_pgbench(self):
        for server in self.servers:
            has = server.sql("select count(*) from pg_class where relname = 'pgbench_accounts'")
            if has != "0":
                continue
            command = ["pgbench", "-i", "-q", "-s", str(self.options.scale)]
            subprocess.run(command, check=True, capture_output=True, env=server.environment)

    def select(self):
        self.make_pgbench()
        for server in self.servers:
            self.pgbench(server, "-S", "-c", "1")
        runs = []
        for clients in (1, 8):
            arguments = ("-S", "-c", str(clients), "-j", str(min(clients, 2)))
            runs += [(f"select, {clients} clients", server, arguments) for server in self.servers]
        self.each_round(runs)

    def tpcb(self):
        self.make_pgbench()
        runs = []
        for clients in (1, 8):
            arguments = ("-c", str(clients), "-j", str(min(clients, 2)))
            runs += [(f"TPC-B, {clients} clients", server, arguments) for server in self.servers]
        self.each_round(runs)

    def file(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def view(self):
        one = self.file(
            "update.sql",
            "\\set id random(1, 1000000)\n\\set v random(1, 1000)\n"
            "update fact set v = :v where id = :id;\n",
        )
        for server in self.servers:
            with_options = " with (fillfactor=80)" if server.name == "PostgreSQL" else ""
            server.sql(
                "create table fact(id int primary key, k int not null, v bigint not null)"
                f"{with_options};"
                "insert into fact select i, (i*7919::bigint)%1000, i%1000 "
                "from generate_series(1,1000000) i;"
            )
            if server.name == "PostgreSQL":
                server.sql("vacuum (analyze) fact; checkpoint")
        keep = {
            "PostgreSQL": (
                "create table sm(k int primary key, n bigint not null, s bigint not null)"
                " with (fillfactor=50);"
                "insert into sm select k, count(*), sum(v) from fact group by k;"
                "create or replace function keep() returns trigger language plpgsql as $$ begin "
                "if tg_op = 'UPDATE' and new.k = old.k then "
                "update sm set s = s + new.v - old.v where k = new.k; return null; end if; "
                "if tg_op <> 'INSERT' then update sm set n = n - 1, s = s - old.v where k = old.k;"
                " delete from sm where k = old.k and n = 0; end if; "
                "if tg_op <> 'DELETE' then insert into sm values (new.k, 1, new.v) "
                "on conflict (k) do update set n = sm.n + 1, s = sm.s + excluded.s; end if; "
                "return null; end $$;"
                "create trigger keep after insert or update or delete on fact "
                "for each row execute function keep();",
                "drop trigger keep on fact; drop table sm;",
            ),
            "Entail": (
                "create materialized view sm as select k, count(*) n, sum(v) s from fact group by k",
                "drop materialized view sm",
            ),
        }
        for _ in range(self.options.rounds):
            cost = {}
            for kept in (False, True):
                for server in self.servers:
                    if kept:
                        server.sql(keep[server.name][0])
                    for clients in (1, 8):
                        arguments = ("-f", one, "-c", str(clients), "-j", str(min(clients, 2)))
                        rate, cpu = self.pgbench(server, *arguments)
                        print(
                            f"  update, {clients} clients, {'kept' if kept else 'not kept'}: "
                            f"{server.name} {rate:.0f}/s, {cpu * 1e6:.1f} us CPU",
                            flush=True,
                        )
                        cost[server.name, clients, kept] = cpu
                        what = "with the view" if kept else "without it"
                        self.figures.add(
                            f"update {what}, {clients} clients, a second", server, rate, "tps"
                        )
                    if kept:
                        server.sql(keep[server.name][1])
            for server in self.servers:
                for clients in (1, 8):
                    added = cost[server.name, clients, True] - cost[server.name, clients, False]
                    self.figures.add(
                        f"what keeping it adds, {clients} clients", server, added * 1e6, "us CPU"
                    )

    def insert(self):
        one = self.file(
            "insert.sql",
            "\\set v random(1, 1000000000)\n"
            "insert into line(v, filler) values (:v, 'a line of text that makes the row of some "
            "hundred bytes, as rows are in many tables of many people');\n",
        )
        for server in self.servers:
            server.sql("create table line(id bigserial primary key, v int, filler text)")
        arguments = ("-f", one, "-c", "16", "-j", "2")
        self.each_round([("insert, 16 clients", server, arguments) for server in self.servers])
        self.store_bench("durable", "insert, 16 clients, beside RocksDB", ours="insert, 16 clients")

    def store_bench(self, mode, what, ours=None):
        """Our rate beside that of RocksDB alone, which store_bench prints as its second one."""
        program = os.path.join(os.path.dirname(self.options.entail), "tests/bench/store_bench")
        if not os.path.exists(program):
            print(f"  {program} is not built: nothing to hold {what} against")
            return
        done = subprocess.run(
            [program, self.folder, mode], capture_output=True, text=True, check=True
        )
        rates = re.findall(r"^(.*?)\s+(\d+)/s\s+(\d+)/s", done.stdout, re.MULTILINE)
        alone = Server.__new__(Server)
        alone.name = "RocksDB"
        for _, _, rate in rates:
            self.figures.add(what, alone, float(rate), "rows/s")
        entail = self.servers[0]
        source = f"{ours}, a second" if ours else what
        for rate in list(self.figures.values.get(source, {}).get("Entail", [])):
            if source != what:
                self.figures.add(what, entail, rate, "rows/s")

    def slow(self):
        source = self.file("slow_fsync.c", SLOW_FSYNC)
        library, count = f"{self.folder}/slow_fsync.so", f"{self.folder}/fsyncs"
        try:
            command = ["cc", "-shared", "-fPIC", "-O", "-o", library, source, "-ldl"]
            subprocess.run(command, check=True)
        except OSError:
            print("  there is no cc: fsync cannot be slowed down")
            return
        os.makedirs(self.folder + "/slow")
        preload = {"LD_PRELOAD": library, "FSYNC_COUNT": count}
        slow = Entail(self.folder + "/slow", self.options.entail, preload)
        slow.start()

        def fsyncs():
            with open(count, "rb") as file:
                return int.from_bytes(file.read(8), "little")

        try:
            one = self.file("slow.sql", "insert into line(v) values (1);\n")
            slow.sql("create table line(v int)")
            for clients in (1, 16):
                arguments = ("-f", one, "-c", str(clients), "-j", str(min(clients, 2)))
                before = fsyncs()
                rate, _ = self.pgbench(slow, *arguments)
                self.figures.add(
                    f"2 ms more an fsync, {clients} clients, commits a fsync",
                    slow,
                    rate * self.options.seconds / (fsyncs() - before),
                    "",
                )
        finally:
            slow.stop()

    def load(self):
        path = f"{self.folder}/rows.txt"
        with open(path, "w", encoding="ascii") as file:
            state = 1
            for i in range(1_000_000):
                state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
                file.write(f"{i}\t{state % 1_000_003}\t{state:016x}{state * 31 % (1 << 64):016x}"
                           f"{'r' * 48}\n")
        for _ in range(self.options.rounds):
            for server in self.servers:
                server.sql("drop table if exists loaded")
                server.sql("create table loaded(id int primary key, k int, filler text);"
                           "create index on loaded(k)")
                cpu, began = server.cpu_seconds(), time.perf_counter()
                server.sql(f"\\copy loaded from '{path}'\n")
                took = time.perf_counter() - began
                cpu = server.cpu_seconds() - cpu
                self.figures.add("COPY of 1 M rows, rows a second", server, 1e6 / took, "rows/s")
                self.figures.add("COPY of 1 M rows, rows a CPU second", server, 1e6 / cpu, "rows/cpu-s")
                print(f"  COPY: {server.name} {took:.1f} s, {cpu:.1f} s CPU", flush=True)
        for rate in self.figures.values["COPY of 1 M rows, rows a second"]["Entail"]:
            self.figures.add("COPY of 1 M rows, beside RocksDB", self.servers[0], rate, "rows/s")
        self.store_bench("bulk", "COPY of 1 M rows, beside RocksDB")

    def scan(self):
        server = self.servers[0]
        server.sql(
            "create table versions(id int primary key, v bigint, filler text);"
            "insert into versions select i, 0, repeat('r', 80) from generate_series(1,200000) i;"
        )
        query = "select count(*), sum(v), max(filler) from versions;\n"

        def seconds():
            server.sql(query)
            before = server.cpu_seconds()
            server.sql(query * 50)
            return (server.cpu_seconds() - before) / 50

        once = seconds()
        for version in range(1, 10):
            server.sql(f"update versions set v = {version}")
        ten = seconds()
        self.figures.add("scan, ten versions: CPU over that of one", server, ten / once, "")
        print(f"  scan: one version {once * 1e3:.1f} ms CPU, ten {ten * 1e3:.1f} ms", flush=True)


WORKLOADS = ("select", "tpcb", "view", "insert", "slow", "load", "scan")

SLOW_FSYNC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile unsigned long* count;
__attribute__((constructor)) static void begin(void) {
  int file = open(getenv("FSYNC_COUNT"), O_RDWR | O_CREAT, 0644);
  if (ftruncate(file, sizeof *count) != 0) abort();
  count = mmap(0, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}
static int slowly(const char* name, int file) {
  usleep(2000);
  __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}
int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entail", required=True, help="the program, in its build directory")
    parser.add_argument("--only", default=",".join(WORKLOADS), help="workloads, by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each run of pgbench")
    parser.add_argument("--scale", type=int, default=10, help="of pgbench's tables")
    parser.add_argument("--folder", help="where the data go; on a real disk (default: /tmp)")
    parser.add_argument("--without-postgres", action="store_true")
    options = parser.parse_args()
    options.entail = os.path.abspath(options.entail)
    for program in ("pgbench", "psql"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing (Debian: postgresql-15)")
    folder = tempfile.mkdtemp(prefix="entail-beside-", dir=options.folder)
    servers = [Entail(folder, options.entail)]
    if options.without_postgres:
        pass
    elif Postgres.is_there():
        servers.append(Postgres(folder))
    else:
        print("PostgreSQL 15 is missing (Debian: postgresql-15): there is nothing to compare with")
    # Servers are stopped however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    started = []
    bench = Bench(options, servers, folder)
    try:
        for server in servers:
            server.start()
            started.append(server)
        for name in options.only.split(","):
            print(f"{name}:", flush=True)
            getattr(bench, name)()
    finally:
        for server in started:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    bench.figures.print()


if __name__ == "__main__":
    main()
