"""Everything that the generator knows of its world, held against what byleave counts. Exactly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from byhand import ByHand
from worlds import World, counted, cut, new_store, rows, take_in

from pipelines.ingest import ingest_manifest
from pipelines.store.blobs import Blob
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS
from transforms.domain import schemas
from transforms.domain.errors import TooManyQuarantined
from transforms.domain.reasons import BIT


@pytest.fixture(scope="module", params=["world", "broken_world"])
def known(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def store(known: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield take_in(new_store(tmp_path_factory.mktemp("known") / "store"), known)
    close_stores()


def test_the_manifest(known: World, store: Store) -> None:
    expected = known.expected
    table = store.tables.get(MANIFESTS, "2014-05")
    assert table.counts == {
        "rows": expected["items"],
        "duplicates": expected["duplicates"],
        "quarantined": sum(expected["quarantined"].values()),
        "rows_read": expected["rows"] + sum(expected["quarantined"].values()),
    }
    items = rows(store, table.buckets.values(), schemas.MANIFEST)
    assert counted(items["license"]) == expected["by_license"]
    assert counted(items["media_type"]) == expected["by_media_type"]
    assert pc.count_distinct(items["owner_id"]).as_py() == expected["owners"]
    assert pc.count_distinct(items["item_id"]).as_py() == expected["items"]


def test_the_quarantine(known: World, store: Store) -> None:
    table = store.tables.get(MANIFESTS, "2014-05")
    blobs = [Blob.from_json(split["quarantine"]) for split in table.splits if split["quarantine"]]
    quarantine = rows(store, blobs, schemas.QUARANTINE)
    assert counted(quarantine["reason"]) == known.expected["quarantined"]
    assert bool(len(quarantine)) == ("broken" in str(known.folder))
    for split in table.splits:
        if split["quarantine"]:
            with open(split["file"], "rb") as file:
                content = file.read()
            found = store.blobs.get_table(Blob.from_json(split["quarantine"]))
            for row in found.to_pylist():
                start = split["offset_bytes"] + row["offset_bytes"]
                assert content[start : start + row["raw_bytes"] + 1] == row["raw"] + b"\n"
                assert content.count(b"\n", 0, start) == split["first_line"] + row["line"]


def test_the_license_snapshots(known: World, store: Store) -> None:
    assert store.tables.names(LICENSES) == [*known.expected["snapshots"]]
    for day, expected in known.expected["snapshots"].items():
        table = store.tables.get(LICENSES, day)
        observed = rows(store, [*table.buckets.values(), *table.shards.values()], schemas.LICENSES)
        assert len(observed) == table.counts["rows"] == expected["rows"]
        assert counted(observed["license"]) == expected["by_license"]
        assert counted(observed["visibility"]) == expected["by_visibility"]


def test_the_opt_out_lists(known: World, store: Store) -> None:
    found = {table.files[0]["name"].rsplit("/", 1)[1]: table for table in store.tables.all(OPT_OUTS)}
    assert found.keys() == known.expected["opt_outs"].keys()
    for name, expected in known.expected["opt_outs"].items():
        entries = rows(store, [found[name].blobs["entries"]], schemas.OPT_OUTS)
        assert counted(entries["kind"]) == {"owner": expected["owners"], "item": expected["items"]}
        assert (found[name].counts["owners"], found[name].counts["items"]) == (
            expected["owners"],
            expected["items"],
        )
        assert found[name].date == name[:10]


@pytest.mark.parametrize("number", range(4))
def test_the_releases(known: World, store: Store, number: int) -> None:
    expected = known.expected["releases"][number]
    release = cut(store, expected["policy"], f"1.{number}", as_of=expected["as_of"])
    assert release.content["counts"] == {
        "rows": known.expected["items"],
        "kept": expected["kept"],
        "excluded": expected["excluded"],
        # Both snapshots hold the same items: all but those that none ever saw.
        "observed": known.expected["snapshots"]["2025-06-01"]["rows"],
        "first_reason": expected["first_reason"],
        "signals_stale": 0,
    }
    files = {table.name: table.files[0]["name"].rsplit("/", 1)[1] for table in store.tables.all(OPT_OUTS)}
    lists = [files[each["name"]] for each in release.content["inputs"]["opt_outs"]]
    assert sorted(lists) == sorted(expected["opt_outs"])

    exclusions = rows(store, release.parts["exclusions"].values(), schemas.EXCLUSIONS)
    by_reason: Counter[str] = Counter()
    for each in exclusions.to_pylist():
        by_reason[each["reason"]] += each["items"]
    assert dict(by_reason) == expected["reasons"]

    items = rows(store, release.parts["items"].values(), schemas.ITEMS)
    excluded = rows(store, release.parts["excluded"].values(), schemas.EXCLUDED)
    assert counted(items["license"]) == expected["by_license_kept"]
    assert counted(excluded["first_reason"]) == expected["first_reason"]
    for reason, count in expected["reasons"].items():
        bits = pc.bit_wise_and(excluded["reasons"], pa.scalar(BIT[reason], pa.uint32()))
        assert pc.sum(pc.not_equal(bits, 0)).as_py() == count

    # Every item of the manifest is kept or left out, and none is both.
    ids = [*items["item_id"].to_pylist(), *excluded["item_id"].to_pylist()]
    assert len(ids) == len({*ids}) == known.expected["items"]

    tallies = rows(store, release.parts["tallies"].values(), schemas.TALLIES)
    for verdict, count in (("kept", expected["kept"]), ("excluded", expected["excluded"])):
        assert pc.sum(tallies.filter(pc.equal(tallies["verdict"], verdict))["items"]).as_py() == count


def test_too_much_quarantine_is_refused_and_leaves_no_snapshot(broken_world: World, tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")

    def ingest(share: float) -> None:
        ingest_manifest(
            store,
            broken_world.manifest,
            fmt="yfcc100m",
            snapshot="a",
            runner=ByHand(),
            max_quarantined_share=share,
        )

    with pytest.raises(TooManyQuarantined, match=r"123 of 6,123 rows \(2.01%\)") as caught:
        ingest(0.01)
    reasons = re.findall(r"([a-z0-9_]+) (\d+)[,;]", str(caught.value).split("cannot be read: ")[1])
    assert sum(int(rows) for _, rows in reasons) == 123
    assert store.tables.names(MANIFESTS) == []
    ingest(0.021)
    assert store.tables.names(MANIFESTS) == ["a"]
    close_stores()
