"""A person's word on requests: approve or refuse what is held, withdraw what stands. Each makes a list."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.optouts.intake import Intake, accept, commit_entries, take_in, told_how
from pipelines.optouts.requests import (
    APPROVED,
    REFUSED,
    WITHDRAWN,
    entries_of,
    same_targets,
    stated,
    unwithdrawn,
    waiting,
)
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.store import Store
from pipelines.store.tables import OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, StateError
from transforms.domain.targets import parse_targets
from transforms.domain.texts import shown
from transforms.formats.optouts.entries import OF_A_PLATFORM, merge_lists

_MARK = {"alias": "alias:", "name": "name:", "tag": "#", "url": "https://", "host": "host:"}
_REFUSAL = "refusal"  # origin of a refusal: it cancels nothing that somebody else asked for


def approve(
    store: Store,
    requests: Collection[str],
    *,
    received_on: str,
    evidence: str,
    lists: Collection[str] = (),
    only_items: bool = False,
    watch: Watch = UNWATCHED,
) -> tuple[Table, Intake]:
    """The list by which held requests count from ``received_on`` on, and what they meet.

    Args:
        store: whose ledger holds them.
        requests: their ids.
        received_on: ISO date of the decision.
        evidence: why, or by whom it was decided.
        lists: names of lists of which everything that waits is approved too.
        only_items: take an opted-out item for itself, and not for its bytes.
        watch: shows how far it is.

    Raises:
        StateError: one of them does not wait, or names nothing that could be looked for.
        ConfigError: the day is before the one on which one of them came in.
    """
    entries = _waiting(store, requests, lists)
    _check_days(entries, received_on, same_day=True)
    entries = _understood(entries)
    day = pa.scalar(datetime.date.fromisoformat(received_on), pa.date32())
    begins = pc.max_element_wise(entries["effective_on"], day)
    written = _changed(entries, state="active", day=received_on, evidence=evidence, effective_on=begins)
    intake = accept(store, written, only_items=only_items, watch=watch)
    files = told_how(_made_of(store, entries, APPROVED), only_items=only_items)
    return take_in(store, intake, files, received_on), intake


def refuse(
    store: Store, requests: Collection[str], *, received_on: str, evidence: str, lists: Collection[str] = ()
) -> Table:
    """The list by which held requests are refused; for the rest see :func:`approve`."""
    entries = _waiting(store, requests, lists)
    _check_days(entries, received_on, same_day=True)
    written = _changed(entries, state="withdrawn", day=received_on, evidence=evidence, origin=_REFUSAL)
    return commit_entries(store, written, _made_of(store, entries, REFUSED), received_on)


def withdraw(store: Store, requests: Collection[str], *, received_on: str, evidence: str) -> Table:
    """The list by which requests cease to count from ``received_on`` on: what they removed comes back.

    Raises:
        StateError: one of them does not stand, or somebody else asked the same, so that taking this one back
            would take back that one.
        ConfigError: one of them came in on that day or later.
    """
    entries = unwithdrawn(store, entries_of(store, requests), received_on)
    _check_known(requests, entries, "stands, so there is nothing to withdraw")
    _check_days(entries, received_on, same_day=False)
    if waits := _asked_by_others(waiting(store, received_on), entries, requests):
        raise StateError(
            f"{', '.join(waits)}: asks for the same as {', '.join(sorted(requests))} and still waits, and the"
            " ledger cannot tell who asked. Approve or refuse it first"
        )
    asked = unwithdrawn(store, same_targets(store, entries), received_on)
    if others := _asked_by_others(asked, entries, requests):
        raise StateError(
            f"{', '.join(sorted(requests))}: the same was asked by {', '.join(others)}, and the ledger cannot"
            " tell who asked. Withdraw all of them together, or none"
        )
    written = _changed(entries, state="withdrawn", day=received_on, evidence=evidence)
    return commit_entries(store, written, _made_of(store, entries, WITHDRAWN), received_on)


def _waiting(store: Store, requests: Collection[str], lists: Collection[str]) -> pa.Table:
    held = waiting(store)
    by_request = pc.is_in(held["request"], pa.array(sorted(requests), pa.string()))
    by_list = pc.is_in(held["list"], pa.array(sorted(lists), pa.string()))
    _check_known(requests, held, "waits for anybody: byleave opt-outs list --held says what does")
    for name in sorted(lists):
        if name not in held["list"].unique().to_pylist():
            raise StateError(f"list {name}: nothing of it waits: byleave opt-outs list --held says what does")
    return held.filter(pc.or_(by_request, by_list))


def _check_known(requests: Collection[str], entries: pa.Table, what: str) -> None:
    there = set(entries["request"].unique().to_pylist())
    if missing := [request for request in sorted(requests) if request not in there]:
        raise StateError("\n".join(f"request {request}: nothing of it {what}" for request in missing))


def _check_days(entries: pa.Table, received_on: str, *, same_day: bool) -> None:
    newest = pc.max(entries["received_on"]).as_py().isoformat()
    if newest > received_on or (newest == received_on and not same_day):
        later = "that day or a later one" if same_day else "a later day: on one day an opt-out stands"
        raise ConfigError(f"--received-on {received_on}: an entry came in on {newest}. Name {later}")


def _understood(entries: pa.Table) -> pa.Table:
    """The entries with what their keys name; some were held because they are no name of anything.

    An address on Flickr that is looked for as the address that it is stays one: it names an item besides.
    """
    marks = pa.array([_MARK.get(kind, "") for kind in entries["kind"].to_pylist()], pa.string())
    found = parse_targets(pc.binary_join_element_wise(marks, entries["key"].combine_chunks(), ""))
    nothing = entries["raw"].filter(pc.is_null(found["kind"])).to_pylist()
    if nothing:
        raise StateError(
            f"{', '.join(map(shown, nothing))}: names nothing that can be looked for, so it cannot be"
            " approved. Refuse it, and take in what is meant"
        )
    address = pc.and_(pc.equal(entries["kind"], "url"), pc.is_in(found["kind"], pa.array(OF_A_PLATFORM)))
    for name in ("kind", "key"):
        read = pc.if_else(address, entries[name], found[name])
        entries = entries.set_column(entries.schema.get_field_index(name), name, read)
    return entries


def _changed(entries: pa.Table, *, state: str, day: str, evidence: str, **more: object) -> pa.Table:
    """Entries of the ledger that say of the same targets what was decided on a day."""
    date = pa.scalar(datetime.date.fromisoformat(day), pa.date32())
    said: dict[str, object] = {
        "state": state,
        "held_for": None,
        "received_on": date,
        "effective_on": date,
        "evidence": evidence,
        **({"expires_on": None} if state == "withdrawn" else {}),
        **more,
    }
    columns = []
    for field in schemas.OPT_OUTS:
        value = said.get(field.name, entries[field.name])
        if not isinstance(value, pa.ChunkedArray | pa.Array):
            one = value if isinstance(value, pa.Scalar) else pa.scalar(value, field.type)
            value = pa.repeat(one, len(entries))
        columns.append(value)
    return merge_lists([pa.table(columns, schema=schemas.OPT_OUTS)])


def _asked_by_others(asked: pa.Table, entries: pa.Table, requests: Collection[str]) -> list[str]:
    """The requests among ``asked`` that withdrawing these entries would withdraw too."""
    same = pc.is_in(_by_whom(asked), _by_whom(entries))
    mine = pc.is_in(asked["request"], pa.array(sorted(requests), pa.string()))
    return sorted(set(asked.filter(pc.and_not(same, mine))["request"].to_pylist()))


def _by_whom(entries: pa.Table) -> pa.Array:
    """One text for each target and whoever asks: by which a withdrawal finds what it ends."""
    parts = [entries[name].fill_null("") for name in ("kind", "source", "key", "origin", "requester")]
    return pc.binary_join_element_wise(*parts, "\x1f").combine_chunks()


def _made_of(store: Store, entries: pa.Table, how: str) -> list[dict[str, object]]:
    """The lists whose entries were decided on, in the place of files."""
    names = sorted(set(entries["list"].to_pylist()))
    return [stated(store.tables.get(OPT_OUTS, name), how) for name in names]
