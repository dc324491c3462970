"""Intake: entries that were read become a list of the ledger, less what has to wait for a person.

The one way into the ledger, for files and for a person's word alike. A dry run stops before the list is made.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lists import commit_list
from pipelines.optouts.requests import APPROVED, was_read
from pipelines.optouts.samebytes import without_asked_otherwise
from pipelines.optouts.weighing import Weighing, weigh_targets
from pipelines.plurals import counted
from pipelines.progress import UNWATCHED, Watch
from pipelines.steps.opt_outs import counts_of
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS, OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import InputError, StateError
from transforms.formats.optouts.entries import merge_lists, turns_of
from transforms.intake import Rules, hold, targets_of, with_contents, without_bytes

Files = Sequence[Mapping[str, Any]]
"""What a list was made of: name, bytes, sha256, format of each file; origin and only_items where stated."""


@dataclass(frozen=True)
class Intake:
    """A list as it would be taken in.

    Attributes:
        entries: in ``schemas.OPT_OUTS``, with those of contents.
        weighing: what the targets of all entries meet in the newest manifest.
        whole: why the list is held as a whole; empty where it is not.
        derived: how many of the entries are of contents of items that the list opts out.
    """

    entries: pa.Table
    weighing: Weighing
    whole: str
    derived: int


def weigh_list(
    store: Store,
    entries: pa.Table,
    files: Files,
    received_on: str,
    rules: Rules,
    watch: Watch = UNWATCHED,
) -> Intake:
    """What would become of entries that were read, by the rules. Writes no list.

    Args:
        store: whose newest manifest they are weighed against.
        entries: in ``schemas.OPT_OUTS``.
        files: they were read from.
        received_on: ISO date.
        rules: of the intake.
        watch: shows how far it is.
    """
    weighing = weigh_targets(store, targets_of(entries), watch)  # also of what is held: a person will ask
    whole = _drift(store, len(entries), files, received_on, rules)
    held = hold(entries, weighing.weights, weighing.items, rules, whole=whole)
    contents, weighing = _contents(store, held, weighing, rules, watch)
    derived = hold(contents, weighing.weights, weighing.items, rules)
    taken = merge_lists([held, derived]) if len(derived) else held
    return Intake(taken, weighing, whole, len(taken) - len(entries))


def _contents(
    store: Store, entries: pa.Table, weighing: Weighing, rules: Rules, watch: Watch
) -> tuple[pa.Table, Weighing]:
    """The entries that cover the same bytes under other ids; what they meet, besides what was weighed."""
    if rules.only_items:
        return schemas.OPT_OUTS.empty_table(), weighing
    contents = without_asked_otherwise(store, _told(store, entries, weighing, watch), entries)
    if not len(contents):
        return contents, weighing
    more = weigh_targets(store, targets_of(contents), watch)
    weights = pa.concat_tables([weighing.weights, more.weights]).combine_chunks()
    return contents, Weighing(weighing.manifest, weighing.items, weights)


def _told(store: Store, entries: pa.Table, weighing: Weighing, watch: Watch) -> pa.Table:
    """The entries of contents by the newest manifest that tells any bytes of an item.

    One that was weighed and has none, or no longer has the item, does not end what an earlier one told.
    """
    told = [with_contents(entries, weighing.weights, weighing.manifest)]
    items = entries.filter(pc.and_(pc.equal(entries["kind"], "item"), pc.not_equal(entries["state"], "held")))
    left = without_bytes(targets_of(items), weighing.weights)
    for manifest in reversed(store.tables.tips(MANIFESTS)[:-1]):
        if not len(left):
            break
        # Only an item's own row tells its bytes: rows that show it are not looked for.
        weights = weigh_targets(store, left, watch, replace(manifest, foreign=False)).weights
        told.append(with_contents(entries, weights, manifest.name))
        left = without_bytes(left, weights)
    return pa.concat_tables(told).combine_chunks()


def _drift(store: Store, entries: int, files: Files, received_on: str, rules: Rules) -> str:
    """Why a list is held as a whole: it is too unlike its last version that stands."""
    before = _last_version(store.tables.all(OPT_OUTS), files, received_on)
    if before is None:
        return ""
    why = rules.drift(before.counts["rows"] - before.counts.get("derived", 0), entries)
    return f"{why} since {before.name}" if why else ""


def _last_version(tables: Sequence[Table], files: Files, received_on: str) -> Table | None:
    """The last list of the same origin, or of the same file names, that was not held or is approved."""
    approved = {file["name"] for table in tables for file in table.files if file["format"] == APPROVED}
    versions = [
        table
        for table in tables
        if was_read(table)
        and table.date <= received_on
        and _series(table.files) == _series(files)
        and (not table.counts.get("held_whole") or table.name in approved)
    ]
    return versions[-1] if versions else None


def _series(files: Files) -> set[str]:
    """What versions of one list have in common."""
    return {file.get("origin") or PurePosixPath(file["name"]).name for file in files}


def told_how(
    files: Sequence[Mapping[str, Any]], *, origin: str | None = None, only_items: bool = False
) -> list[dict[str, Any]]:
    """``files``, with what was said of them when they were taken in."""
    said = {"origin": origin, "only_items": only_items}
    return [{**file, **{name: value for name, value in said.items() if value}} for file in files]


def is_of_items_alone(files: Files) -> bool:
    """Whether a list takes opted-out items for themselves, and not for their bytes."""
    return any(file.get("only_items") for file in files)


def accept(store: Store, entries: pa.Table, *, only_items: bool = False, watch: Watch = UNWATCHED) -> Intake:
    """What would become of entries on which a person decided: nothing is held. Writes no list.

    Raises:
        StateError: the bytes of an item are those of more items than one request may meet, which nobody has
            decided on: it may be what a platform shows where an image is gone.
    """
    weighing = weigh_targets(store, targets_of(entries), watch)
    contents, weighing = _contents(store, entries, weighing, Rules(only_items=only_items), watch)
    derived = hold(contents, weighing.weights, weighing.items, Rules())
    many = derived.filter(pc.equal(derived["state"], "held")).slice(0, 1).to_pylist()
    if many:
        raise StateError(
            f"request {many[0]['request']}: the bytes of {many[0]['raw']} are {many[0]['key']}:"
            f" {many[0]['held_for']}. Approve the items alone: --only-items; and take in the hash itself if"
            " it is meant"
        )
    taken = merge_lists([entries, contents])
    return Intake(taken, weighing, "", len(taken) - len(entries))


def take_in(store: Store, intake: Intake, files: Files, received_on: str) -> Table:
    """The list of an intake, made visible.

    Raises:
        InputError: it is held as a whole and withdraws anything: neither its word nor that of its last
            version may be lost meanwhile, and what may be a mistake ends no opt-out.
        StateError: the same entries were taken in that day, with another answer to what items stand for.
    """
    counts = counts_of(intake.entries)
    if intake.whole and counts["withdrawn"]:
        raise InputError(
            f"{', '.join(file['name'] for file in files)}: {intake.whole}, and"
            f" {counted(counts['withdrawn'], 'entry', 'entries')} of it would end opt-outs. Nothing was taken"
            " in. If it is meant so, accept it: --max-shrink or --max-growth"
        )
    more = {"derived": intake.derived, "held_whole": counts["held"] if intake.whole else 0}
    table = commit_entries(store, intake.entries, files, received_on, more)
    if is_of_items_alone(table.files) != is_of_items_alone(files):
        how = "with" if is_of_items_alone(table.files) else "without"
        raise StateError(
            f"opt-outs {table.name!r} is there already, and was taken in {how} --only-items. Lists are"
            " written once: take it in as it was, or as of a later day"
        )
    return table


def commit_entries(
    store: Store, entries: pa.Table, files: Files, received_on: str, more: Mapping[str, int] | None = None
) -> Table:
    """The list of these entries, with ``more`` counts."""
    return commit_list(
        store,
        OPT_OUTS,
        store.blobs.put_table(entries, schemas.OPT_OUTS),
        day=received_on,
        counts={**counts_of(entries), **(more or {})},
        files=files,
        turns=turns_of(entries, datetime.date.fromisoformat(received_on)),
    )
