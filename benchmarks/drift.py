"""Drift: how licenses changed between two days, and what they were on one; and the same by hand in DuckDB.

python -m benchmarks.drift --rows 100M [--rounds 2] [--build-only]

The inputs are made first if they are not there. The ledger is built from three snapshots, and again after a
fourth. Then each question is asked of byleave and of DuckDB in turn; the answers must be equal. A question
that fails is left out, which is said; whatever was measured is kept after each step.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.driftworld import CHANGED, SAME, DriftWorld
from benchmarks.history import DAYS
from benchmarks.measure import Figures, measure
from benchmarks.release import copy_of
from benchmarks.report import summary, write_tables
from benchmarks.results import BYLEAVE, Results, rows, short
from benchmarks.worlds import byleave
from pipelines.store.store import close_stores

DATA = Path(__file__).parent / "data"
ITEM = "drift"
_LIMITS = {"duckdb": "", "duckdb in 2 GB": "2GB"}
"""How much memory DuckDB may take, by the name under which it runs: its own choice, or as much as byleave."""

Answer = list[tuple[object, ...]]


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        name: in the tables.
        words: byleave's command, without the store.
        columns: of its answer, those that are compared.
        by_hand: the peer's name for it, and the two dumps that it reads.
    """

    name: str
    words: tuple[str, ...]
    columns: tuple[str, ...]
    by_hand: tuple[str, str, str]

    def command(self, store: Path) -> tuple[str, ...]:
        """Byleave's command."""
        verb, *rest = self.words
        return verb, str(store), *rest, "--json"


_SPAN = ("--from", DAYS[0], "--to", DAYS[-1])
# What is missing on a day is in no dump of it.
_AS_OF = f"""select license, count(*) as items
    from license_as_of(date '{DAYS[1]}', known_on := date '{DAYS[-1]}')
    where visibility <> 'missing' group by all"""
QUESTIONS = (
    Question(
        "by direction",
        ("drift", *_SPAN, "--by", "direction"),
        ("direction", "items", "owners"),
        ("by-direction", DAYS[0], DAYS[-1]),
    ),
    Question(
        "by license",
        ("drift", *_SPAN, "--by", "license"),
        ("license_from", "license_to", "items", "owners"),
        ("by-license", DAYS[0], DAYS[-1]),
    ),
    Question("licenses of a day", ("sql", _AS_OF), ("license", "items"), ("as-of", DAYS[1], DAYS[1])),
)


def compare(results: Results, world: DriftWorld, rounds: int, peers: Sequence[str]) -> None:
    """Build the ledger, then ask each question of byleave and, if it is among ``peers``, of DuckDB.

    Raises:
        SystemExit: an answer is another one.
    """
    close_stores()
    world.build()
    store = world.folder / "measured"
    shutil.rmtree(store, ignore_errors=True)
    measure_ledgers(results, world, copy_of(world.store, store))
    for place in range(1, rounds + 1):
        for question in QUESTIONS:
            _ask(results, world, store, question, peers, place)
            results.write({ITEM})
    shutil.rmtree(store)


def measure_ledgers(results: Results, world: DriftWorld, store: Path) -> None:
    """Build the ledger of ``store``; then, in a copy, what a fourth snapshot adds.

    Raises:
        SystemExit: the first one cannot be built, without which no question is answered.
    """
    _build(results, "ledger of three snapshots", store)
    for name, what in ((SAME, "nothing changed"), (CHANGED, "0.05 % changed")):
        later = copy_of(store, store.with_name(f"measured-{name}"))
        world.take_in_later(name, later)
        try:
            _build(results, f"ledger, a fourth in which {what}", later)
        except SystemExit as error:
            _left_out(what, BYLEAVE, error)
        close_stores()
        shutil.rmtree(later)


def _build(results: Results, what: str, store: Path) -> None:
    results.add(ITEM, what, BYLEAVE, byleave("licenses", "ledger", str(store), folder=store))
    results.write({ITEM})


def _ask(
    results: Results, world: DriftWorld, store: Path, question: Question, peers: Sequence[str], place: int
) -> None:
    ours = None
    try:
        figures = byleave(*question.command(store))
        results.add(ITEM, question.name, BYLEAVE, figures, round=place)
        ours = _ours(question, figures)
    except SystemExit as error:
        _left_out(question.name, BYLEAVE, error)
    name, first, second = question.by_hand
    command = [
        sys.executable,
        "-m",
        "benchmarks.peers.duckdb_drift",
        name,
        *map(str, (world.raw(first), world.raw(second))),
    ]
    for who, limit in _LIMITS.items() if "duckdb" in peers else ():
        try:
            figures = measure([*command, limit])
        except SystemExit as error:
            _left_out(question.name, who, error)
            continue
        results.add(ITEM, question.name, who, figures, round=place)
        theirs = sorted(map(tuple, json.loads(figures.printed)))
        if ours is not None and theirs != ours:
            raise SystemExit(f"{question.name}: byleave says\n  {ours}\n{who} says\n  {theirs}")


def _ours(question: Question, figures: Figures) -> Answer:
    found = json.loads(figures.printed)
    answer = found["rows"] if isinstance(found, dict) else found
    return sorted(tuple(row[column] for column in question.columns) for row in answer)


def _left_out(what: str, who: str, error: SystemExit) -> None:
    print(f"{ITEM}, {what}: {who} left out: {str(error).splitlines()[-1]}", flush=True)


def world_of(number: int) -> DriftWorld:
    """The inputs of so many rows."""
    return DriftWorld(number, DATA / f"drift-{short(number)}")


def main() -> None:
    """Read the options, make the inputs, measure, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1M", type=rows, help="such as 300k, 1M, 10M, 100M")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--build-only", action="store_true", help="make the inputs, and measure nothing")
    options = parser.parse_args()
    world = world_of(options.rows)
    if options.build_only:
        world.build()
        return
    results = Results(options.rows)
    compare(results, world, options.rounds, ["duckdb"])
    print(summary(results.runs))
    write_tables()


if __name__ == "__main__":
    main()
