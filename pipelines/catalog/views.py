"""The catalog: a store, and one release of it, as views of an in-memory DuckDB. The only import of duckdb.

::

    sql/views/<view>.sql  ──reads──►  stored.<name>  ──is──►  verified blobs, or rows made of documents

DuckDB never verifies what it reads, so a blob is hashed before it is opened, and copied here first if it
lies elsewhere. Files that were not hashed cannot be opened at all: once the views stand, the connection
reaches nothing else and cannot be unlocked. Only what a query names is hashed. Everything else has its view
too, so that it can be listed and described, and refuses to be read.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalog import holdings
from pipelines.catalog.copies import copies
from pipelines.catalog.sqlfiles import stats, views
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.releases import Release
from pipelines.store.store import Store
from transforms.domain.errors import ConfigError, IntegrityError, StateError, decode, encode

_MEMORY_BYTES = 1 << 30  # beyond it DuckDB spills to the temporary folder
_NOT_OPENED = StateError(
    "a view was read that is not open. It is of a release, and there is no release yet (cut one:"
    " byleave release cut --help); or the query does not name it (write the view's name after FROM)"
)
_SCHEMAS = {**holdings.IN_BLOBS, **holdings.IN_DOCUMENTS}


def named_views(sql: str) -> frozenset[str]:
    """The views that ``sql`` names, for :func:`open_catalog` to open.

    Raises:
        ConfigError: it is not one statement that only reads.
    """
    nodes = (node for node in _nodes(_parse(sql)) if node["type"] in ("BASE_TABLE", "SHOW_REF"))
    return frozenset({node["table_name"].lower() for node in nodes} & views().keys())


@contextmanager
def open_catalog(
    store: Store,
    *,
    release: str | None = None,
    needed: Iterable[str] | None = None,
    watch: Watch = UNWATCHED,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked connection with the views of `sql/views/`; a query over them reads only verified bytes.

    Args:
        store: to open.
        release: version whose `items`, `decisions`, `exclusions`, `tallies`, `inputs` and
            `released_manifest` are meant; None: the newest.
        needed: the views to be read; their blobs are hashed, the other views refuse. None: all of them, or
            without a release all that need none.
        watch: shows what is fetched from a store elsewhere.

    Raises:
        StateError: a view is needed of a release that does not exist.
        IntegrityError: a blob is missing or damaged.
    """
    queries = views()
    wanted = queries.keys() if needed is None else queries.keys() & set(needed)
    names = {name for view in wanted for name in _stored(queries[view])}
    if release is None and needed is None and not store.releases.versions():
        names -= holdings.OF_A_RELEASE
    found = store.releases.get(release) if release or names & holdings.OF_A_RELEASE else None
    with _open(store, found, names, watch) as connection:
        yield connection


@contextmanager
def _open(
    store: Store, release: Release | None, names: Collection[str], watch: Watch
) -> Iterator[duckdb.DuckDBPyConnection]:
    """All views, those over ``names`` readable."""
    blobs = {
        name: holdings.blobs_of(store, name, release) for name in sorted(names) if name in holdings.IN_BLOBS
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
                _fill(connection, name, schema, holdings.rows_of(store, name, release, files.path))
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
def plain_errors() -> Iterator[None]:
    """Whatever DuckDB raises in the block as one of byleave's errors, on one line.

    Raises:
        ConfigError: the query cannot be answered; the message lists the views.
        StateError: it reads what is not there yet.
        IntegrityError: a blob changed after it was verified.
    """
    try:
        yield
    except (duckdb.InternalException, duckdb.FatalException):
        raise  # a defect, not the query's fault
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        told = decode(str(error))
        if told is not None:
            raise told from None
        # What follows repeats the query. A message may quote data, which must not speak to a terminal.
        text = " ".join(str(error).split("\n\nLINE ")[0].split())
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        if isinstance(error, duckdb.PermissionException):
            text += ". A query reads the views, and nothing else"
        if isinstance(error, duckdb.IOException):
            raise IntegrityError(text) from error
        raise ConfigError(f"{text}\nViews: {', '.join(views())}") from None


def write_stats(path: Path, release: Release, store: Store, watch: Watch = UNWATCHED) -> None:
    """Write a DuckDB file of a release's aggregates, in which no id of an item or owner occurs.

    Tables: `releases` (one row), `tallies` and `exclusions` as the catalog's views of these names, `licenses`
    (license_then, license_now, direction, items, kept, excluded). Views: each query of `sql/stats/` that
    needs no more than these. The file appears whole or not at all; its bytes differ from run to run.
    """
    tables = {"releases": holdings.describe(release).drop_columns(["place"])}
    with _open(store, release, ("tallies", "exclusions", "reasons"), watch) as catalog:
        for name in ("tallies", "exclusions"):
            tables[name] = catalog.sql(f"from {name}").to_arrow_table()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with duckdb.connect(str(scratch)) as connection:
            for name, rows in tables.items():
                connection.register("rows_to_store", rows)
                connection.execute(f"create table {name} as from rows_to_store")
                connection.unregister("rows_to_store")
            connection.execute(f"create table licenses as {stats()['license_drift']}")
            for name, query in stats().items():
                if named_views(query) <= tables.keys():
                    connection.execute(f"create view {name} as {query}")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
        scratch.with_name(f"{scratch.name}.wal").unlink(missing_ok=True)


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _parse(sql: str) -> Any:
    """The syntax tree of the one SELECT in ``sql``."""
    with plain_errors():
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    if len(kinds) != 1:
        raise ConfigError(f"one query at a time: this text holds {len(kinds)} statements")
    if kinds == [duckdb.StatementType.SELECT]:
        (text,) = _parser().cursor().execute("select json_serialize_sql(?)", [sql]).fetchall()[0]
        tree = json.loads(text)
        # `with x as (delete ...) select ...` is a SELECT to the parser.
        if not tree["error"] and not any(node["type"].endswith("_QUERY_NODE") for node in _nodes(tree)):
            return tree
    raise ConfigError(
        f"{kinds[0].name}: a query only reads. Begin it with SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE"
        " or SHOW; state the values of a PIVOT with IN"
    )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if isinstance(tree.get("type"), str):
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _stored(view: str) -> set[str]:
    return {node["table_name"] for node in _nodes(_parse(view)) if node.get("schema_name") == "stored"}


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
        connection.execute(f"alter table stored.{name} add column path varchar")


def _read(connection: duckdb.DuckDBPyConnection, name: str, paths: Iterable[str]) -> None:
    """Create the view ``stored.<name>`` over Parquet files; `path` says which of them a row is from."""
    connection.execute(
        f"create view stored.{name} as"
        f" from read_parquet({_literals(paths)}, filename = 'path', hive_partitioning = false)"
    )


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
    for view, query in views().items():
        connection.execute(f"create view {view} as {query}")
