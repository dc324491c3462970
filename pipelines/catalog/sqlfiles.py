"""The queries that ship in `sql/`. At the head of each stand what it tells, its grain and its columns.

One of `sql/drift/` or `sql/leave/` may state parameters: then it is a table macro, else a view::

    -- parameters:
    --   valid_on DATE           the day that is asked about
    --   known_on DATE := null   as was known on that day; null: as is known now

In its SELECT a parameter is a bare name, which the query casts to the type that is stated.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.config import shipped

_PARAMETER = re.compile(r"^--   (\w+) [A-Z]+( := \S+)?", re.MULTILINE)


@dataclass(frozen=True)
class Macro:
    """A query with parameters.

    Attributes:
        signature: its name and parameters, as SQL declares and people call them.
        query: one SELECT.
    """

    signature: str
    query: str


def views() -> Mapping[str, str]:
    """Each view's name and query, over the tables of the schema `stored`.

    These are those of :mod:`.holdings` and :mod:`.documents`.
    """
    plain = {name: query for name, query in _questions().items() if not _parameters(query)}
    return dict(sorted({**_queries("views"), **plain}.items()))


def macros() -> Mapping[str, Macro]:
    """Each table macro's name and query, over the views and the tables of the schema `stored`."""
    return {
        name: Macro(f"{name}({', '.join(parameters)})", query)
        for name, query in _questions().items()
        if (parameters := _parameters(query))
    }


def stats() -> Mapping[str, str]:
    """Each statistic's name and query, over the views."""
    return _queries("stats")


def checks() -> Mapping[str, str]:
    """Each check's name and query, over the views of a release: a row in its answer is a fault."""
    return _queries("checks")


def _questions() -> Mapping[str, str]:
    """What is asked of the views, with parameters or without."""
    return dict(sorted({**_queries("drift"), **_queries("leave")}.items()))


def _parameters(query: str) -> list[str]:
    """What the head of a query says of them: `known_on := null`."""
    stated = query.partition("-- parameters:\n")[2].partition("-- columns:\n")[0]
    return [name + default for name, default in _PARAMETER.findall(stated)]


@functools.cache
def _queries(folder: str) -> Mapping[str, str]:
    files = [file for file in (shipped("sql") / folder).iterdir() if file.name.endswith(".sql")]
    by_name = sorted(files, key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in by_name}
