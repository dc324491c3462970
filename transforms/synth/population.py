"""Who owns what: the items and owners of a synthetic manifest, as they were when it was taken.

An item and an owner are numbers. Owners stand in order of size and an owner's items are neighbors, so that
sizes are known without looking at an item; the lines of the manifest visit the items in scattered order.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.synth.draws import I64, Mask, chance, draw, even, key, pick, scatter, shuffle, weighted

ITEMS_PER_OWNER = 171  # YFCC100M: 99,171,688 photos of 578,268 owners and a few videos
DUPLICATES_PER_THOUSAND = 3
VIDEO_SHARE = 0.008
NO_CV_SHARE = 0.002
ABSENT_SHARE = 0.001  # items that no license snapshot has
MIXED_OWNER_SHARE = 0.04
MOST_ROWS = 1_000_000_000  # above it the 64-bit arithmetic of sizes would overflow

# The six licenses of the manifest, in the order of the codes that :meth:`Population.license_then` gives.
INGEST_LICENSES = (
    "CC-BY-NC-ND-2.0",
    "CC-BY-NC-SA-2.0",
    "CC-BY-2.0",
    "CC-BY-NC-2.0",
    "CC-BY-SA-2.0",
    "CC-BY-ND-2.0",
)
_LICENSE_WEIGHTS = (0.32, 0.27, 0.13, 0.12, 0.10, 0.06)

_ITEM_BITS = 33
_OWNER_BITS = 26


@dataclasses.dataclass(frozen=True)
class Population:
    """The items and owners behind ``rows`` lines, exact repeats included; a pure function of both fields."""

    seed: int
    rows: int

    @property
    def items(self) -> int:
        """Distinct items: the lines less their repeats."""
        return self.rows - self.rows * DUPLICATES_PER_THOUSAND // 1000

    @property
    def owners(self) -> int:
        """Owners, each of at least one item."""
        return max(1, round(self.items / ITEMS_PER_OWNER))

    @functools.cached_property
    def starts(self) -> I64:
        """Each owner's first item, and the number of items behind the last: ``owners + 1`` numbers.

        Sizes follow a Zipf law, flattened at its head as no one takes a tenth of all photos.
        """
        flat = 4 + self.owners // 2_000
        weights = (1 << 30) // (np.arange(self.owners, dtype=np.uint64) + np.uint64(flat))
        reached = np.concatenate([np.zeros(1, np.uint64), np.cumsum(weights, dtype=np.uint64)])
        shared = reached * np.uint64(self.items - self.owners) // reached[-1]
        return shared.astype(np.int64) + np.arange(self.owners + 1)

    @functools.cached_property
    def crowd(self) -> int:
        """The first owner who is no giant: at most a thousandth of all items, or twice the average.

        What happens to a whole owner happens from here on: one giant would tip every share.
        """
        small = np.diff(self.starts) <= max(2 * ITEMS_PER_OWNER, self.items // 1_000)
        return int(small.argmax())

    @functools.cached_property
    def modest(self) -> int:
        """The first owner whose request is no large one: of at most a hundred items, or a thousandth of all.

        Where every owner has more, it is :attr:`crowd`. A larger request may be held for a person to look at.
        """
        few = int((np.diff(self.starts) <= max(100, self.items // 1_000)).sum())
        return self.owners - few if few else self.crowd

    @property
    def crowd_share(self) -> float:
        """The share of all items that the owners from :attr:`crowd` on have."""
        return 1 - int(self.starts[self.crowd]) / self.items

    def item_of_line(self, line: I64) -> I64:
        """The item in each line. Every item has a line; the lines left over repeat some item."""
        item = shuffle(line, self.rows, key(self.seed, "line"))
        over = np.flatnonzero(item >= self.items)
        item[over] = pick(draw(self.seed, "repeated item", item[over]), self.items)
        return item

    def owner_of(self, item: I64) -> I64:
        """The owner of each item."""
        return np.searchsorted(self.starts, item, side="right") - 1

    def item_number(self, item: I64) -> I64:
        """The photo id of each item: 8 to 11 digits, distinct, also beyond the last item."""
        scattered = scatter(item, _ITEM_BITS, key(self.seed, "photo id"))
        return scattered + scattered // 2 + 10_000_000

    def nsid(self, owner: I64) -> pa.Array:
        """The NSID of each owner as string: ``12345678@N03``, distinct, also beyond the last owner."""
        number = scatter(owner, _OWNER_BITS, key(self.seed, "nsid")) + 1_000_000
        draws = draw(self.seed, "nsid suffix", owner)
        old = chance(draws, 0.01)  # 11 digits, always @N01, as in the oldest accounts
        suffix = np.where(old, 1, weighted(draws, (30, 4, 10, 20, 8, 8, 8, 6, 6)))
        digits = pc.cast(pa.array(np.where(old, number + 44_124_000_000, number)), pa.string())
        return pc.binary_join_element_wise(digits, "@N0", pc.cast(pa.array(suffix), pa.string()), "")

    @functools.cached_property
    def nsids(self) -> pa.Array:
        """Every owner's NSID, by owner."""
        return self.nsid(np.arange(self.owners))

    def license_then(self, item: I64, owner: I64) -> I64:
        """The code in :data:`INGEST_LICENSES` of each item: its owner's, but a few owners mix two."""
        first = weighted(even(self.seed, "license", owner, 5), _LICENSE_WEIGHTS)
        second = weighted(draw(self.seed, "second license", owner), _LICENSE_WEIGHTS)
        mixes = chance(draw(self.seed, "mixes licenses", owner), MIXED_OWNER_SHARE)
        return np.where(mixes & chance(draw(self.seed, "which license", item), 0.3), second, first)

    def is_video(self, item: I64) -> Mask:
        """True where the item is a video."""
        return chance(draw(self.seed, "video", item), VIDEO_SHARE)

    def has_no_cv(self, item: I64) -> Mask:
        """True where one of the item's tags says ``no_cv`` in some spelling."""
        return chance(draw(self.seed, "no_cv", item), NO_CV_SHARE)

    def is_absent(self, item: I64) -> Mask:
        """True where no license snapshot has the item."""
        return chance(draw(self.seed, "absent", item), ABSENT_SHARE)
