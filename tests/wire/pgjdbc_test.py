"""pgjdbc runs the sixty statements, unprepared and prepared at once, and fetches through a portal."""

import os
import shutil
import subprocess
import sys

from wire import HERE, Server, compare, skip, statements

JAR = "/usr/share/java/postgresql.jar"


def main():
    if not os.path.exists(JAR):
        skip("pgjdbc is not installed (package libpostgresql-jdbc-java)")
    if shutil.which("javac") is None:
        skip("Java is not installed (package default-jdk-headless)")
    failed = 0
    lines = []
    for statement in statements():
        lines.append(str(1 + len(statement.parameters)))
        lines.append(statement.sql)
        lines += ["NULL" if p is None else p for p in statement.parameters]
    for threshold in ("5", "1"):
        with Server(sys.argv[1]) as server:
            done = subprocess.run(
                ["java", "-cp", JAR, os.path.join(HERE, "Statements.java"), str(server.port), threshold],
                input="\n".join(lines) + "\n", text=True, capture_output=True, timeout=120)
        answers = iter(done.stdout.split("\n"))
        for number, statement in enumerate(statements(), 1):
            answer = next(answers, "")
            if answer.startswith("rows "):
                answer = [next(answers, "") for _ in range(int(answer[5:]))]
            failed += not compare(number, statement, answer)
        if next(answers, "") != "fetched 500500" or done.returncode != 0:
            print(f"pgjdbc ended with {done.returncode}\n{done.stdout[-300:]}\n{done.stderr[-3000:]}")
            failed += 1
    return 1 if failed else 0


sys.exit(main())
