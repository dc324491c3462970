"""Sub-buckets: a bucket with more rows than memory should hold at once is kept in parts, by item hash.

Buckets are by owner, so a hot owner's photos all have one home. A bucket of more than :data:`LIMIT_ROWS`
items is divided into a power of two of *sub-buckets*. An item's rows stay together, because the item's hash
says in which one it lives; an owner's do not, so that distinct owners are counted by the Tally stage.

In tables a bucket is a plain integer, its *key*. A whole bucket's key is its number; that of a sub-bucket is
``bucket + buckets * (parts + part)``, from which all three can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.domain import keys

# 100 million rows in 1,024 buckets come to 100,000 rows each: ordinary buckets stay whole. Of a manifest's
# rows so many are about 140 MB in Arrow, held twice while they are sorted.
LIMIT_ROWS = 1 << 18

# Buckets and shards go by the low bits of a hash.
_UNUSED_BITS = np.uint64(32)


@dataclass(frozen=True, order=True)
class SubBucket:
    """A bucket, or one of the parts that it is divided into.

    Attributes:
        bucket: the home of its rows, below the dataset's number of buckets.
        parts: how many there are, a power of two; 1 is a whole bucket.
        part: which of them.
    """

    bucket: int
    parts: int = 1
    part: int = 0

    def key(self, buckets: int) -> int:
        """The number of this one in the tables of a dataset of ``buckets``."""
        return self.bucket if self.parts == 1 else self.bucket + buckets * (self.parts + self.part)

    @staticmethod
    def of(key: int, buckets: int) -> SubBucket:
        """The one that has the number ``key``."""
        divided, bucket = divmod(key, buckets)
        parts = 1 << max(divided.bit_length() - 1, 0)
        return SubBucket(bucket, parts, divided % parts)

    def meets(self, other: SubBucket) -> bool:
        """Whether an item can live in both: one is the other, or a part of it."""
        shared = min(self.parts, other.parts) - 1
        return self.bucket == other.bucket and self.part & shared == other.part & shared

    def select(self, rows: pa.Table) -> pa.Table:
        """Those of ``rows`` of the home bucket (source, item_id) that live here, in their order."""
        if self.parts == 1:
            return rows
        source, item = (rows[name].combine_chunks() for name in ("source", "item_id"))
        part = (keys.item_hash(source, item) >> _UNUSED_BITS) & np.uint64(self.parts - 1)
        return rows.filter(pa.array(part == self.part))


def divide(bucket: int, rows: int, limit_rows: int) -> list[SubBucket]:
    """What a bucket of ``rows`` is kept as: the fewest parts that hold at most ``limit_rows`` on average."""
    parts = 1 << (max(-(-rows // limit_rows), 1) - 1).bit_length()
    return [SubBucket(bucket, parts, part) for part in range(parts)]


def home(key: int, buckets: int) -> int:
    """The bucket by which owners, licenses and opt-outs find the rows under ``key``."""
    return key % buckets


def is_divided(key: int, buckets: int) -> bool:
    """Whether ``key`` is that of a sub-bucket."""
    return key >= buckets


def by_home(table: Iterable[int], buckets: int) -> Mapping[int, list[int]]:
    """The keys of a table, ascending, by their home bucket."""
    homes: dict[int, list[int]] = {}
    for key in sorted(table):
        homes.setdefault(home(key, buckets), []).append(key)
    return homes


def finest(tables: Iterable[Iterable[int]], buckets: int) -> Iterator[SubBucket]:
    """Places by which tables that divide a bucket differently can be compared, each with the same items.

    Args:
        tables: the keys of each.
        buckets: of the dataset.

    Yields:
        For each home the parts of the table that divides it most, as far as any table has rows there.
    """
    for _, held in sorted(by_home({key for table in tables for key in table}, buckets).items()):
        places = [SubBucket.of(key, buckets) for key in held]
        parts = max(place.parts for place in places)
        for part in range(parts):
            candidate = SubBucket(places[0].bucket, parts, part)
            if any(candidate.meets(place) for place in places):
                yield candidate
