"""Drift: how the licenses of a store's items changed between two dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalog import views as catalog
from pipelines.catalog.queries import run_query
from pipelines.ledger import ledger_of
from pipelines.progress import UNWATCHED, Watch
from pipelines.release_inputs import choose_inputs
from pipelines.runner import Runner
from pipelines.store.store import Store
from transforms.domain.errors import ConfigError, StateError

if TYPE_CHECKING:
    import duckdb

GRAINS = ("direction", "license", "year", "month")
"""By what drift can be asked for. Each counts distinct owners for itself: they do not add up."""

_NAMED_DATES = 6


@dataclass(frozen=True)
class Span:
    """Two days that are compared.

    Attributes:
        from_date: ISO date.
        to_date: ISO date, not before it.
        known_on: the day whose knowledge counts; None: all that is known now.
    """

    from_date: str
    to_date: str
    known_on: str | None = None

    def __post_init__(self) -> None:
        if self.from_date > self.to_date:
            raise ConfigError(
                f"--from {self.from_date} is after --to {self.to_date}: give the earlier date to --from"
            )

    def __str__(self) -> str:
        known = f"on {self.known_on}" if self.known_on else "now"
        return f"from {self.from_date} to {self.to_date}, as known {known}"

    def question(self, grain: str) -> str:
        """The query for drift by ``grain``."""
        known = f", known_on := date '{self.known_on}'" if self.known_on else ""
        return f"from drift_by_{grain}(date '{self.from_date}', date '{self.to_date}'{known})"


@dataclass(frozen=True)
class Drift:
    """What changed between two days.

    Attributes:
        span: the days.
        tables: by grain, one of :data:`GRAINS`: the answer of its query in `sql/drift/`.
        items: of which something is known on both days.
        license_changed: of these, with another license.
        visibility_changed: of the items, with another visibility, whatever became of the license.
    """

    span: Span
    tables: Mapping[str, pa.Table]
    items: int
    license_changed: int
    visibility_changed: int

    def rows(self, grain: str) -> list[dict[str, Any]]:
        """The answer by ``grain``; months as `2026-11`."""
        rows = self.tables[grain].to_pylist()
        return [{**row, "month": f"{row['month']:%Y-%m}"} for row in rows] if grain == "month" else rows

    @property
    def summary(self) -> str:
        """Such as `433 of 19,923 items have another license (2.17 %), and 210 another visibility`."""
        share = percent(self.license_changed / self.items) if self.items else "none"
        return (
            f"{self.license_changed:,} of {self.items:,} items have another license ({share}),"
            f" and {self.visibility_changed:,} another visibility"
        )


def percent(share: float) -> str:
    """Such as `2.17 %`; what is not nothing does not read as nothing."""
    return "< 0.01 %" if 0 < share < 0.0001 else f"{100 * share:.2f} %"


def measure(store: Store, span: Span, grains: Collection[str], runner: Runner) -> tuple[Drift, str]:
    """The drift of a store's newest manifest by ``grains``, and the digest of the ledger that tells it.

    Raises:
        StateError: there is no manifest or no license snapshot, or no item is known on both days.
    """
    inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
    dates = sorted({table.date for table in inputs.licenses})
    if not dates:
        raise StateError(
            f"{store.url}: holds no license snapshot yet. Take one in: byleave ingest licenses --help"
        )
    if span.known_on and span.known_on < dates[0]:
        raise StateError(
            f"{store.url}: on {span.known_on} no license was known yet. {_name(dates)};"
            " give --known-on one of these days or a later one"
        )
    ledger = ledger_of(store, inputs, runner)
    drift = ask(store, span, grains, runner.watch)
    if not drift.items:
        raise StateError(
            f"{store.url}: of no item anything is known both on {span.from_date} and on {span.to_date}."
            f" {_name(dates)}; give --from one of these days or a later one"
        )
    return drift, ledger.digest


def ask(store: Store, span: Span, grains: Collection[str], watch: Watch = UNWATCHED) -> Drift:
    """The drift by ``grains``, read from a store whose ledger is there."""
    questions = {grain: span.question(grain) for grain in needed(grains)}
    views = {view for question in questions.values() for view in catalog.named_views(question)}
    with catalog.open_catalog(store, needed=views, watch=watch) as connection:
        return answered(connection, span, grains)


def answered(connection: duckdb.DuckDBPyConnection, span: Span, grains: Collection[str]) -> Drift:
    """The drift by ``grains``, from an open catalog."""
    tables = {grain: run_query(connection, span.question(grain)).read_all() for grain in needed(grains)}
    whole = next(table for grain, table in tables.items() if grain != "month")
    counts = {column: _total(whole, column) for column in ("items", "license_changed", "visibility_changed")}
    return Drift(span, tables, **counts)


def needed(grains: Collection[str]) -> Sequence[str]:
    """``grains`` and, if all that is asked for are months, one that counts what did not change too."""
    asked = [grain for grain in GRAINS if grain in grains]
    return asked if asked != ["month"] else ["direction", "month"]


def _total(table: pa.Table, column: str) -> int:
    if column not in table.column_names:  # where both licenses are told, they tell it
        table, column = table.filter(pc.field("license_from") != pc.field("license_to")), "items"
    return pc.sum(table[column]).as_py() or 0


def _name(dates: Sequence[str]) -> str:
    """The days of which there is a snapshot, in words."""
    if len(dates) == 1:
        return f"The license snapshot is of {dates[0]}"
    if len(dates) <= _NAMED_DATES:
        return f"License snapshots are of {', '.join(dates)}"
    return f"There are license snapshots of {len(dates)} days, {dates[0]} to {dates[-1]}"
