"""Disclosures: what each `stats.duckdb` told and withheld, in the order in which they were made.

``disclosures/<number>.json`` is created only if absent, before the file that it speaks of. Whoever makes the
next one reads all of them: it must not give away what an earlier one withheld. They hold exact counts, those
that were withheld too, and are not for the public.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.documents import canonical
from pipelines.threads import in_threads
from transforms.disclosure import Cell, Cells, Key, Pattern, Withheld
from transforms.domain.errors import IntegrityError

FORMAT = "byleave-disclosure/1"


@dataclass(frozen=True)
class Disclosure:
    """What the statistics of a release told.

    Attributes:
        version: of the release.
        release: its digest.
        k: the fewest items and owners that a published number stands for.
        tables: the exact counts.
        withheld: what of them was not published, by table; None: nothing was published.
    """

    version: str
    release: str
    k: int
    tables: Mapping[str, Cells]
    withheld: Mapping[str, Withheld] | None

    def to_json(self) -> dict[str, Any]:
        """The document."""
        withheld = self.withheld
        return {
            "format": FORMAT,
            "version": self.version,
            "release": self.release,
            "k": self.k,
            "tables": {name: _cells_to_json(cells) for name, cells in self.tables.items()},
            "withheld": withheld and {name: _withheld_to_json(each) for name, each in withheld.items()},
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], place: str) -> Disclosure:
        """What :meth:`to_json` wrote.

        Raises:
            IntegrityError: the document is of another form.
        """
        found = value.get("format") if isinstance(value, Mapping) else None
        if found != FORMAT:
            raise IntegrityError(f"{place}: its format is {found!r}; this version reads {FORMAT}")
        try:
            withheld = value["withheld"]
            return Disclosure(
                value["version"],
                value["release"],
                value["k"],
                {name: _cells_from_json(cells) for name, cells in value["tables"].items()},
                withheld and {name: _withheld_from_json(each) for name, each in withheld.items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"{place}: not a disclosure of byleave ({error!r})") from error


class Disclosures:
    """The disclosures of one dataset."""

    def __init__(self, backend: Backend, dataset_path: str) -> None:
        self._backend = backend
        self._root = f"{dataset_path}/disclosures"

    def all(self) -> list[Disclosure]:
        """Every disclosure, the first one first.

        Raises:
            IntegrityError: one is missing, or of another form.
        """
        paths = list(self._backend.list(self._root))
        missing = {self._path(number) for number in range(1, len(paths) + 1)} - set(paths)
        if missing:
            raise IntegrityError(f"{self._backend.url}/{min(missing)}: is missing; there are later ones")
        return list(in_threads(self._read, paths, self._backend.reads_at_once))

    def add(self, number: int, disclosure: Disclosure) -> bool:
        """Note a disclosure as the one with ``number``, from 1; False if there is one already."""
        return self._backend.create(self._path(number), canonical(disclosure.to_json()))

    def _read(self, path: str) -> Disclosure:
        try:
            return Disclosure.from_json(json.loads(self._backend.read(path)), path)
        except ValueError as error:
            raise IntegrityError(f"{path}: not a disclosure of byleave ({error!r})") from error

    def _path(self, number: int) -> str:
        return f"{self._root}/{number:08d}.json"


def _sorted(keys: Iterable[Key]) -> list[Key]:
    return sorted(keys, key=lambda key: [(part is not None, part or "") for part in key])


def _cells_to_json(cells: Cells) -> list[list[Any]]:
    return [[*key, cells[key].items, cells[key].owners] for key in _sorted(cells)]


def _cells_from_json(rows: Iterable[list[Any]]) -> dict[Key, Cell]:
    return {tuple(key): Cell(items, owners) for *key, items, owners in rows}


def _withheld_to_json(withheld: Withheld) -> dict[str, Any]:
    def patterns(each: Iterable[Pattern]) -> list[Any]:
        return [
            {"reach": p.reach, "threads": [[*key, p.threads[key]] for key in _sorted(p.threads)]}
            for p in each
        ]

    return {
        "patterns": patterns(withheld.patterns),
        "loose": patterns(withheld.loose),
        "known": [list(key) for key in _sorted(withheld.known)],
    }


def _withheld_from_json(value: Mapping[str, Any]) -> Withheld:
    def patterns(each: Iterable[Mapping[str, Any]]) -> tuple[Pattern, ...]:
        return tuple(Pattern({tuple(key): t for *key, t in p["threads"]}, p["reach"]) for p in each)

    known = frozenset(tuple(key) for key in value["known"])
    return Withheld(patterns(value["patterns"]), patterns(value["loose"]), known)
