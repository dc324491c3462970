"""Publishing: completeness, conservation, the gate; then one version file, only if there is none.

Imports neither Beam nor DuckDB. Until the version file stands nothing is published; what was written before
it are blobs that nobody refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipelines import gate
from pipelines.actions import Action, Done
from pipelines.progress import Watch
from pipelines.release_inputs import Inputs
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import Table
from pipelines.threads import in_threads
from transforms.domain import subbuckets
from transforms.domain.errors import RefusedError


def publish(
    store: Store,
    release: Release,
    inputs: Inputs,
    cuts: Sequence[Done],
    watch: Watch,
    *,
    before_commit: Callable[[], None] | None = None,
) -> bool:
    """Make ``release`` visible if every check passes, the caller's last; False if it is published already.

    Raises:
        RefusedError: with every check that failed. Nothing is published.
        StateError: the version is taken by another release.
    """
    faults = [*incomplete(inputs.manifest, cuts), *unbalanced(release, cuts), *untallied(release, cuts)]
    if faults:
        raise RefusedError("\n".join(["the release is not published:", *faults]))
    pass_gate(store, release, inputs, watch)
    if before_commit:
        before_commit()
    return store.releases.commit(release)


def incomplete(manifest: Table, cuts: Iterable[Done]) -> Iterator[str]:
    """Buckets of the manifest that were not cut, or not as they are."""
    cut = {done.action.refs["bucket"]: Blob.from_json(done.action.refs["manifest"]) for done in cuts}
    for bucket in sorted(manifest.buckets.keys() | cut.keys()):
        if manifest.buckets.get(bucket) != cut.get(bucket):
            yield f"bucket {bucket}: manifest {manifest.buckets.get(bucket)}, cut {cut.get(bucket)}"


def unbalanced(release: Release, cuts: Iterable[Done]) -> Iterator[str]:
    """Buckets in which rows in are not rows kept and rows left out for a reason."""
    for done in cuts:
        counts, blobs = done.result.counts, done.result.blobs
        bucket = done.action.refs["bucket"]
        first = sum(done.result.counts_by("first").values())
        kept = blobs["items"].rows if "items" in blobs else 0
        excluded = blobs["excluded"].rows if "excluded" in blobs else 0
        if (
            not counts["rows"] == done.action.weight == kept + excluded
            or kept != counts["kept"]
            or not excluded == counts["excluded"] == first
        ):
            yield (
                f"bucket {bucket}: {done.action.weight:,} rows, {kept:,} kept, {excluded:,} left out,"
                f" {first:,} of them with a reason"
            )
    counts = release.content["counts"]
    first = sum(counts["first_reason"].values())
    if not counts["rows"] - counts["kept"] == counts["excluded"] == first:
        yield f"in all: {counts} do not add up"


def untallied(release: Release, cuts: Iterable[Done]) -> Iterator[str]:
    """Buckets that were cut, and whose tallies are missing or are there more than once."""
    cut = {subbuckets.home(done.action.refs["bucket"], release.content["buckets"]) for done in cuts}
    for name in ("tallies", "exclusions"):
        for bucket in sorted(cut ^ release.parts[name].keys()):
            yield f"bucket {bucket}: it was {'cut' if bucket in cut else 'not cut'}, and {name} say otherwise"


def pass_gate(store: Store, release: Release, inputs: Inputs, watch: Watch, *, again: bool = False) -> None:
    """Hold every part against the lists of opt-outs and consents; with ``again`` whatever is remembered.

    Raises:
        RefusedError: a row meets an opt-out or a refused consent, or a part has not the rows it should have.
    """
    actions = gate.plan(store, release.parts["items"], inputs, release.content["purpose"])
    checked = _checked(store, actions, again)
    faults = []
    with watch.counting("gate", sum(action.weight for action in actions)) as report:
        checked_rows, rows_of = 0, dict[int, int]()
        for done in checked:
            rows_of[done.action.refs["bucket"]] = done.result.counts["rows"]
            checked_rows += done.result.counts["rows"]
            report(checked_rows)
            if met := done.result.counts_by("met"):
                faults.append(f"bucket {done.action.refs['bucket']}: rows that meet an opt-out: {met}")
    if (rows := sum(rows_of.values())) != release.content["counts"]["kept"]:
        faults.append(f"the parts hold {rows:,} rows, not {release.content['counts']['kept']:,}")
    if faults:
        raise RefusedError("\n".join(["the gate refuses to publish:", *faults]))


def _checked(store: Store, actions: Sequence[Action], again: bool) -> Iterator[Done]:
    """The gate's result for each part: remembered, which takes one small read, or found now."""
    stage, left = gate.STAGE, list(actions)
    if not again:
        keys = [stage.key(action) for action in actions]
        found = store.memos.get_all(stage.name, keys)
        yield from (Done(each, found[key]) for key, each in zip(keys, actions, strict=True) if key in found)
        left = [each for key, each in zip(keys, actions, strict=True) if key not in found]
    check = gate.run if again else stage.run_and_remember
    yield from in_threads(lambda each: Done(each, check(store, each)), left, store.rows_at_once)
