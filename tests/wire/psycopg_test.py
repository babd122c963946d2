"""psycopg 3 runs the sixty statements, each in its own way: unprepared, prepared, with binary results."""

import sys

from wire import Server, compare, skip, statements

try:
    import psycopg
except ImportError:
    skip("psycopg 3 is not installed (package python3-psycopg)")
import re


def run(connection, statement, **how):
    sql = statement.sql.replace("%", "%%") if statement.parameters else statement.sql
    sql = re.sub(r"\$\d+", "%s", sql)
    try:
        cursor = connection.execute(sql, statement.parameters or None, **how)
    except psycopg.Error as error:
        return f"error {error.sqlstate}"
    if cursor.description is None:
        return f"ok {max(cursor.rowcount, 0)}"
    rows = []
    for row in range(cursor.pgresult.ntuples):
        values = [cursor.pgresult.get_value(row, c) for c in range(cursor.pgresult.nfields)]
        rows.append("|".join("NULL" if v is None else v.decode() for v in values))
    return rows


def main():
    failed = 0
    for how in ({}, {"prepare": True}):
        with Server(sys.argv[1]) as server:
            with psycopg.connect(host="127.0.0.1", port=server.port, user="ann", dbname="shop",
                                 autocommit=True) as connection:
                for number, statement in enumerate(statements(), 1):
                    failed += not compare(number, statement, run(connection, statement, **how))
            # Values as Python has them, through the binary format both ways.
            with psycopg.connect(host="127.0.0.1", port=server.port, user="ann", dbname="shop") as connection:
                import datetime
                import decimal
                import uuid
                values = [True, 7, 1 << 40, 2.5, "text \u20ac", b"\x00\xff", decimal.Decimal("-1234567.890"),
                          datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 1, 2, 3, 4),
                          datetime.timedelta(days=3, seconds=5), uuid.uuid4(), [1, 2, 3], ["a", "b c"]]
                types = ["bool", "int4", "int8", "float8", "text", "bytea", "numeric", "date", "timestamp",
                         "interval", "uuid", "int4[]", "text[]"]
                for value, type_name in zip(values, types):
                    for binary in (False, True):
                        cursor = connection.cursor(binary=binary)
                        placeholder = "%b" if binary else "%t"
                        back = cursor.execute(f"SELECT {placeholder}::{type_name}", [value]).fetchone()[0]
                        if back != value:
                            print(f"{type_name}, binary {binary}: {value!r} came back as {back!r}")
                            failed += 1
                connection.rollback()
                # COPY both ways, and a pipeline.
                connection.execute("CREATE TABLE points (x int, y text)")
                with connection.cursor().copy("COPY points FROM STDIN") as copy:
                    for i in range(1000):
                        copy.write_row((i, f"point\t{i}" if i % 3 else None))
                with connection.cursor().copy("COPY points TO STDOUT") as copy:
                    rows = list(copy.rows())
                if len(rows) != 1000 or rows[1] != ("1", "point\t1") or rows[0] != ("0", None):
                    print(f"COPY gave {len(rows)} rows, beginning with {rows[:2]}")
                    failed += 1
                if psycopg.Pipeline.is_supported():
                    with connection.pipeline():
                        cursors = [connection.execute("SELECT %s::int", [i]) for i in range(50)]
                    if [c.fetchone()[0] for c in cursors] != list(range(50)):
                        print("the pipeline's answers are out of order")
                        failed += 1
                connection.commit()
    return 1 if failed else 0


sys.exit(main())
