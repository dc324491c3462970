"""Editions: releases of one name, night after night. Would the next be another, and what is it called?

The versions of an edition are `<day>-<name>`, then `<day>.1-<name>`, and so on, where the day is the newest
of what it is made of. In natural order they stand as they came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.night.settings import Edition
from pipelines.release import premises_of
from pipelines.release_inputs import Inputs
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import natural


@dataclass(frozen=True)
class Next:
    """An edition's next release.

    Attributes:
        edition: its name and policy.
        version: under which it would be published.
        newest: the release that is out; None if there is none.
        is_due: whether it would be another than ``newest``.
        is_finished: whether the statistics of ``newest`` are out too: a run may have died before.
    """

    edition: Edition
    version: str
    newest: Release | None
    is_due: bool
    is_finished: bool


def next_of(store: Store, inputs: Inputs, edition: Edition) -> Next:
    """What is next for an edition, from documents alone: nothing is computed, nothing written."""
    of_this_name = re.compile(rf"(\d{{4}}\.\d\d\.\d\d)(?:\.(\d+))?-{re.escape(edition.name)}")
    taken = store.releases.versions()
    versions = [found for version in taken if (found := of_this_name.fullmatch(version))]
    newest = store.releases.get(max(versions, key=lambda v: natural(v[0]))[0]) if versions else None
    premises = premises_of(store, inputs, edition.policy)
    is_due = newest is None or any(newest.content.get(name) != value for name, value in premises.items())
    is_finished = newest is None or store.backend.exists(store.releases.stats_path(newest.version))
    day = inputs.as_of.replace("-", ".")
    # Above every number of this day, also above one that was left out: the newest has to be the last.
    numbers = [int(found[2] or 0) for found in versions if found[1] == day]
    version = f"{day}.{max(numbers) + 1}-{edition.name}" if numbers else f"{day}-{edition.name}"
    return Next(edition, version, newest, is_due, is_finished)
