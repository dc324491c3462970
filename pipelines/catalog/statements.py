"""The text of a query: that it only reads, which views and macros it names, and its errors in plain words."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from pipelines.catalog.sqlfiles import macros, views
from transforms.domain.errors import ConfigError, IntegrityError, decode


def named_views(sql: str) -> frozenset[str]:
    """The views and table macros that ``sql`` names, for :func:`.views.open_catalog` to open.

    Raises:
        ConfigError: it is not one statement that only reads.
    """
    return frozenset(_name(node) for node in _nodes(_parse(sql))) & _relations().keys()


def stored_names(relations: Iterable[str]) -> set[str]:
    """The tables of the schema `stored` that views and macros read, themselves or through each other."""
    return {name for relation in in_order(relations) for name in _reads(relation).stored}


def in_order(relations: Iterable[str]) -> list[str]:
    """Views and macros and all those that they read, each after what it reads itself."""
    found = dict[str, None]()

    def add(relation: str) -> None:
        for other in sorted(_reads(relation).relations - found.keys()):
            add(other)
        found[relation] = None

    for relation in relations:
        add(relation)
    return list(found)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Whatever DuckDB raises in the block as one of byleave's errors, on one line.

    Raises:
        ConfigError: the query cannot be answered; the message lists the views and macros.
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
        known = [*views(), *(macro.signature for macro in macros().values())]
        raise ConfigError(f"{text}\nViews: {', '.join(known)}") from None


def _name(node: Mapping[str, Any]) -> str:
    """What a node of the syntax tree reads from; empty for any other node."""
    match node["type"]:
        case "BASE_TABLE" | "SHOW_REF":
            return str(node["table_name"]).lower()
        case "TABLE_FUNCTION":
            return str(node["function"]["function_name"]).lower()
    return ""


class _Reads(NamedTuple):
    stored: frozenset[str]
    relations: frozenset[str]


@functools.cache
def _relations() -> Mapping[str, str]:
    return {**views(), **{name: macro.query for name, macro in macros().items()}}


@functools.cache
def _reads(relation: str) -> _Reads:
    """What a view or macro reads itself."""
    nodes = [node for node in _nodes(_parse(_relations()[relation])) if _name(node)]
    stored = {_name(node) for node in nodes if node.get("schema_name") == "stored"}
    others = {_name(node) for node in nodes if node.get("schema_name") != "stored"}
    return _Reads(frozenset(stored), frozenset(others) & _relations().keys())


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
