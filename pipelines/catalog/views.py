"""The catalog: a store, and one release of it, as views and table macros of an in-memory DuckDB.

::

    sql/views/<view>.sql   ──read──►  stored.<name>  ──is──►  verified blobs, or rows that code makes
    sql/drift/<macro>.sql, sql/leave/<macro>.sql

DuckDB never verifies what it reads, so a blob is hashed before it is opened, and copied here first if it
lies elsewhere. Files that were not hashed cannot be opened at all: once the views stand, the connection
reaches nothing else and cannot be unlocked. Only what a query names is hashed. Everything else has its view
too, so that it can be listed and described, and refuses to be read. The license ledger is made when a query
names it for the first time after a snapshot came in.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.catalog import documents, holdings
from pipelines.catalog.copies import copies
from pipelines.catalog.sqlfiles import macros, views
from pipelines.catalog.statements import in_order, stored_names
from pipelines.catalog.statements import named_views as named_views
from pipelines.catalog.statements import plain_errors as plain_errors
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.releases import Release
from pipelines.store.store import Store
from transforms.domain.errors import StateError, encode

_MEMORY_BYTES = 1 << 30  # beyond it DuckDB spills to the temporary folder
_NOT_OPENED = StateError(
    "a view was read that is not open. It is of a release, and there is no release yet (cut one:"
    " byleave release cut --help); or the query does not name it (write the view's name after FROM)"
)
_SCHEMAS = {**holdings.IN_BLOBS, **documents.IN_CODE}


@contextmanager
def open_catalog(
    store: Store,
    *,
    release: str | None = None,
    needed: Iterable[str] | None = None,
    watch: Watch = UNWATCHED,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked connection with all views and macros; a query over them reads only verified bytes.

    Args:
        store: to open.
        release: version whose `items`, `decisions`, `exclusions`, `tallies`, `inputs` and
            `released_manifest` are meant; None: the newest.
        needed: the views and macros to be read; their blobs are hashed, the others refuse. None: all of them,
            or without a release all that need none.
        watch: shows what is fetched from a store elsewhere.

    Raises:
        StateError: a view is needed of a release that does not exist.
        IntegrityError: a blob is missing or damaged.
    """
    known = views().keys() | macros().keys()
    names = stored_names(known if needed is None else known & set(needed))
    if release is None and needed is None and not store.releases.versions():
        names -= holdings.OF_A_RELEASE
    found = store.releases.get(release) if release or names & holdings.OF_A_RELEASE else None
    with _open(store, found, names, watch) as connection:
        yield connection


@contextmanager
def _open(
    store: Store, release: Release | None, names: Collection[str], watch: Watch, *, of_release: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """All views and macros, those over ``names`` readable; the ledger perhaps that of the release."""
    ledger = "released_ledger" if of_release else "ledger"
    blobs = {
        name: holdings.blobs_of(store, ledger if name == "ledger" else name, release, watch)
        for name in sorted(names)
        if name in holdings.IN_BLOBS
    }
    distinct = list(dict.fromkeys(blob for each in blobs.values() for blob in each))
    with copies(store) as files, _connect() as connection:
        files.fetch(distinct, watch)
        for name, schema in _SCHEMAS.items():
            if name not in names:
                _refuse(connection, name, schema)
            elif blobs.get(name):
                _read(connection, name, map(files.path, blobs[name]))
            elif name in holdings.IN_BLOBS:
                _fill(connection, name, schema, None)
            else:
                _fill(connection, name, schema, documents.rows_of(store, name, release, files.path))
        _create_views(connection)
        _lock(connection, map(files.path, distinct))
        yield connection


def empty_catalog() -> duckdb.DuckDBPyConnection:
    """The same views over empty tables of the schema `stored`, unlocked: to try queries without a store."""
    connection = _connect()
    for name, schema in _SCHEMAS.items():
        _fill(connection, name, schema, None)
    _create_views(connection)
    return connection


@contextmanager
def open_released(
    store: Store, release: Release, watch: Watch = UNWATCHED
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tallies of a release, and the license ledger of what it was made of; other views refuse.

    Raises:
        StateError: a table that the release was made of is no longer there.
        IntegrityError: a blob is missing or damaged.
    """
    names = {"tallies", *stored_names(["drift_by_month"])}
    with _open(store, release, names, watch, of_release=True) as connection:
        yield connection


def write_tables(path: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write a DuckDB file of ``tables``. It appears whole or not at all; its bytes differ from run to run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with duckdb.connect(str(scratch)) as connection:
            for name, rows in tables.items():
                connection.register("rows_to_store", rows)
                connection.execute(f"create table {name} as from rows_to_store")
                connection.unregister("rows_to_store")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
        scratch.with_name(f"{scratch.name}.wal").unlink(missing_ok=True)


def _connect() -> duckdb.DuckDBPyConnection:
    """An empty database in memory that sees no variables of Python, and loads nothing by itself."""
    connection = duckdb.connect(
        config={
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{_MEMORY_BYTES}B",
            "threads": str(os.cpu_count() or 1),
            "temp_directory": str(Path(tempfile.gettempdir()) / f"byleave-{secrets.token_hex(8)}"),
        }
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute("create schema stored")
    return connection


def _lock(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    """Leave the connection the files at ``paths``, and no way to open others."""
    connection.execute(f"set allowed_paths = {_literals(paths)}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literals(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_literal, texts))}]"


def _fill(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: pa.Table | None) -> None:
    """Create the table ``stored.<name>``, with the types that DuckDB gives to Parquet files of ``schema``."""
    rows = schema.empty_table() if rows is None else rows
    connection.register("rows_to_store", rows)
    connection.execute(f"create table stored.{name} as from rows_to_store")
    connection.unregister("rows_to_store")
    for field in schema:
        if pa.types.is_timestamp(field.type):
            connection.execute(f"alter table stored.{name} alter {field.name} type timestamp")
    if name in holdings.IN_BLOBS:
        connection.execute(f"alter table stored.{name} add column {_path_column(name)} varchar")


def _read(connection: duckdb.DuckDBPyConnection, name: str, paths: Iterable[str]) -> None:
    """Create the view ``stored.<name>`` over Parquet files; a column says which of them a row is from."""
    column = _path_column(name)
    connection.execute(
        f"create view stored.{name} as"
        f" from read_parquet({_literals(paths)}, filename = '{column}', hive_partitioning = false)"
    )


def _path_column(name: str) -> str:
    """The column with the path of a row's file: `path`, unless the rows have a `path` of their own."""
    return "blob_path" if "path" in _SCHEMAS[name].names else "path"


def _refuse(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    """Create the view ``stored.<name>``: it has the columns, and raises an error when a row is asked for."""
    _fill(connection, name, schema, None)
    described = connection.execute(f"describe stored.{name}").fetchall()
    connection.execute(f"drop table stored.{name}")
    # In every column, and in the filter: DuckDB leaves out whichever a query does not need.
    error = f"error({_literal(encode(_NOT_OPENED))})"
    columns = ", ".join(f"{error}::{kind} as {column}" for column, kind, *_ in described)
    connection.execute(
        f"create view stored.{name} as select {columns}"
        f" from (select {error} as refused) where refused is null"
    )


def _create_views(connection: duckdb.DuckDBPyConnection) -> None:
    for name in in_order([*views(), *macros()]):
        if name in views():
            connection.execute(f"create view {name} as {views()[name]}")
        else:
            connection.execute(f"create macro {macros()[name].signature} as table {macros()[name].query}")
