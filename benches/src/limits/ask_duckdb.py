"""DuckDB on some Parquet files, asked through pipes.

The first line of the input is an order: the tables with their files, the threads, the memory. Each line after
it is a question; it is answered by a line: the seconds until all rows were there, and the rows.
`benches/src/engines.rs` is at the other end.
"""

import json
import sys
import time

import duckdb
import pyarrow as pa
import pyarrow.compute as pc


def plain(column):
    """Times as microseconds since 1970: the same for every engine."""
    if pa.types.is_timestamp(column.type):
        column = pc.cast(pc.cast(column, pa.timestamp("us", tz=column.type.tz)), pa.int64())
    return column.to_pylist()


def answer(connection, question):
    start = time.perf_counter()
    relation = connection.sql(question)
    # What writes a file gives no rows.
    rows = relation.to_arrow_table() if relation else pa.table({})
    seconds = time.perf_counter() - start
    columns = [plain(column) for column in rows.columns]
    return {"seconds": seconds, "rows": [list(row) for row in zip(*columns)]}


def main():
    order = json.loads(sys.stdin.readline())
    connection = duckdb.connect()
    connection.execute(f"set threads = {order['threads']}")
    connection.execute(f"set memory_limit = '{order['memory_bytes']}B'")
    connection.execute("set timezone = 'UTC'")
    # It would be written between the answers.
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"set temp_directory = '{order['spill']}'")
    for table, files in order["tables"].items():
        connection.execute(f"create view {table} as select * from read_parquet({files})")
    print(json.dumps({"version": duckdb.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(connection, json.loads(line))), flush=True)


main()
