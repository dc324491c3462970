"""Tally: what the sub-buckets of one bucket counted by owner becomes the tallies of the bucket."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import EXCLUSIONS, TALLIES, TALLIES_BY_OWNER
from transforms.ownertallies import merge_by_owner


def action(bucket: int, by_owner: Sequence[Blob]) -> Action:
    """Tally the bucket, of whose sub-buckets ``by_owner`` are the counts by owner."""
    # Two sub-buckets may count the same, and both count.
    return Action(
        inputs={"by_owner": sorted(blob.digest for blob in by_owner)},
        refs={"bucket": bucket, "by_owner": [blob.to_json() for blob in by_owner]},
        weight=sum(blob.rows for blob in by_owner),
    )


def run(store: Store, action: Action) -> Result:
    """The blobs `tallies` and `exclusions`; `rows` is how many items they count."""
    blobs = [Blob.from_json(value) for value in action.refs["by_owner"]]
    tallies, exclusions = merge_by_owner(
        store.blobs.get_table(blob, schema=TALLIES_BY_OWNER) for blob in blobs
    )
    made = {
        "tallies": store.blobs.put_table(tallies, TALLIES),
        "exclusions": store.blobs.put_table(exclusions, EXCLUSIONS),
    }
    return Result(made, counts={"rows": pc.sum(tallies["items"]).as_py() or 0})


STAGE = Stage("Tally", run)
