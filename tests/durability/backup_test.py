"""A copy of a database that is made while clients work is a whole database of its own."""

import os
import random
import shutil
import sys
import tempfile
import time

from bank import ACCOUNTS, SCHEMA, VIEWS, Client, Server, new_clients, rows, startup, upkeep, verify


def main():
    entail = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="entail-backup-")
    original = os.path.join(folder, "original")
    chance, clients, wrong = random.Random(1), new_clients(3), []
    with Server(entail, directory=original) as server:
        connection, _ = startup(server.port)
        for statement in SCHEMA:
            rows(connection, statement)
        threads = [Client(server.port, known, chance.random()) for known in clients]
        for thread in threads:
            thread.start()
        copies = []
        for number in range(3):
            time.sleep(0.4)
            before = [known["acknowledged"] for known in clients]
            copies.append((os.path.join(folder, f"copy {number}"), before))
            wrong += upkeep(entail, original, "backup", "--to", copies[-1][0])
        again = upkeep(entail, original, "backup", "--to", copies[0][0])
        if not again:
            wrong.append("a backup writes over another one")
        time.sleep(0.2)
    for thread in threads:
        thread.join(60)
        if thread.failure:
            wrong.append(f"a client failed: {thread.failure!r}")
    for copy, before in copies:
        wrong += upkeep(entail, copy, "check")
        wrong += upkeep(entail, copy, "replay", "--check")
        with Server(entail, directory=copy) as server:
            connection, _ = startup(server.port)
            for known, acknowledged in zip(clients, before):
                there = rows(connection, f"SELECT count(*), max(n) FROM transfer WHERE client = {known['client']}")
                count, last = (int(value or 0) for value in there[0])
                if count != last or last < acknowledged:
                    wrong.append(f"{copy}: client {known['client']} had {acknowledged}, {count} up to {last} are there")
            if rows(connection, "SELECT sum(balance) FROM account") != [(str(1000 * ACCOUNTS),)]:
                wrong.append(f"{copy}: money was made or lost")
            for view, text in VIEWS.items():
                if sorted(rows(connection, f"SELECT * FROM {view}")) != sorted(rows(connection, text)):
                    wrong.append(f"{copy}: the view {view} does not say what its query says")
            rows(connection, "UPDATE account SET balance = 0 WHERE id = 1")  # It is a database like any other.
            connection.close()
    with Server(entail, directory=original) as server:
        connection, _ = startup(server.port)
        wrong += verify(connection, clients)
        connection.close()
    for line in wrong:
        print(line)
    print(f"{len(copies)} copies, {sum(known['acknowledged'] for known in clients)} transactions")
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


sys.exit(main())
