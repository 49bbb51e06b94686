#!/usr/bin/env python3
"""Counts the rows of a table of the lake with three engines that are not ours.

    lake_check.py DIR [TABLE]

DIR is the lake (`var/lake`), TABLE one of its tables with a column `id` (`statements` unless told
otherwise). All three read the same version of the table: Polars by `scan_delta`, PyArrow as a data
set, DuckDB over the active files that deltalake lists (its own Delta extension is a download).

One JSON line: {"polars": rows, "pyarrow": rows, "duckdb": rows, "distinct": ids}. The exit code is
1 when the engines disagree or an id stands twice, 2 when there is no such table.
"""

import argparse
import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import duckdb
import polars
import pyarrow.compute
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError


def main() -> int:
    arguments = parse_arguments()
    folder = arguments.lake / arguments.table
    try:
        table = DeltaTable(str(folder))
    except TableNotFoundError:
        print(f"{folder} is not a Delta table", file=sys.stderr)
        return 2
    counted = {
        "polars": with_polars(table),
        "pyarrow": with_pyarrow(table),
        "duckdb": with_duckdb(table),
    }
    rows = {engine: count for engine, (count, _) in counted.items()}
    distinct = {engine: count for engine, (_, count) in counted.items()}
    print(json.dumps({**rows, "distinct": distinct["duckdb"]}))
    if len(set(rows.values()) | set(distinct.values())) == 1:
        return 0
    print(f"{folder}: rows {rows}, distinct ids {distinct}", file=sys.stderr)
    return 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Counts the rows of a table of the lake with Polars, PyArrow and DuckDB."
    )
    parser.add_argument("lake", type=Path, help="the folder of the lake")
    parser.add_argument("table", nargs="?", default="statements", help="a table with a column id")
    return parser.parse_args()


def with_polars(table: DeltaTable) -> tuple[int, int]:
    """Rows and distinct ids. The rows are read: no engine may answer from the log's statistics."""
    lazy = polars.scan_delta(table.table_uri, version=table.version())
    counts = lazy.select(
        polars.col("id").count().alias("rows"), polars.col("id").n_unique().alias("distinct")
    ).collect()
    return counts["rows"].item(), counts["distinct"].item()


def with_pyarrow(table: DeltaTable) -> tuple[int, int]:
    ids = table.to_pyarrow_dataset().to_table(columns=["id"]).column("id")
    return len(ids), pyarrow.compute.count_distinct(ids).as_py()


def with_duckdb(table: DeltaTable) -> tuple[int, int]:
    files = [local_path(uri) for uri in table.file_uris()]
    if not files:
        return 0, 0
    counted = duckdb.execute(
        "select count(id), count(distinct id) from read_parquet($files, hive_partitioning = false)",
        {"files": files},
    ).fetchone()
    return counted[0], counted[1]


def local_path(uri: str) -> str:
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme == "file" else uri


if __name__ == "__main__":
    sys.exit(main())
