#!/usr/bin/env python3
"""Reads tables of the lake with three engines that are not ours.

    lake_check.py LAKE TABLE=COLUMN,… [TABLE=COLUMN,…]

LAKE is the lake, a folder (`var/lake`) or an `s3://` address with AWS's usual environment; each TABLE is told with
the columns by which no two of its rows are alike. All engines read the same version of a table: Polars by
`scan_delta`, PyArrow as a data set, DuckDB over the active files that deltalake lists (its own Delta extension is
a download; so is the one for S3, so files of a bucket are fetched first).

One JSON line: {TABLE: {"compacted": whether its log says so, "by": {ENGINE: {"rows": rows, "distinct": distinct keys,
"sum": checksum of the keys}}}}. A key is its columns' texts joined by `|` (times as microseconds since 1970); the checksum is the sum, in 64 bits, of the first
eight bytes of each key's SHA-256. The exit code is 1 when the engines disagree or a key stands twice, 2 when there is
no such table.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlparse

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError


def main() -> int:
    arguments = parse_arguments()
    # What deltalake is told of a bucket; Polars hands the same to it.
    options = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    seen, fault = {}, 0
    for wanted in arguments.tables:
        name, columns = wanted.split("=")
        place = f"{arguments.lake.rstrip('/')}/{name}"
        try:
            table = DeltaTable(place, storage_options=options)
        except TableNotFoundError:
            print(f"{place} is not a Delta table", file=sys.stderr)
            return 2
        columns = columns.split(",")
        read = {
            "polars": with_polars(table, columns, options),
            "pyarrow": with_pyarrow(table, columns),
            "duckdb": with_duckdb(table, columns),
        }
        found = {engine: counted(rows) for engine, rows in read.items()}
        done = {entry["operation"] for entry in table.history()}
        seen[name] = {"compacted": "OPTIMIZE" in done, "by": found}
        first = found["polars"]
        if first["rows"] != first["distinct"] or any(other != first for other in found.values()):
            print(f"{place}: {found}", file=sys.stderr)
            fault = 1
    print(json.dumps(seen))
    return fault


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Reads tables of the lake with Polars, PyArrow and DuckDB."
    )
    parser.add_argument("lake", help="the folder of the lake, or its address")
    parser.add_argument("tables", nargs="+", metavar="TABLE=COLUMN,…", help="tables with their keys")
    return parser.parse_args()


def counted(rows: pa.Table) -> dict[str, int]:
    keys = ["|".join(row) for row in zip(*(texts(column) for column in rows.columns))]
    sums = (int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") for key in keys)
    return {"rows": len(keys), "distinct": len(set(keys)), "sum": sum(sums) % 2**64}


def texts(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_timestamp(column.type):
        column = pc.cast(pc.cast(column, pa.timestamp("us", tz=column.type.tz)), pa.int64())
    return ["" if value is None else str(value) for value in column.to_pylist()]


def with_polars(table: DeltaTable, columns: list[str], options: dict[str, str]) -> pa.Table:
    """The rows are read: no engine may answer from the log's statistics."""
    lazy = polars.scan_delta(table.table_uri, version=table.version(), storage_options=options)
    return lazy.select(columns).collect().to_arrow()


def with_pyarrow(table: DeltaTable, columns: list[str]) -> pa.Table:
    return table.to_pyarrow_dataset().to_table(columns=columns)


def with_duckdb(table: DeltaTable, columns: list[str]) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        files = local_files(table, Path(folder))
        if not files:
            return with_pyarrow(table, columns)
        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        # Files of before a column was added do not have it.
        question = f"select {', '.join(columns)} from read_parquet($files, hive_partitioning = false, union_by_name = true)"
        return connection.sql(question, params={"files": files}).to_arrow_table()


def local_files(table: DeltaTable, folder: Path) -> list[str]:
    """The active files, as DuckDB can open them without a download of its own."""
    uris = table.file_uris()
    if not urlparse(table.table_uri).scheme.startswith("s3"):
        return [local_path(uri) for uri in uris]
    store = table.to_pyarrow_dataset().filesystem
    files = []
    for number, uri in enumerate(uris):
        inside = unquote(uri[len(table.table_uri.rstrip("/")) + 1 :])
        with store.open_input_file(inside) as file:
            to = folder / f"{number}.parquet"
            to.write_bytes(file.read())
            files.append(str(to))
    return files


def local_path(uri: str) -> str:
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme == "file" else uri


if __name__ == "__main__":
    sys.exit(main())
