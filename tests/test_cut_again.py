"""Cutting a bucket again: what did not change is copied, and the result is the same as from scratch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import manifest_row, table
from unpacked import unpacked

from pipelines.steps import cut
from pipelines.store import parquet
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Dataset, Store, close_stores, create_store
from transforms.domain.policy import Policy
from transforms.domain.purposes import ALL
from transforms.domain.schemas import FACTS, ITEMS, MANIFEST, REPEATING

POLICY = Policy("research-noncommercial", ("CC-BY-2.0", "CC-BY-4.0"), "newest", *(["exclude"] * 5))
GROUP_ROWS = 8
ROWS = 5 * GROUP_ROWS + 3
OWNERS = 9

# What may become of a row: kept under two licenses, left out for several reasons.
FACTS_OF_ROW = {
    "kept": ("CC-BY-2.0", "public", 0),
    "kept otherwise": ("CC-BY-4.0", "public", 0),
    "opted out": ("CC-BY-2.0", "public", ALL),
    "private": ("CC-BY-2.0", "private", 0),
    "not allowed": ("CC-BY-NC-2.0", "public", 0),
}
becomes = st.sampled_from(sorted(FACTS_OF_ROW))
buckets = st.lists(becomes, min_size=ROWS, max_size=ROWS) | st.sampled_from(
    [["kept"] * ROWS, ["private"] * ROWS, ["private"] * GROUP_ROWS + ["kept"] * (ROWS - GROUP_ROWS)]
)
changes = st.dictionaries(st.integers(0, ROWS - 1), becomes, max_size=4)


@dataclass
class Bench:
    """A store with a manifest bucket of small row groups."""

    store: Store
    manifest: Blob
    read: list[int] = field(default_factory=list)
    """Which row groups of the manifest were decoded, all columns of them."""

    def facts(self, rows: list[str]) -> Blob:
        plain = {
            name: {pa.string(): "", pa.bool_(): False}.get(kind, 0)
            for name, kind in zip(FACTS.names, FACTS.types, strict=True)
        } | {"license_then": "CC-BY-2.0", "direction": "none", "people": "unknown", "media_type": "photo"}
        varied = [
            dict(zip(("license_now", "visibility", "no_owner"), FACTS_OF_ROW[each], strict=True))
            for each in rows
        ]
        facts = pa.Table.from_pylist([{**plain, **each} for each in varied], schema=FACTS)
        return self.store.blobs.put_table(facts, FACTS)

    def cut(self, rows: list[str], before: list[str] | None = None) -> Result:
        """From the part of ``before``, if that was cut here."""
        hint = None if before is None else self.facts(before)
        action = cut.action(0, self.manifest, self.facts(rows), POLICY, before=hint)
        self.read.clear()
        result = cut.run(self.store, action)
        self.store.memos.put(cut.STAGE.name, cut.STAGE.key(action), result)
        return result

    def items(self, result: Result) -> list[dict[str, object]]:
        return self.store.blobs.get_table(result.blobs["items"], schema=ITEMS).to_pylist()


def manifest() -> pa.Table:
    rows = []
    for n in range(ROWS):
        owner = f"owner{n * OWNERS // ROWS}"
        twists = [
            ("owner_name", f"name of {owner}"),
            ("tags", ["all", f"tag of {n}"]),
            ("title", f"title {n}"),
        ]
        rows.append(manifest_row("flickr", f"{n:03}", owner, twists))
    return table(rows, MANIFEST, "dictionaries", dictionaries=REPEATING)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    store = create_store(str(tmp_path_factory.mktemp("bench") / "store"), Dataset("yfcc100m", "flickr", 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "GROUP_ROWS", GROUP_ROWS)
        made = Bench(store, store.blobs.put_table(manifest(), MANIFEST))
        read = parquet.RowGroups.read

        def note(groups: parquet.RowGroups, *places: int) -> pa.Table:
            found = read(groups, *places)
            if found.column_names == MANIFEST.names:
                made.read.extend(places)
            return found

        patch.setattr(parquet.RowGroups, "read", note)
        yield made
    close_stores()


@settings(max_examples=60)
@given(buckets, changes)
def test_cutting_again_gives_what_cutting_from_scratch_gives(
    bench: Bench, before: list[str], change: dict[int, str]
) -> None:
    after = [change.get(place, each) for place, each in enumerate(before)]
    bench.cut(before)
    again = bench.cut(after, before)
    touched = {place // GROUP_ROWS for place, each in enumerate(after) if each != before[place]}
    read = set(bench.read)
    # A row that was left out and still is may change its facts and no row group.
    assert read <= touched
    assert {g for g in touched if _kept(before, g) != _kept(after, g)} <= read
    scratch = bench.cut(after)
    assert again == scratch
    assert len(bench.read) == 6
    if "items" in again.blobs:
        for name, blob in again.blobs.items():
            assert pq.read_table(pa.BufferReader(bench.store.blobs.read(blob))).num_rows == blob.rows, name
        assert [row["item_id"] for row in bench.items(again)] == [
            f"{place:03}" for place, each in enumerate(after) if each.startswith("kept")
        ]


def _kept(rows: list[str], group: int) -> list[str]:
    mine = rows[group * GROUP_ROWS : (group + 1) * GROUP_ROWS]
    return [each if each.startswith("kept") else "" for each in mine]


def test_only_the_row_groups_that_change_are_decoded(bench: Bench) -> None:
    before = ["kept"] * ROWS
    bench.cut(before)
    assert bench.read == [0, 1, 2, 3, 4, 5]
    bench.cut([*before[:20], "opted out", *before[21:]], before)
    assert bench.read == [2]
    bench.cut(before, before)
    assert bench.read == []


def test_row_groups_of_a_part_are_those_of_the_manifest_in_which_a_row_is_kept(bench: Bench) -> None:
    rows = ["kept"] * ROWS
    rows[8:16] = ["private"] * 8
    rows[17] = "private"
    with bench.store.blobs.row_groups(bench.cut(rows).blobs["items"]) as groups:
        assert groups.rows == [8, 7, 8, 8, 3]


def test_nothing_of_a_row_that_is_newly_left_out_is_copied(bench: Bench) -> None:
    before = ["kept"] * ROWS
    old = bench.cut(before)
    gone = {n for n in range(ROWS) if n * OWNERS // ROWS == 4}  # in two row groups
    again = bench.cut(["opted out" if n in gone else "kept" for n in range(ROWS)], before)
    assert bench.read == sorted({n // GROUP_ROWS for n in gone})
    traces = [b"owner4", *(f"{what} {n}".encode() for n in gone for what in ("tag of", "title"))]
    for result, there in ((old, True), (again, False)):
        data = unpacked(bench.store.blobs.read(result.blobs["items"]))
        assert [trace in data for trace in traces] == [there] * len(traces)
        assert b"owner3" in data


@pytest.mark.parametrize(
    "broken", ["no memo", "no facts", "no part", "damaged part", "damaged facts", "foreign part"]
)
def test_without_a_sound_earlier_part_a_bucket_is_cut_from_scratch(bench: Bench, broken: str) -> None:
    dice = random.Random(broken)
    before = [dice.choice(sorted(FACTS_OF_ROW)) for _ in range(ROWS)]
    after = ["private" if before[0] == "kept" else "kept", *before[1:]]
    expected = bench.cut(after)
    part = bench.cut(before).blobs["items"]
    root = Path(bench.store.url)
    facts = bench.facts(before)
    action = cut.action(0, bench.manifest, bench.facts(after), POLICY, before=facts)
    if broken == "no memo":
        key = cut.STAGE.key(cut.action(0, bench.manifest, facts, POLICY))
        (root / "memo" / "Cut" / key[:2] / f"{key}.json").unlink()
    elif broken == "foreign part":
        # Rows of other groups than the facts say.
        place = root / part.path
        data = place.read_bytes()
        other = pa.BufferOutputStream()
        pq.write_table(pq.read_table(pa.BufferReader(data)), other, store_schema=False)
        place.write_bytes(other.getvalue())
    else:
        place = root / (facts if "facts" in broken else part).path
        data = place.read_bytes()
        place.unlink()
        if broken.startswith("damaged"):
            middle = len(data) // 4
            place.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    bench.read.clear()
    assert cut.run(bench.store, action) == expected
    # Only with the bytes of the part at hand it shows that they are not what they should be.
    assert bench.read == [*([0] if broken in ("damaged part", "foreign part") else []), 0, 1, 2, 3, 4, 5]
    if broken != "no memo":
        place.write_bytes(data)
