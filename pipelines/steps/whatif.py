"""WhatIf: what two policies make of one bucket's facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.policy import Policy
from transforms.domain.schemas import FACTS
from transforms.whatif import columns_for, compare

_TEXTS = {field.name for field in FACTS if field.type == pa.string()}


def action(facts: Sequence[tuple[Blob, Blob]], before: Policy, after: Policy) -> Action:
    """Compare what the policies make of a bucket.

    Args:
        facts: of the bucket, or of each of its sub-buckets: by which ``before`` decides, and ``after``.
    """
    return Action(
        inputs={
            "facts": [[old.digest, new.digest] for old, new in facts],
            "before": before.as_dict(),
            "after": after.as_dict(),
        },
        refs={"facts": [[old.to_json(), new.to_json()] for old, new in facts]},
        weight=sum(new.rows for _, new in facts),
    )


def run(store: Store, action: Action) -> Result:
    """Nothing but counts: see :func:`transforms.whatif.compare`."""
    before, after = (Policy.from_dict(action.inputs[side]) for side in ("before", "after"))

    def read(blob: Blob, columns: Sequence[str]) -> pa.Table:
        texts = [name for name in columns if name in _TEXTS]
        return store.blobs.get_table(blob, columns, schema=FACTS, dictionary=texts)

    def parts() -> Iterator[tuple[pa.Table, pa.Table]]:
        for pair in action.refs["facts"]:
            old, new = (Blob.from_json(value) for value in pair)
            if old == new:
                both = dict.fromkeys([*columns_for(before), *columns_for(after)])
                facts = read(new, [name for name in FACTS.names if name in both])
                yield facts, facts
            else:
                yield read(old, columns_for(before)), read(new, columns_for(after))

    return Result(counts=compare(parts(), before, after))


STAGE = Stage("WhatIf", run)
