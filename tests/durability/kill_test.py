"""A server on a real disk is killed again and again under load, and nothing of what it acknowledged is missing.

Some clients move money between accounts, each transaction of several statements and rows, under standing views.
Each client remembers what was acknowledged to it. After each `kill -9`

    entail check            clean: what is derived is what is derived from scratch, and the store's rows
    entail replay --check   the log's causes lead to the log's records (of some kills: the log grows)
    by SQL                  every acknowledged transaction is there whole, the one in flight wholly or not at all,
                            nothing else; the sum of all accounts is what it was; the views say the same

and the next server goes on with the same directory. Now and then it is stopped cleanly, so that some starts
begin from a checkpoint, with or without changes behind it.

    kill_test.py ENTAIL [--kills 20] [--clients 4] [--seed N] [--data DIR]
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from bank import SCHEMA, Client, Server, new_clients, rows, startup, upkeep, verify

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("entail")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", default=None)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    directory = options.data or tempfile.mkdtemp(prefix="entail-kill-")
    shutil.rmtree(directory, ignore_errors=True)
    clients = new_clients(options.clients)
    begun, wrong, clean = time.time(), [], 0
    with Server(options.entail, directory=directory) as server:
        connection, _ = startup(server.port)
        for statement in SCHEMA:
            rows(connection, statement)
    for kill in range(options.kills + 1):
        last = kill == options.kills
        server = Server(options.entail, directory=directory)
        connection, _ = startup(server.port)
        wrong += verify(connection, clients)
        connection.close()
        if wrong or last:
            server.stop()
            break
        threads = [Client(server.port, known, chance.random()) for known in clients]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.02, 1.0))
        stops = chance.random() < 0.15
        if stops:
            server.stop()
            clean += 1
        else:
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
        for thread in threads:
            thread.join(60)
            if thread.is_alive():
                wrong.append("a client waits for ever")
            if thread.failure:
                wrong.append(f"a client failed: {thread.failure!r}")
        if chance.random() < 0.5 or options.kills <= 20:
            wrong += upkeep(options.entail, directory, "check")
        if kill % 25 == 24 or options.kills <= 20:
            wrong += upkeep(options.entail, directory, "replay", "--check")
        if wrong:
            break
    if not wrong:
        wrong += upkeep(options.entail, directory, "check")
        wrong += upkeep(options.entail, directory, "replay", "--check")
    for line in wrong:
        print(line)
    total = sum(known["acknowledged"] for known in clients)
    print(f"{kill} ends, {clean} of them clean, {total} transactions acknowledged, {time.time() - begun:.0f} s")
    if wrong:
        print(f"the database is left in {directory}")
        return 1
    shutil.rmtree(directory, ignore_errors=True)
    os.unlink(directory + ".log")
    return 0


sys.exit(main())
