"""Cut: facts and a policy become a part, an account of what was left out, and tallies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms import tallies
from transforms.cut import cut
from transforms.decide import decide
from transforms.domain.policy import Policy
from transforms.domain.schemas import (
    EXCLUDED,
    EXCLUSIONS,
    FACTS,
    ITEMS,
    MANIFEST,
    REPEATING,
    TALLIES,
    TALLIES_BY_OWNER,
)
from transforms.ownertallies import tally_by_owner

_DICTIONARIES = tuple(
    name
    for name in [*MANIFEST.names, "tags.list.element", "machine_tags.list.element"]
    if name in REPEATING and (name not in MANIFEST.names or str(MANIFEST.field(name).type) == "string")
)
_FACTS_DICTIONARIES = tuple(field.name for field in FACTS if field.type == pa.string())


def action(bucket: int, manifest: Blob, facts: Blob, policy: Policy, *, divided: bool = False) -> Action:
    """Cut a manifest bucket by its facts under ``policy``.

    ``divided`` says that it is a sub-bucket, and that its owners may have items in others.
    """
    inputs = {"manifest": manifest.digest, "facts": facts.digest, "policy": policy.as_dict()}
    return Action(
        inputs=inputs | ({"divided": True} if divided else {}),
        refs={"bucket": bucket, "manifest": manifest.to_json(), "facts": facts.to_json()},
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blobs `items`, `excluded` (each absent if it has no row), `tallies` and `exclusions`.

    Of a sub-bucket `by_owner` instead of the two latter: what the stage Tally makes them of.

    Counts: `rows = kept + excluded`, by first reason `first/<reason>`, and `observed`: rows whose item some
    license snapshot saw.
    """
    policy = Policy.from_dict(action.inputs["policy"])
    manifest = store.blobs.get_table(
        Blob.from_json(action.refs["manifest"]), schema=MANIFEST, dictionary=_DICTIONARIES
    )
    facts = store.blobs.get_table(
        Blob.from_json(action.refs["facts"]), schema=FACTS, dictionary=_FACTS_DICTIONARIES
    )
    manifest, facts = manifest.combine_chunks(), facts.combine_chunks()
    reasons = decide(facts, policy)
    items, excluded = cut(manifest, facts, reasons, policy)
    exclusions = tallies.tally_exclusions(manifest, reasons)
    if "divided" in action.inputs:
        counted = tally_by_owner(manifest, facts, reasons)
        blobs = {"by_owner": store.blobs.put_table(counted, TALLIES_BY_OWNER)}
    else:
        blobs = {
            "tallies": store.blobs.put_table(tallies.tally(manifest, facts, reasons), TALLIES),
            "exclusions": store.blobs.put_table(exclusions, EXCLUSIONS),
        }
    if len(items):
        blobs["items"] = store.blobs.put_table(items, ITEMS)
    if len(excluded):
        blobs["excluded"] = store.blobs.put_table(excluded, EXCLUDED)
    first = dict(zip(exclusions["reason"].to_pylist(), exclusions["first_items"].to_pylist(), strict=True))
    counts = {
        "rows": len(manifest),
        "kept": int(np.count_nonzero(reasons == 0)),
        "excluded": len(excluded),
        "observed": pc.sum(facts["observed"]).as_py() or 0,
    }
    return Result(
        blobs, counts=counts | {f"first/{reason}": count for reason, count in first.items() if count}
    )


STAGE = Stage("Cut", run)
