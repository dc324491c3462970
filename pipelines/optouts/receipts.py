"""Receipts: what became of a request, for whoever asked. Read from lists, release documents and memos."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.optouts.requests import entries_of, same_targets, waiting
from pipelines.optouts.weighing import items_released, weigh_targets
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import KINDS, OPT_OUTS
from transforms.domain.errors import StateError
from transforms.domain.purposes import BIT, PURPOSES
from transforms.intake import targets_of, told
from transforms.lifecycle import ACTIVE, EXPIRED, HELD, RECEIVED, WITHDRAWN, fates_of, purposes_left

REFUSED, RESTORED = "refused", "restored"


@dataclass(frozen=True)
class Receipt:
    """What became of a request.

    Attributes:
        request: its id.
        as_of: ISO date of which it speaks.
        state: `received`: it counts from a later day on, or no release was cut since; `held`: it waits for a
            person; `refused`: a person said no; `active`: it counts, and releases honor it; `expired`;
            `withdrawn`: it no longer counts; `restored`: nor does it, and a release holds its items again.
        held_for: why it waits, or waited.
        dates: requested, received, effective, expires, withdrawn: the first of each, as far as there is one.
        entries: of its own, in which it names what it means; those made of contents are among them.
        lists: that hold its entries.
        purposes: for which anything of it stands.
        honored: the first release that honors it, by the release's purpose.
        items: of the newest manifest that it meets, each target counted by itself.
        owners: likewise.
        manifest: its name; empty if there is none.
    """

    request: str
    as_of: str
    state: str
    held_for: tuple[str, ...]
    dates: dict[str, str]
    entries: int
    lists: tuple[str, ...]
    purposes: tuple[str, ...]
    honored: dict[str, str]
    items: int
    owners: int
    manifest: str

    def to_json(self) -> dict[str, Any]:
        """The receipt for programs."""
        return asdict(self)


def receipt(store: Store, request: str, *, as_of: str | None = None, watch: Watch = UNWATCHED) -> Receipt:
    """What became of a request by a day: the newest of which the store knows, without ``as_of``.

    Raises:
        StateError: there is no such request.
    """
    entries = entries_of(store, [request])
    day = as_of or newest_day(store)
    if len(entries):
        known = [table.name for table in store.tables.all(OPT_OUTS) if table.date <= day]
        entries = entries.filter(pc.is_in(entries["list"], pa.array(known, pa.string())))
    if not len(entries):
        raise StateError(f"{store.url}: there is no request {request!r} received by {day or 'now'}")
    on = datetime.date.fromisoformat(day)
    asked = entries.filter(pc.not_equal(entries["state"], "withdrawn"))
    ledger = same_targets(store, entries)
    fates = fates_of(asked, ledger, on)
    releases = [each for each in store.releases.all() if each.content["as_of"] <= day]
    weighing = weigh_targets(store, targets_of(asked), watch)
    met = told(asked.group_by(["kind", "source", "key"]).aggregate([]), weighing.weights)
    waits = set(waiting(store, day)["request"].to_pylist())
    state = _state(fates, asked, ledger, releases, waits=request in waits)
    if state == WITHDRAWN and _restored(store, asked, ledger, releases):
        state = RESTORED
    return Receipt(
        request,
        day,
        state,
        tuple(sorted(set(asked["held_for"].drop_null().to_pylist()))),
        _dates(asked, ledger if state in (REFUSED, WITHDRAWN, RESTORED) else ledger.slice(0, 0)),
        len(asked),
        tuple(sorted(set(entries["list"].to_pylist()))),
        _names(purposes_left(asked, ledger, on)),
        _honored(asked, ledger, releases),
        pc.sum(met["items"]).as_py() or 0,
        pc.sum(met["owners"]).as_py() or 0,
        weighing.manifest,
    )


def newest_day(store: Store) -> str:
    """The newest day of which anything in the store knows; no clock is read."""
    dates = [table.date for kind in KINDS for table in store.tables.all(kind)]
    return max([*dates, *(release.content["as_of"] for release in store.releases.all())], default="")


def _state(
    fates: Sequence[str],
    asked: pa.Table,
    ledger: pa.Table,
    releases: Sequence[Release],
    *,
    waits: bool,
) -> str:
    """Of the whole request: whatever of it still counts goes before what does not."""
    found = set(fates)
    if ACTIVE in found:
        return ACTIVE if _honored(asked, ledger, releases) else RECEIVED
    if RECEIVED in found:
        return RECEIVED
    if waits:
        return HELD
    if WITHDRAWN in found:
        return WITHDRAWN
    if EXPIRED in found:
        return EXPIRED
    return REFUSED if HELD in found else WITHDRAWN


def _honored(asked: pa.Table, ledger: pa.Table, releases: Sequence[Release]) -> dict[str, str]:
    """By purpose the first release for which an entry stood that it was made of. Each passed the gate."""
    first: dict[str, str] = {}
    for release in releases:
        purpose = release.content["purpose"]
        made_of = {table["name"] for table in release.content["inputs"]["opt_outs"]}
        known = asked.filter(pc.is_in(asked["list"], pa.array(sorted(made_of), pa.string())))
        if purpose in first or not len(known):
            continue
        then = ledger.filter(pc.is_in(ledger["list"], pa.array(sorted(made_of), pa.string())))
        on = datetime.date.fromisoformat(release.content["as_of"])
        if any(bits & BIT[purpose] for bits in purposes_left(known, then, on)):
            first[purpose] = release.version
    return first


def _restored(store: Store, asked: pa.Table, ledger: pa.Table, releases: Sequence[Release]) -> bool:
    """Whether a release holds items of the request again, made of lists by which nothing of it stands."""
    asked = asked.filter(pc.equal(asked["state"], ACTIVE))  # what only waited was never left out
    newest: dict[str, Release] = {}
    for release in releases:
        made_of = pa.array([table["name"] for table in release.content["inputs"]["opt_outs"]], pa.string())
        known, then = (entries.filter(pc.is_in(entries["list"], made_of)) for entries in (asked, ledger))
        on = datetime.date.fromisoformat(release.content["as_of"])
        if len(known) and set(fates_of(known, then, on)) == {WITHDRAWN}:
            newest[release.content["purpose"]] = release
    targets = targets_of(asked)
    return any(items_released(store, release, targets) for release in newest.values())


def _dates(asked: pa.Table, ledger: pa.Table) -> dict[str, str]:
    days = {
        name.removesuffix("_on"): pc.min(asked[name]).as_py()
        for name in ("requested_on", "received_on", "effective_on", "expires_on")
    }
    days["withdrawn"] = pc.max(ledger.filter(pc.equal(ledger["state"], "withdrawn"))["received_on"]).as_py()
    return {name: day.isoformat() for name, day in days.items() if day is not None}


def _names(bits: Sequence[int]) -> tuple[str, ...]:
    every = 0
    for each in bits:
        every |= each
    return tuple(purpose for purpose in PURPOSES if every & BIT[purpose])
