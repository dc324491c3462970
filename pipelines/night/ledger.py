"""What was taken in from where: so that a file of 50 GB is not read every night to find that it is known.

The truth about what a store holds are its tables, which name the digests of what they were made of. The
ledger only remembers that a file with this stamp became that snapshot. Without it everything is read once
more, and found to be there.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pipelines.night.inbox import Unit
from pipelines.store.documents import canonical
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError, RetryError

_ATTEMPTS = 16


class Ledger:
    """The object `inbox.json` of a dataset."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = f"{store.dataset.path}/inbox.json"
        self._kinds = self._read()[0]

    def _read(self) -> tuple[dict[str, dict[str, Any]], str | None]:
        found = self._store.backend.read_generation(self._path)
        if found is None:
            return {}, None
        try:
            kinds = json.loads(found[0])
            return {kind: {p: dict(e) for p, e in units.items()} for kind, units in kinds.items()}, found[1]
        except (ValueError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{self._path}: not a ledger ({error!r}). Remove it: every file is then read once more"
            ) from error

    def knows(self, unit: Unit, there: Collection[str]) -> bool:
        """Whether these very files were taken in, and what they became is among the tables ``there``."""
        entry = self._kinds.get(unit.kind, {}).get(unit.place)
        if entry is None or None in unit.stamps.values():
            return False
        return entry.get("stamps") == unit.stamps and entry.get("snapshot") in there

    def note(self, unit: Unit, snapshot: str) -> None:
        """Remember what a unit became; nothing is written if that is known.

        Raises:
            RetryError: others write it all the time.
        """
        entry = {"snapshot": snapshot, "stamps": dict(unit.stamps)}
        for _ in range(_ATTEMPTS):
            self._kinds, generation = self._read()
            if self._kinds.get(unit.kind, {}).get(unit.place) == entry:
                return
            self._kinds.setdefault(unit.kind, {})[unit.place] = entry
            if self._store.backend.replace(self._path, canonical(self._kinds), generation):
                return
        raise RetryError(f"{self._path}: {_ATTEMPTS} times another run wrote it first. Run it again")
