"""A bucket with very many rows is kept in sub-buckets, and what is released is what it would be whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from byhand import ByHand, listing
from worlds import World, cut, new_memos, new_store, policy, rows, take_in

from pipelines.catalog.views import open_catalog
from pipelines.ingest import ingest_manifest, ingest_opt_outs
from pipelines.outlook import foresee
from pipelines.progress import Watch
from pipelines.release_inputs import choose_inputs
from pipelines.review import diff, verify
from pipelines.runner import Runner
from pipelines.steps import merge as merge_step
from pipelines.store.blobs import Blob, Blobs
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import MANIFESTS, Table
from transforms import tallies
from transforms.domain import schemas, subbuckets
from transforms.domain.errors import RefusedError
from transforms.domain.subbuckets import SubBucket

BUCKETS = 4
SCHEMAS = dict(
    zip(PARTS, (schemas.ITEMS, schemas.EXCLUDED, schemas.TALLIES, schemas.EXCLUSIONS), strict=True)
)
Copy = Callable[[Store], Store]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many items a bucket may have and stay whole."""
    return lambda rows: monkeypatch.setattr(subbuckets, "LIMIT_ROWS", rows)


def village(folder: Path, hamlet: World, runner: Runner | None = None, **options: Any) -> Store:
    return take_in(new_store(folder, BUCKETS), hamlet, runner, **options)


@pytest.fixture(scope="module")
def whole(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = village(tmp_path_factory.mktemp("whole") / "store", hamlet)
    cut(store)
    yield store
    close_stores()


@pytest.fixture(scope="module")
def divided(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The same world with at most 600 items to a bucket: some are whole, and some are divided."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subbuckets, "LIMIT_ROWS", 600)
        store = village(tmp_path_factory.mktemp("divided") / "store", hamlet)
        cut(store)
    yield store
    close_stores()


@pytest.fixture(scope="module")
def in_small_parts(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subbuckets, "LIMIT_ROWS", 70)
        store = village(tmp_path_factory.mktemp("small") / "store", hamlet)
        cut(store)
    yield store
    close_stores()


def places(table: Table) -> dict[int, list[SubBucket]]:
    found: dict[int, list[SubBucket]] = {}
    for key in table.buckets:
        place = SubBucket.of(key, BUCKETS)
        found.setdefault(place.bucket, []).append(place)
    return found


def contents(store: Store, release: Release, part: str) -> Counter[str]:
    table = rows(store, release.parts[part].values(), SCHEMAS[part])
    if part in ("tallies", "exclusions"):
        table = tallies.merge([table], SCHEMAS[part])
    return Counter(map(repr, table.to_pylist()))


def test_buckets_are_divided_by_how_many_items_they_have(whole: Store, divided: Store) -> None:
    table, same = (each.tables.get(MANIFESTS, "2014-05") for each in (divided, whole))
    parts = {bucket: {place.parts for place in found} for bucket, found in places(table).items()}
    assert {bucket: blob.rows > 600 for bucket, blob in same.buckets.items()} == {
        bucket: counts != {1} for bucket, counts in parts.items()
    }
    assert any(counts == {1} for counts in parts.values())
    assert any(counts != {1} for counts in parts.values())
    for key, blob in table.buckets.items():
        held = divided.blobs.get_table(blob, schema=schemas.MANIFEST)
        assert len(SubBucket.of(key, BUCKETS).select(held)) == len(held)
    assert table.counts == same.counts


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["divided", "in_small_parts"])
def test_what_is_released_is_what_it_would_be_of_whole_buckets(
    whole: Store, kind: str, part: str, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue(kind)
    one, other = store.releases.get("1"), whole.releases.get("1")
    assert contents(store, one, part) == contents(whole, other, part)
    assert one.content["counts"] == other.content["counts"]
    if part in ("tallies", "exclusions"):
        assert one.parts[part].keys() == other.parts[part].keys()
        for bucket, blob in one.parts[part].items():
            assert blob == other.parts[part][bucket]


def test_no_part_of_a_release_counts_by_owner(divided: Store) -> None:
    for part, schema in SCHEMAS.items():
        for blob in divided.releases.get("1").parts[part].values():
            assert divided.blobs.get_table(blob).schema.names == schema.names


@pytest.mark.parametrize(
    ("seed", "split_bytes", "workers"), [(1, 1 << 26, 0), (2, 150_000, 0), (0, 400_000, 2)]
)
def test_order_splits_and_workers_do_not_matter(
    divided: Store, hamlet: World, tmp_path: Path, limit: Any, seed: int, split_bytes: int, workers: int
) -> None:
    limit(600)
    runner = Runner(workers) if workers else ByHand()
    store = village(tmp_path / "store", hamlet, runner, seed=seed, split_bytes=split_bytes)
    assert cut(store, runner=runner).digest == divided.releases.get("1").digest
    close_stores()


def test_reading_a_little_at_a_time_does_not_matter(
    divided: Store, hamlet: World, tmp_path: Path, limit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(600)
    monkeypatch.setattr(merge_step, "_READ_ROWS", 40)
    monkeypatch.setattr(merge_step, "_WAITING_ROWS", 90)
    store = village(tmp_path / "store", hamlet, split_bytes=100_000)
    assert cut(store).digest == divided.releases.get("1").digest
    close_stores()


def manifest(store: Store, files: list[str], snapshot: str, onto: str | None = None) -> Table:
    return ingest_manifest(store, files, fmt="yfcc100m", snapshot=snapshot, onto=onto, runner=ByHand())


@pytest.mark.parametrize("rows", [70, 300, 600])
def test_a_bucket_that_grows_is_divided_as_if_all_had_come_at_once(
    hamlet: World, tmp_path: Path, limit: Any, rows: int
) -> None:
    limit(rows)
    store = new_store(tmp_path / "store", BUCKETS)
    onto, parts = None, []
    for number, file in enumerate([*hamlet.manifest, hamlet.manifest[0]]):  # the first one again
        table = manifest(store, [file], f"part-{number}", onto)
        parts.append(max(place.parts for found in places(table).values() for place in found))
        onto = table.name
    at_once = manifest(store, hamlet.manifest, "at-once")
    assert dict(table.buckets) == dict(at_once.buckets)
    assert table.digest == at_once.digest
    assert parts == sorted(parts)
    assert parts[0] < parts[-1]
    close_stores()


def test_a_sub_bucket_that_gets_no_row_is_neither_read_nor_written(
    in_small_parts: Store,
    copy: Copy,
    tmp_path: Path,
    hamlet: World,
    limit: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit(70)
    store = copy(in_small_parts)
    before = store.tables.get(MANIFESTS, "2014-05")
    line = Path(hamlet.manifest[0]).read_text(encoding="utf-8").split("\n", 1)[0]
    more = tmp_path / "more.tsv"
    more.write_text("\t".join(["99", *line.split("\t")[1:]]) + "\n", encoding="utf-8")
    seen = listing(Path(store.url))
    read: list[Blob] = []
    get_table = Blobs.get_table

    def noted(blobs: Blobs, blob: Blob, *args: Any, **options: Any) -> pa.Table:
        read.append(blob)
        return get_table(blobs, blob, *args, **options)

    monkeypatch.setattr(Blobs, "get_table", noted)
    after = manifest(store, [str(more)], "more", "2014-05")
    changed = {key for key, blob in after.buckets.items() if before.buckets.get(key) != blob}
    (key,) = changed
    assert SubBucket.of(key, BUCKETS).parts > 1
    assert [blob for blob in read if blob in before.buckets.values()] == [before.buckets[key]]
    assert before.buckets.keys() == after.buckets.keys()
    assert new_memos(seen, listing(Path(store.url)))["Merge"] == SubBucket.of(key, BUCKETS).parts
    first = cut(store, version="2")
    assert first.content["counts"]["rows"] == before.counts["rows"] + 1


def test_items_that_move_to_another_owner_leave_their_sub_buckets(
    hamlet: World, tmp_path: Path, limit: Any
) -> None:
    """Files that are added name other owners for items: whichever home wins, the other loses the item."""
    limit(70)
    lines = Path(hamlet.manifest[0]).read_text(encoding="utf-8").splitlines()[:60]
    more = tmp_path / "more.tsv"
    owners = [line.split("\t")[1] for line in lines]
    moved = [line.split("\t") for line in lines]
    for cells, owner in zip(moved, owners[1:] + owners[:1], strict=True):
        cells[1] = owner
    more.write_text("".join("\t".join(cells) + "\n" for cells in moved), encoding="utf-8")
    store = new_store(tmp_path / "store", BUCKETS)
    before = manifest(store, hamlet.manifest, "before")
    after = manifest(store, [str(more)], "after", "before")
    assert after.buckets != before.buckets
    assert after.digest == manifest(store, [*hamlet.manifest, str(more)], "at-once").digest
    assert after.counts["rows"] == before.counts["rows"]
    close_stores()


def test_looking_at_releases_that_divide_differently(whole: Store, in_small_parts: Store, copy: Copy) -> None:
    """The old release is of whole buckets, the new one of many small ones, and nothing else differs."""
    store = copy(in_small_parts)
    old, new = whole.releases.get("1"), store.releases.get("1")
    for blobs in old.parts.values():
        for blob in blobs.values():
            store.backend.create(blob.path, whole.backend.read(blob.path))
    for one, other in ((old, new), (new, old)):
        found = diff(store, one, other, Watch())
        assert (found.added, found.removed, found.changed) == (0, 0, 0)
        assert found.buckets_changed == found.buckets > BUCKETS
    assert verify(store, new, Watch())["rows"] == new.content["counts"]["kept"]
    assert diff(store, new, new, Watch()).buckets_changed == 0


def hot_owner(store: Store) -> tuple[str, int]:
    """The owner with the most items that were kept, in how many sub-buckets, and how many they are."""
    items = store.releases.get("1").parts["items"]
    owners = [set(store.blobs.get_table(blob)["owner_id"].to_pylist()) for blob in items.values()]
    owner, times = Counter(name for found in owners for name in found if name).most_common(1)[0]
    assert times > 2
    kept = rows(store, items.values(), schemas.ITEMS)["owner_id"].to_pylist()
    return owner, kept.count(owner)


def test_an_opt_out_of_an_owner_in_many_sub_buckets_removes_all(
    in_small_parts: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(in_small_parts)
    owner, kept = hot_owner(store)
    file = tmp_path / "list.txt"
    file.write_text(f"{owner}\n", encoding="utf-8")
    ingest_opt_outs(store, [str(file)], received_on="2027-01-01", runner=ByHand())
    before, after = store.releases.get("1"), cut(store, version="2")
    found = diff(store, before, after, Watch())
    assert (found.added, found.removed, found.changed) == (0, kept, 0)
    assert dict(found.removed_for) == {"opt_out_owner": kept}
    left = rows(store, after.parts["items"].values(), schemas.ITEMS)
    assert owner not in left["owner_id"].to_pylist()
    changed = {
        key for key in before.parts["items"] if after.parts["items"].get(key) != before.parts["items"][key]
    }
    assert len({key % BUCKETS for key in changed}) == 1


def test_the_gate_asks_each_sub_bucket(
    in_small_parts: Store, copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copy(in_small_parts)
    owner, _ = hot_owner(store)
    file = tmp_path / "list.txt"
    file.write_text(f"{owner}\n", encoding="utf-8")
    ingest_opt_outs(store, [str(file)], received_on="2027-01-01", runner=ByHand())
    from transforms import leave

    found = leave.leave_of
    monkeypatch.setattr(
        leave, "leave_of", lambda m, _, *others: found(m, schemas.LEAVE.empty_table(), *others)
    )
    with pytest.raises(RefusedError, match="'owner':") as caught:
        cut(store, version="2")
    assert len([line for line in str(caught.value).splitlines() if "'owner':" in line]) > 2
    assert store.releases.versions() == ["1"]


def test_a_bucket_without_its_tallies_is_missed(
    in_small_parts: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import release_plans

    store = copy(in_small_parts)
    plan = release_plans.PlanTally.__call__
    monkeypatch.setattr(release_plans.PlanTally, "__call__", lambda self, results: plan(self, results)[1:])
    with pytest.raises(RefusedError, match="bucket 0: it was cut, and tallies say otherwise"):
        cut(store, "commercial", version="2")


def test_a_query_finds_what_it_finds_in_whole_buckets(whole: Store, divided: Store) -> None:
    def answers(store: Store) -> list[Any]:
        with open_catalog(store) as catalog:
            checks = sorted((Path(__file__).parents[2] / "sql" / "checks").glob("*.sql"))
            assert [catalog.execute(check.read_text()).fetchall() for check in checks] == [[]] * len(checks)
            return [catalog.execute(f"select * from {name} order by all").fetchall() for name in
                    ("manifest", "items", "decisions", "tallies", "exclusions", "licenses")]  # fmt: skip

    assert answers(divided) == answers(whole)


def test_a_night_without_news_does_nothing(divided: Store) -> None:
    outlook = foresee(divided, choose_inputs(divided, as_of=None), policy("research"))
    assert {each.at_most for each in outlook} == {0}
    assert outlook[-1].actions > 0
