"""What an ingest does next: from the results of one stage to the actions of the following one.

Plans are pure functions of results, and are pickled with the job: a worker that plans comes to the same
actions as the driver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.actions import Action, Done
from pipelines.steps import index, merge
from pipelines.store.blobs import Blob
from pipelines.store.routed import Routed, Slice
from pipelines.store.tables import LICENSES, MANIFESTS
from transforms.domain import subbuckets
from transforms.domain.errors import TooManyQuarantined
from transforms.domain.subbuckets import SubBucket

MAX_QUARANTINED_SHARE = 0.01


def _group(routed: Iterable[Routed]) -> dict[int, list[Slice]]:
    groups: dict[int, list[Slice]] = {}
    for each in routed:
        for bucket, piece in each.slices():
            groups.setdefault(bucket, []).append(piece)
    return groups


def _routed(done: Sequence[Done], name: str) -> Iterable[Routed]:
    return (routed for each in done for routed in each.result.routed.get(name, ()))


@dataclass(frozen=True)
class PlanPartition:
    """One action for each split."""

    actions: tuple[Action, ...]

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        return self.actions


@dataclass(frozen=True)
class PlanIndex:
    """One action for each shard that splits have entries for."""

    buckets: int
    before: Mapping[int, Blob] = field(default_factory=dict)
    max_quarantined_share: float = 1.0

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        check_quarantine(results[0], self.max_quarantined_share)
        groups = _group(_routed(results[0], "index"))
        return [
            index.action(shard, self.before.get(shard), slices, self.buckets)
            for shard, slices in sorted(groups.items())
        ]


@dataclass(frozen=True)
class PlanManifestMerge:
    """One action for each bucket that rows go to, or that loses an item to another; several where it is big.

    A bucket is divided by how many items it comes to have, which the index knows, and not by the rows that
    come in: so that a snapshot does not depend on how often a row was read, or on top of what.
    """

    buckets: int
    limit_rows: int
    before: Mapping[int, Blob] = field(default_factory=dict)

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        rows = _group(_routed(results[0], "rows"))
        losers = _group(_routed(results[1], "losers"))
        before = subbuckets.by_home(self.before, self.buckets)
        gained = _items_gained(results[1])
        return [
            action
            for bucket in sorted(rows.keys() | losers.keys())
            for action in self._merge(
                bucket,
                {key: self.before[key] for key in before.get(bucket, ())},
                gained[bucket],
                rows.get(bucket, []),
                losers.get(bucket, []),
            )
        ]

    def _merge(
        self,
        bucket: int,
        before: Mapping[int, Blob],
        gained: int,
        rows: Sequence[Slice],
        losers: Sequence[Slice],
    ) -> Iterator[Action]:
        items = sum(blob.rows for blob in before.values()) + gained
        for place in subbuckets.divide(bucket, items, self.limit_rows):
            here = {k: blob for k, blob in before.items() if place.meets(SubBucket.of(k, self.buckets))}
            key = place.key(self.buckets)
            yield merge.action(MANIFESTS, "buckets", key, here, rows, losers, place=place)


def _items_gained(indexed: Iterable[Done]) -> Mapping[int, int]:
    """How many items more each bucket has than in the snapshot before."""
    gained: Counter[int] = Counter()
    for done in indexed:
        gained.update({int(bucket): items for bucket, items in done.result.counts_by("items").items()})
    return gained


@dataclass(frozen=True)
class PlanLookMerge:
    """One action for each bucket of rows that go by their owner, and one for each shard of those by item.

    Attributes:
        kind: `licenses` or `detections`.
    """

    max_quarantined_share: float = 1.0
    kind: str = LICENSES

    def __call__(self, results: Sequence[Sequence[Done]]) -> Sequence[Action]:
        """See :data:`pipelines.jobs.Plan`."""
        check_quarantine(results[0], self.max_quarantined_share)
        return [
            merge.action(self.kind, part, place, {}, slices)
            for part, name in (("buckets", "rows"), ("shards", "by_item"))
            for place, slices in sorted(_group(_routed(results[0], name)).items())
        ]


def accepted_share(full: bool) -> float:
    """The share of rows that may be unreadable where nobody said: none where an item not read is missing."""
    return 0.0 if full else MAX_QUARANTINED_SHARE


def check_quarantine(partitioned: Sequence[Done], max_share: float) -> None:
    """Refuse an input too much of which cannot be read.

    Raises:
        TooManyQuarantined: the share of rows in quarantine is above ``max_share``.
    """
    read = sum(done.result.counts["rows_read"] for done in partitioned)
    quarantined = sum(done.result.counts["quarantined"] for done in partitioned)
    if quarantined > max_share * read:
        worst = max(partitioned, key=lambda done: done.result.counts["quarantined"])
        file = worst.action.refs["split"]["path"]
        reasons: Counter[str] = Counter()
        for done in partitioned:
            reasons.update(done.result.counts_by("quarantined"))
        told = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(reasons.items()))
        raise TooManyQuarantined(
            f"{quarantined:,} of {read:,} rows ({quarantined / read:.2%}) cannot be read: {told}; most of"
            f" them in {file}. Accepted is {max_share:.2%}. Repair the file, or accept more:"
            " --max-quarantined-share"
        )
