"""What is checked before a release is published: any one number or bucket that is off is a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.actions import Action, Done
from pipelines.publish import incomplete, unbalanced, untallied
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.releases import PARTS, Release
from pipelines.store.tables import MANIFESTS, Table
from transforms.domain.subbuckets import SubBucket

BUCKETS = 4


def blob(name: str, key: int, rows: int) -> Blob:
    return Blob(f"{name} of {key}", ".parquet", rows, 10)


@dataclass(frozen=True)
class Cutting:
    """A manifest, its cuts, and the release that they make."""

    manifest: Table
    cuts: list[Done]
    release: Release

    def faults(self) -> list[str]:
        return [
            *incomplete(self.manifest, self.cuts),
            *unbalanced(self.release, self.cuts),
            *untallied(self.release, self.cuts),
        ]


def cut_of(key: int, kept: int, private: int, opted_out: int) -> Done:
    excluded, rows = private + opted_out, kept + private + opted_out
    sizes = {"items": kept, "excluded": excluded}
    first = {"first/private": private, "first/opt_out_item": opted_out}
    return Done(
        Action({}, {"bucket": key, "manifest": blob("manifest", key, rows).to_json()}, rows),
        Result(
            {name: blob(name, key, size) for name, size in sizes.items() if size},
            counts={"rows": rows, "kept": kept, "excluded": excluded, **first},
        ),
    )


@st.composite
def cuttings(draw: st.DrawFn) -> Cutting:
    """Whole buckets, and one that is kept in two parts."""
    keys = [0, 1, 2, SubBucket(3, 2, 0).key(BUCKETS), SubBucket(3, 2, 1).key(BUCKETS)]
    numbers = st.tuples(*[st.integers(0, 3)] * 3).filter(any)
    drawn = draw(st.dictionaries(st.sampled_from(keys), numbers, min_size=1))
    cuts = [cut_of(key, *each) for key, each in drawn.items()]
    kept, *first = (sum(each) for each in zip(*drawn.values(), strict=True))
    reasons = dict(zip(("private", "opt_out_item"), first, strict=True))
    counts = {"rows": kept + sum(first), "kept": kept, "excluded": sum(first), "first_reason": reasons}
    tallied = {key % BUCKETS: blob("tallies", key, 1) for key in drawn}
    return Cutting(
        Table(MANIFESTS, "m", buckets={key: blob("manifest", key, sum(each)) for key, each in drawn.items()}),
        cuts,
        Release("1", {"buckets": BUCKETS, "counts": counts}, dict.fromkeys(PARTS, tallied)),
    )


@given(cuttings())
def test_what_adds_up_has_no_fault(cutting: Cutting) -> None:
    assert cutting.faults() == []


def off_by_one(counts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in counts.items():
        if isinstance(value, int):
            yield {**counts, name: value + 1}
        else:
            yield from ({**counts, name: other} for other in off_by_one(value))


def without_each(values: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    for name in values:
        yield {key: value for key, value in values.items() if key != name}


def counts_of_a_cut(whole: Cutting) -> Iterator[Cutting]:
    first, *rest = whole.cuts
    for other in off_by_one(dict(first.result.counts)):
        yield replace(whole, cuts=[Done(first.action, replace(first.result, counts=other)), *rest])


def files_of_a_cut(whole: Cutting) -> Iterator[Cutting]:
    first, *rest = whole.cuts
    for other in without_each(dict(first.result.blobs)):
        yield replace(whole, cuts=[Done(first.action, replace(first.result, blobs=other)), *rest])


def rows_of_the_manifest(whole: Cutting) -> Iterator[Cutting]:
    first, *rest = whole.cuts
    heavier = replace(first.action, weight=first.action.weight + 1)
    yield replace(whole, cuts=[Done(heavier, first.result), *rest])


def counts_of_the_release(whole: Cutting) -> Iterator[Cutting]:
    content = whole.release.content
    for other in off_by_one(content["counts"]):
        yield replace(whole, release=replace(whole.release, content={**content, "counts": other}))


def buckets_cut(whole: Cutting) -> Iterator[Cutting]:
    for other in without_each(dict(whole.manifest.buckets)):
        yield replace(whole, manifest=replace(whole.manifest, buckets=other))
        yield replace(whole, cuts=[done for done in whole.cuts if done.action.refs["bucket"] in other])
    first, *rest = whole.manifest.buckets
    moved = {first: blob("another", first, 3), **{key: whole.manifest.buckets[key] for key in rest}}
    yield replace(whole, manifest=replace(whole.manifest, buckets=moved))


def buckets_tallied(whole: Cutting) -> Iterator[Cutting]:
    for name in ("tallies", "exclusions"):
        held = dict(whole.release.parts[name])
        absent = next((bucket for bucket in range(BUCKETS) if bucket not in held), None)
        more = [] if absent is None else [{**held, absent: blob(name, absent, 1)}]
        for other in (*without_each(held), *more):
            parts = {**whole.release.parts, name: other}
            yield replace(whole, release=replace(whole.release, parts=parts))


@pytest.mark.parametrize(
    "spoiled",
    [
        counts_of_a_cut,
        files_of_a_cut,
        rows_of_the_manifest,
        counts_of_the_release,
        buckets_cut,
        buckets_tallied,
    ],
    ids=lambda each: each.__name__,
)
@given(whole=cuttings())
def test_whatever_is_off_is_a_fault(spoiled: Callable[[Cutting], Iterator[Cutting]], whole: Cutting) -> None:
    for each in spoiled(whole):
        assert each.faults() != []
