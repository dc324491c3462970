"""The queries that ship in `sql/`. At the head of each stand what it tells, its grain and its columns."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.config import shipped


def views() -> Mapping[str, str]:
    """Each view's name and query, over the tables of the schema `stored`: those of :mod:`.holdings`."""
    return _queries("views")


def stats() -> Mapping[str, str]:
    """Each statistic's name and query, over the views."""
    return _queries("stats")


def checks() -> Mapping[str, str]:
    """Each check's name and query, over the views of a release: a row in its answer is a fault."""
    return _queries("checks")


def _queries(folder: str) -> dict[str, str]:
    files = [file for file in (shipped("sql") / folder).iterdir() if file.name.endswith(".sql")]
    by_name = sorted(files, key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in by_name}
