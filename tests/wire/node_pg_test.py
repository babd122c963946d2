"""node-postgres runs the sixty statements, unnamed and as named statements."""

import json
import os
import shutil
import subprocess
import sys

from wire import HERE, Server, compare, skip, statements


def main():
    if shutil.which("node") is None:
        skip("Node.js is not installed (package nodejs)")
    # Debian's modules lie where only Debian's node looks by itself.
    paths = [p for p in (os.environ.get("NODE_PATH"), "/usr/share/nodejs") if p]
    environment = dict(os.environ, NODE_PATH=":".join(paths))
    if subprocess.run(["node", "-e", "require('pg')"], env=environment, capture_output=True).returncode != 0:
        skip("node-postgres is not installed (package node-pg)")
    failed = 0
    request = json.dumps([{"sql": s.sql, "parameters": s.parameters} for s in statements()])
    for how in ("unnamed", "named"):
        with Server(sys.argv[1]) as server:
            done = subprocess.run(["node", os.path.join(HERE, "statements.js"), str(server.port), how],
                                  input=request, text=True, capture_output=True, env=environment, timeout=120)
        if done.returncode != 0:
            print(done.stderr[-3000:])
            return 1
        for number, (statement, answer) in enumerate(zip(statements(), json.loads(done.stdout)), 1):
            failed += not compare(number, statement, answer)
    return 1 if failed else 0


sys.exit(main())
