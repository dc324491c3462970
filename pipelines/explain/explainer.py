"""Explain: why a release holds an item or not, by what is on record; and whether it decided so."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.explain.records import Item, Records
from pipelines.release_inputs import inputs_of
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.domain.policy import Policy
from transforms.domain.purposes import PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.reasons import BIT, PRECEDENCE
from transforms.domain.schemas import EXCLUDED, ITEMS
from transforms.explain import Evidence, Findings, Row, find, reasons_for

_ENTRY = ("list", "request", "kind", "source", "key", "state", "received_on", "purposes", "by")


@dataclass(frozen=True)
class Explanation:
    """An item in the light of a release.

    Attributes:
        evidence: all that is on record.
        found: what it comes to.
        reasons: by which the release's policy leaves the item out, by the evidence; none keeps it.
        decided: the reasons that the release states; None if it holds no word of the item.
        verdicts: by purpose, the reasons under the release's policy with that purpose.
    """

    evidence: Evidence
    found: Findings
    reasons: list[str]
    decided: list[str] | None
    verdicts: Mapping[str, list[str]]

    @property
    def agrees(self) -> bool:
        """Whether the evidence gives what the release decided."""
        return self.reasons == self.decided

    @property
    def item(self) -> Item:
        """Its source and id."""
        return self.evidence.item["source"], self.evidence.item["item_id"]


class Explainer:
    """Explains what one release decided."""

    def __init__(self, store: Store, release: Release) -> None:
        self._store = store
        self.release = release
        self.inputs = inputs_of(store, release)
        self.records = Records(store, self.inputs)
        stated = {name: value for name, value in release.content["policy"].items() if name != "digest"}
        self.policy = Policy.from_dict(stated)

    @cached_property
    def on(self) -> datetime.date:
        """The day of the release; where nothing in it has one, every day is before it."""
        return datetime.date.fromisoformat(self.inputs.as_of) if self.inputs.as_of else datetime.date.max

    def explain(self, items: Sequence[Item]) -> Iterator[Explanation]:
        """Each of the items that the manifest has. Of many, each bucket is read once."""
        evidence = [*self.records.evidence(items)]
        decided = self._decided([(each.item["source"], each.item["item_id"]) for each in evidence])
        for each in evidence:
            found = find(each, self.on, self.policy.observers)
            verdicts = {purpose: reasons_for(found, _for(self.policy, purpose)) for purpose in PURPOSES}
            item = (each.item["source"], each.item["item_id"])
            yield Explanation(each, found, reasons_for(found, self.policy), decided.get(item), verdicts)

    def requests_about(self, items: Sequence[Item]) -> list[Row]:
        """Every entry of an opt-out list that concerns one of the items, once; the oldest list first."""
        found: dict[tuple[Any, ...], Row] = {}
        for each in self.records.evidence(items):
            for entry in each.requests:
                found.setdefault(tuple(entry[name] for name in _ENTRY), entry)
        return sorted(
            found.values(), key=lambda entry: (entry["received_on"], entry["request"], entry["key"])
        )

    def _decided(self, items: Sequence[Item]) -> dict[Item, list[str]]:
        """What the release itself states of items."""
        homes: dict[int, list[Item]] = defaultdict(list)
        for item, key in self.records.keys(items).items():
            homes[key].append(item)
        decided: dict[Item, list[str]] = {}
        for key, some in homes.items():
            parts = self.release.parts
            for item, bits in _read(self._store, parts["excluded"].get(key), some, "reasons").items():
                decided[item] = [reason for reason in PRECEDENCE if bits & BIT[reason]]
            for item in _read(self._store, parts["items"].get(key), some, None):
                # An item in both parts would be a defect, and agrees with nothing.
                decided[item] = [*decided[item], "kept"] if item in decided else []
        return decided

    def of_owner(self, source: str, owner: str) -> tuple[list[Item], dict[str, int]]:
        """The items of an owner, and how many the release leaves out by which first reason, or keeps."""
        items = self.records.of_owner(source, owner)
        first = (reasons[0] if reasons else "kept" for reasons in self._decided(items).values())
        return items, dict(Counter(first).most_common())


def _for(policy: Policy, purpose: str) -> Policy:
    """The policy with another purpose; for one about people it asks them, whatever it does for its own."""
    if purpose == policy.purpose or purpose not in PEOPLE_SENSITIVE:
        return replace(policy, purpose=purpose)
    asks = "require-grant"
    return replace(policy, purpose=purpose, people_present=asks, people_unknown=asks, grant="depicted")


def held_by(store: Store, items: Sequence[Item]) -> dict[Item, list[str]]:
    """For each item the versions of the releases that hold it. A part that several share is read once."""
    releases, keys = store.releases.all(), dict[str, dict[Item, int]]()
    asked: dict[tuple[Blob, tuple[Item, ...]], list[str]] = defaultdict(list)
    for release in releases:
        manifest = release.content["inputs"]["manifest"]["digest"]
        if manifest not in keys:
            keys[manifest] = Records(store, inputs_of(store, release)).keys(items)
        homes: dict[int, list[Item]] = defaultdict(list)
        for item, key in keys[manifest].items():
            homes[key].append(item)
        for key, some in homes.items():
            if (part := release.parts["items"].get(key)) is not None:
                asked[part, tuple(some)].append(release.version)
    held: dict[Item, list[str]] = {item: [] for item in items}
    read = in_threads(lambda one: _read(store, one[0], one[1], None), list(asked), store.blobs_at_once)
    for versions, found in zip(asked.values(), read, strict=True):
        for item in found:
            held[item] += versions
    order = [release.version for release in releases]
    return {item: sorted(versions, key=order.index) for item, versions in held.items()}


def _read(store: Store, blob: Blob | None, items: Sequence[Item], column: str | None) -> dict[Item, Any]:
    """A column of the rows of a part that are about ``items``."""
    if blob is None:
        return {}
    columns = ["source", "item_id", *([column] if column else [])]
    schema = EXCLUDED if column else ITEMS
    rows = store.blobs.get_table(blob, columns, schema=schema)
    few = rows.filter(pc.is_in(rows["item_id"], pa.array([item for _, item in items], pa.string())))
    wanted = {*items}
    found = {(row["source"], row["item_id"]): row.get(column) for row in few.to_pylist()}
    return {item: value for item, value in found.items() if item in wanted}
