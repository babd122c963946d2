"""pgbench makes its tables and runs its built-in scripts, unchanged, in each protocol."""

import re
import shutil
import subprocess
import sys

from wire import Server, skip

TRANSACTIONS = 20  # Of each of two clients.


def main():
    if shutil.which("pgbench") is None:
        skip("pgbench is not installed (package postgresql-contrib)")
    failed = 0
    with Server(sys.argv[1]) as server:
        def pgbench(*arguments):
            return subprocess.run(["pgbench", *arguments], capture_output=True, text=True,
                                  env=server.environment(), timeout=300)

        made = pgbench("-i", "-q")
        if made.returncode != 0:
            print(made.stderr)
            return 1
        for script in ("tpcb-like", "simple-update", "select-only"):
            for protocol in ("simple", "extended", "prepared"):
                done = pgbench("-n", "-b", script, "-M", protocol, "-c", "2", "-t", str(TRANSACTIONS))
                if (done.returncode != 0 or "failed transactions: 0 " not in done.stdout or
                        not re.search(rf"processed: {2 * TRANSACTIONS}/{2 * TRANSACTIONS}", done.stdout)):
                    print(f"{script}, {protocol}: {done.returncode}\n{done.stdout}\n{done.stderr}")
                    failed += 1
        # What was moved is where it went.
        sums = subprocess.run(
            ["psql", "-X", "-At", "-c",
             "SELECT (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches),"
             " (SELECT count(*) FROM pgbench_history)"],
            capture_output=True, text=True, env=server.environment(), timeout=60)
        # simple-update leaves tellers and branches alone but writes history.
        if sums.stdout != f"t|{2 * 3 * 2 * TRANSACTIONS}\n":
            print(f"after pgbench: {sums.stdout}{sums.stderr}")
            failed += 1
    return 1 if failed else 0


sys.exit(main())
