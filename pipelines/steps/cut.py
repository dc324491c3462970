"""Cut: facts and a policy become a part, an account of what was left out, and tallies.

Where the same rows were cut before and only some facts differ, the row groups in which nothing changes are
copied from the earlier part. The result is the same to the byte as without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store import parquet
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.rowgroups import Piece, UnlikeOursError, splice
from pipelines.store.store import Store
from transforms import tallies
from transforms.cut import changes, cut
from transforms.decide import decide
from transforms.domain.errors import IntegrityError
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
_FACTS_COLUMNS = tuple(name for name in FACTS.names if name != "owner")  # owners are counted by their names
_OWNER = ("source", "owner_id")


def action(
    bucket: int,
    manifest: Blob,
    facts: Blob,
    policy: Policy,
    *,
    before: Blob | None = None,
    divided: bool = False,
) -> Action:
    """Cut a manifest bucket by its facts under ``policy``.

    Args:
        before: facts of an earlier cut of the same manifest bucket and policy: a hint, which changes what the
            action costs and not what it gives.
        divided: that it is a sub-bucket, and that its owners may have items in others.
    """
    inputs = {"manifest": manifest.digest, "facts": facts.digest, "policy": policy.as_dict()}
    refs = {"bucket": bucket, "manifest": manifest.to_json(), "facts": facts.to_json()}
    return Action(
        inputs=inputs | ({"divided": True} if divided else {}),
        refs=refs if before is None else {**refs, "before": before.to_json()},
        weight=manifest.rows,
    )


@dataclass(frozen=True)
class _Verdicts:
    """A bucket's facts, and each row's reasons to be left out."""

    facts: pa.Table
    reasons: npt.NDArray[np.uint32]

    @staticmethod
    def read(store: Store, blob: Blob, policy: Policy) -> _Verdicts:
        facts = store.blobs.get_table(blob, _FACTS_COLUMNS, schema=FACTS, dictionary=_FACTS_DICTIONARIES)
        return _Verdicts(facts.combine_chunks(), decide(facts, policy))

    def kept(self, groups: Sequence[slice]) -> list[int]:
        return [int(np.count_nonzero(self.reasons[rows] == 0)) for rows in groups]


def run(store: Store, action: Action) -> Result:
    """The blobs `items`, `excluded` (each absent if it has no row), `tallies` and `exclusions`.

    Of a sub-bucket `by_owner` instead of the two latter: what the stage Tally makes them of.

    Counts: `rows = kept + excluded`, by first reason `first/<reason>`, and `observed`: rows whose item some
    license snapshot saw, and `signals_stale`: rows of which a signal could not be got again.
    """
    policy = Policy.from_dict(action.inputs["policy"])
    manifest = Blob.from_json(action.refs["manifest"])
    now = _Verdicts.read(store, Blob.from_json(action.refs["facts"]), policy)
    blobs = _changed(store, action, manifest, now, policy)
    if blobs is None:
        blobs = _parts(store, manifest, now, policy)
    owners = store.blobs.get_table(manifest, _OWNER, schema=MANIFEST, dictionary=_OWNER).combine_chunks()
    exclusions = tallies.tally_exclusions(owners, now.reasons)
    if "divided" in action.inputs:
        counted = tally_by_owner(owners, now.facts, now.reasons)
        blobs["by_owner"] = store.blobs.put_table(counted, TALLIES_BY_OWNER)
    else:
        blobs["tallies"] = store.blobs.put_table(tallies.tally(owners, now.facts, now.reasons), TALLIES)
        blobs["exclusions"] = store.blobs.put_table(exclusions, EXCLUSIONS)
    first = dict(zip(exclusions["reason"].to_pylist(), exclusions["first_items"].to_pylist(), strict=True))
    kept = int(np.count_nonzero(now.reasons == 0))
    counts = {
        "rows": len(now.reasons),
        "kept": kept,
        "excluded": blobs["excluded"].rows if "excluded" in blobs else 0,
        "observed": pc.sum(now.facts["observed"]).as_py() or 0,
        "signals_stale": pc.sum(now.facts["signal_stale"]).as_py() or 0,
    }
    return Result(
        blobs, counts=counts | {f"first/{reason}": count for reason, count in first.items() if count}
    )


def _parts(store: Store, manifest: Blob, now: _Verdicts, policy: Policy) -> dict[str, Blob]:
    """`items` and `excluded`, from nothing but the manifest: a row group at a time."""
    with _open(store, manifest) as groups:
        excluded: list[pa.Table] = []
        items, kept = _write(groups, range(len(groups.rows)), now, policy, excluded)
    return _put(store, items, kept, excluded)


def _changed(
    store: Store, action: Action, manifest: Blob, now: _Verdicts, policy: Policy
) -> dict[str, Blob] | None:
    """`items` and `excluded`, from those of an earlier cut; None if there is none, or none of use."""
    # What is asked for under this code's key was made by this code, and by these versions of Arrow and numpy.
    # It is a hint: whatever is wrong with it, the rows are there to be cut again.
    with contextlib.suppress(IntegrityError, UnlikeOursError):
        if "before" not in action.refs:
            return None
        facts = Blob.from_json(action.refs["before"])
        result = STAGE.recall(store, replace(action, inputs={**action.inputs, "facts": facts.digest}))
        if result is not None:
            then = _Verdicts.read(store, facts, policy)
            return _patched(store, manifest, now, then, result, policy)
    return None


def _patched(
    store: Store, manifest: Blob, now: _Verdicts, then: _Verdicts, result: Result, policy: Policy
) -> dict[str, Blob]:
    before = {name: result.blobs[name] for name in ("items", "excluded") if name in result.blobs}
    changed = changes(now.facts, now.reasons, then.facts, then.reasons)
    if not changed.any():
        return before
    with _open(store, manifest) as groups:
        slices = _slices(groups)
        anew = [place for place, rows in enumerate(slices) if changed[rows].any()]
        made: list[pa.Table] = []
        new = _write(groups, anew, now, policy, made)[0].to_pybytes()
    excluded_anew = dict(zip(anew, made, strict=True))
    old = store.blobs.read(before["items"]) if "items" in before else b""
    left_out = EXCLUDED.empty_table()
    if "excluded" in before:
        left_out = store.blobs.get_table(before["excluded"], schema=EXCLUDED)

    pieces, excluded = [], []
    in_new = in_old = row = 0
    for place, (rows, kept, kept_then) in enumerate(
        zip(slices, now.kept(slices), then.kept(slices), strict=True)
    ):
        left_out_then = rows.stop - rows.start - kept_then
        if place in excluded_anew:
            excluded.append(excluded_anew[place])
            if kept:
                pieces.append(Piece(new, in_new, kept))
                in_new += 1
        else:
            excluded.append(left_out.slice(row, left_out_then))
            if kept:
                pieces.append(Piece(old, in_old, kept))
        in_old += kept_then > 0
        row += left_out_then
    return _put(store, splice(pieces) if pieces else b"", sum(piece.rows for piece in pieces), excluded)


def _open(store: Store, manifest: Blob) -> contextlib.AbstractContextManager[parquet.RowGroups]:
    return store.blobs.row_groups(manifest, schema=MANIFEST, dictionary=_DICTIONARIES)


def _slices(groups: parquet.RowGroups) -> list[slice]:
    """The rows of each row group."""
    ends = np.cumsum(groups.rows, dtype=np.int64).tolist()
    return [slice(end - rows, end) for rows, end in zip(groups.rows, ends, strict=True)]


def _write(
    manifest: parquet.RowGroups,
    places: Iterable[int],
    now: _Verdicts,
    policy: Policy,
    excluded: list[pa.Table],
) -> tuple[pa.Buffer, int]:
    """`items` of some row groups, and how many: a group where a row is kept; others go to ``excluded``."""
    slices, written = _slices(manifest), 0

    def kept() -> Iterator[pa.Table]:
        nonlocal written
        for place in places:
            rows = slices[place]
            facts = now.facts.slice(rows.start, rows.stop - rows.start)
            items, others = cut(manifest.read(place), facts, now.reasons[rows], policy)
            excluded.append(others)
            if len(items):
                yield items
                written += len(items)

    return parquet.write(kept(), ITEMS), written


def _put(store: Store, items: pa.Buffer | bytes, kept: int, excluded: Sequence[pa.Table]) -> dict[str, Blob]:
    blobs = {}
    if kept:
        blobs["items"] = store.blobs.put_parquet(items, kept)
    left_out = pa.concat_tables([EXCLUDED.empty_table(), *excluded])
    if len(left_out):
        blobs["excluded"] = store.blobs.put_table(left_out, EXCLUDED)
    return blobs


STAGE = Stage("Cut", run)
