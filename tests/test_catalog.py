from __future__ import annotations

import datetime
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.catalog import sqlfiles
from pipelines.catalog import views as catalog
from pipelines.catalog.queries import ask, run_query
from pipelines.catalog.statistics import count, disclose, ship_stats
from pipelines.store.blobs import Blob
from pipelines.store.disclosures import Disclosures
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Dataset, Store, create_store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS, Table
from transforms import cut, decide, tallies
from transforms.domain import licenses, schemas
from transforms.domain.errors import ConfigError, IntegrityError, StateError
from transforms.domain.policy import Policy
from transforms.domain.purposes import ALL
from transforms.domain.reasons import BIT, PRECEDENCE
from transforms.facts import join_facts
from transforms.ledger import Look, build_ledger, newest
from transforms.published import DRIFT, TABLES
from transforms.standing import standing

POLICY = Policy(
    "research-noncommercial", ("CC-BY-2.0",), "newest", "exclude", "exclude", "exclude", "exclude", "exclude"
)
BUCKETS = 4
DAY = datetime.date(2026, 11, 1)


def rows(schema: pa.Schema, count: int, **columns: Any) -> pa.Table:
    """A table of ``schema``: the columns given, nulls elsewhere."""
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(count, f.type) for f in schema
    ]
    return pa.table(arrays, schema=schema)


def manifest(seed: int, count: int = 60) -> pa.Table:
    """Items of some owners, three of them without one, in the order of their ids."""
    random = np.random.default_rng(seed)
    owners = [f"{owner:07d}@N77" for owner in random.integers(1, 9, count).tolist()]
    return rows(
        schemas.MANIFEST,
        count,
        source=["flickr"] * count,
        item_id=[f"88{seed:02d}{item:05d}" for item in range(count)],
        owner_id=[None if place < 3 else owner for place, owner in enumerate(owners)],
        license=random.choice(["CC-BY-2.0", "CC-BY-NC-2.0", "unknown"], count).tolist(),
        media_type=["photo"] * count,
        title=[["", None, "a \"title\" 'of' it", "\x1b[31mred"][place % 4] for place in range(count)],
        tags=[[["cat"], ["dog", "no cv"], [], None, ["cat"]][place % 5] for place in range(count)],
        uploaded_at=[datetime.datetime(2010 + place % 3, 5, 1) for place in range(count)],
        taken_at=[datetime.datetime([1864, 2010, 4501][place % 3], 1, 1) for place in range(count)],
    )


def put_buckets(store: Store, table: pa.Table, bucket_of: pa.Array) -> dict[int, Blob]:
    """The rows as Parquet blobs, by bucket."""
    parts = {bucket: table.filter(pc.equal(bucket_of, bucket)) for bucket in range(BUCKETS)}
    return {bucket: store.blobs.put_table(part, table.schema) for bucket, part in parts.items() if len(part)}


def by_owner(table: pa.Table) -> pa.Array:
    """A bucket for each row: every row of an owner has the same."""
    owner = pc.if_else(table["owner_id"].is_valid(), table["owner_id"], table["item_id"])
    return pc.bit_wise_and(pc.dictionary_encode(owner.combine_chunks()).indices.cast(pa.int64()), BUCKETS - 1)


def look(table: pa.Table, seed: int) -> pa.Table:
    """What was seen of the rows on a day, drawn at random."""
    random, count = np.random.default_rng(seed), len(table)
    return rows(
        schemas.LICENSES,
        count,
        source=table["source"].to_pylist(),
        item_id=table["item_id"].to_pylist(),
        license=random.choice(["CC-BY-2.0", "CC-BY-2.0", "CC-BY-NC-2.0", "unknown"], count).tolist(),
        visibility=random.choice(["public", "public", "private", "deleted", "unknown"], count).tolist(),
        observed_on=[DAY] * count,
    )


def document(table: Table, counts: Mapping[str, int], lists: Sequence[Table] = ()) -> dict[str, Any]:
    """What a release says of itself, as far as the catalog reads it."""

    def named(each: Table) -> dict[str, Any]:
        return {"name": each.name, "digest": each.digest, "rows": each.counts.get("rows", 0)}

    return {
        "dataset": "d",
        "purpose": POLICY.purpose,
        "as_of": DAY.isoformat(),
        "policy": {**POLICY.as_dict(), "digest": POLICY.digest},
        "inputs": {"manifest": named(table), "licenses": [], "opt_outs": [named(each) for each in lists]},
        "toolchain": {},
        "counts": dict(counts),
        "schema": {},
    }


class World:
    """A store with a release, and the rows that went into it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows: pa.Table = schemas.MANIFEST.empty_table()
        self.reasons = np.zeros(0, np.uint32)

    def take_in(self, name: str, table: pa.Table, **more: Any) -> Table:
        buckets = put_buckets(self.store, table, by_owner(table))
        counts = {"rows_read": len(table) + 3, "rows": len(table), "duplicates": 2, "quarantined": 1}
        taken = Table(
            MANIFESTS, name, buckets=buckets, counts=counts, files=({"name": f"{name}.tsv"},), **more
        )
        self.store.tables.commit(taken)
        return taken

    def cut(
        self,
        version: str,
        table: Table,
        lists: Sequence[Table] = (),
        seed: int = 1,
        spoil: Callable[[np.ndarray], np.ndarray] = lambda reasons: reasons,
    ) -> Release:
        """A release by the real transforms; ``spoil`` changes what is written, not what is told of it."""
        parts: dict[str, dict[int, Blob]] = {name: {} for name in PARTS}
        every, reasons_of = [], []
        entries = [self.store.blobs.get_table(each.blobs["entries"]).cast(schemas.OPT_OUTS) for each in lists]
        asked = pa.concat_tables([schemas.OPT_OUTS.empty_table(), *entries])
        leave = standing(asked, schemas.CONSENTS.empty_table(), schemas.ALIASES.empty_table(), DAY)
        for bucket, blob in sorted(table.buckets.items()):
            items = self.store.blobs.get_table(blob).cast(schemas.MANIFEST)
            seen = look(items, seed + bucket)
            looks = [Look(DAY, "flickr", full=False, rows=lambda seen=seen: seen)]
            facts = join_facts(items, newest(build_ledger(items, looks)), leave)
            reasons = decide.decide(facts, POLICY)
            every.append(items)
            reasons_of.append(reasons)
            kept, excluded = cut.cut(items, facts, spoil(reasons), POLICY)
            for name, part, schema in (
                ("items", kept, schemas.ITEMS),
                ("excluded", excluded, schemas.EXCLUDED),
                ("tallies", tallies.tally(items, facts, reasons), schemas.TALLIES),
                ("exclusions", tallies.tally_exclusions(items, reasons), schemas.EXCLUSIONS),
            ):
                if len(part):
                    parts[name][bucket] = self.store.blobs.put_table(part, schema)
        self.rows, self.reasons = pa.concat_tables(every), np.concatenate(reasons_of)
        kept_rows = int((self.reasons == 0).sum())
        counts = {"rows": len(self.rows), "kept": kept_rows, "excluded": len(self.rows) - kept_rows}
        release = Release(version, document(table, counts, lists), parts)
        self.store.releases.commit(release)
        return release


def opt_out_list(store: Store, name: str, **columns: Any) -> Table:
    count = len(columns["key"])
    entries = rows(
        schemas.OPT_OUTS,
        count,
        source=["flickr"] * count,
        request=[f"r{number}" for number in range(count)],
        raw=columns["key"],
        purposes=[ALL] * count,
        state=["active"] * count,
        received_on=[DAY] * count,
        effective_on=[DAY] * count,
        **columns,
    )
    blobs = {"entries": store.blobs.put_table(entries, schemas.OPT_OUTS)}
    taken = Table(OPT_OUTS, name, date=DAY.isoformat(), blobs=blobs, counts={"rows": count})
    store.tables.commit(taken)
    return taken


def license_snapshot(store: Store, name: str, count: int, *, owners: bool) -> Table:
    table = rows(
        schemas.LICENSES,
        count,
        source=["flickr"] * count,
        item_id=[str(item) for item in range(count)],
        license=["CC-BY-2.0"] * count,
        visibility=["public"] * count,
        observed_on=[DAY] * count,
        **({"owner_id": ["1@N77"] * count} if owners else {}),
    )
    half = len(table) // 2
    blobs = [store.blobs.put_table(part, schemas.LICENSES) for part in (table[:half], table[half:])]
    taken = Table(
        LICENSES,
        name,
        date=DAY.isoformat(),
        buckets={0: blobs[0]},
        shards={1: blobs[1]},
        counts={"rows": count, "rows_read": count},
    )
    store.tables.commit(taken)
    return taken


# Where stores lie, each in a folder that a pattern, a quoted text and a partition could be read into.
PLACES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "local": lambda request: str(request.getfixturevalue("tmp_path_factory").mktemp("a") / "it's [1]*/run=3"),
    "gcs": lambda request: f"gs://{request.getfixturevalue('gcs').new_bucket()}/it's [1]*/run=3",
}


@pytest.fixture(scope="module", params=PLACES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Two manifests, two license snapshots, two lists; two releases, the newer of the older manifest."""
    store = create_store(PLACES[request.param](request), Dataset("d", "flickr", BUCKETS))
    quarantine = rows(
        schemas.QUARANTINE,
        1,
        offset_bytes=[40],
        line=[2],
        reason=["field_count"],
        detail=["22 cells"],
        raw=[b"\xff\t"],
        raw_bytes=[2],
    )
    bad = store.blobs.put_table(quarantine, schemas.QUARANTINE).to_json()
    world = World(store)
    splits = (
        {"file": "a.tsv", "offset_bytes": 0, "first_line": 0, "quarantine": bad},
        {"file": "a.tsv", "offset_bytes": 900, "first_line": 30, "quarantine": bad},
        {"file": "b.tsv", "offset_bytes": 0, "first_line": 0, "quarantine": None},
    )
    old = world.take_in("2026.9.0", manifest(1), splits=splits)
    world.take_in("2026.10.0", manifest(2), onto="2026.9.0")
    license_snapshot(store, "l1", 5, owners=True)
    license_snapshot(store, "l2", 8, owners=False)
    lists = [opt_out_list(store, "first", kind=["item", "owner"], key=["880100004", "0000005@N77"])]
    world.cut("2026.2.0", old, seed=7)
    world.cut("2026.10.0", old, lists, seed=1)
    opt_out_list(store, "second", kind=["owner"], key=[world.rows["owner_id"][-1].as_py()])
    yield world
    store.backend.close()


def answer(store: Store, sql: str, release: str | None = None) -> list[dict[str, Any]]:
    with catalog.open_catalog(store, release=release, needed=catalog.named_views(sql)) as connection:
        return run_query(connection, sql).read_all().to_pylist()


def test_manifest_is_the_newest_snapshot_in_natural_order(world: World) -> None:
    found = answer(world.store, "from manifest order by item_id")
    assert found == manifest(2).to_pylist()


def test_released_manifest_is_the_one_that_was_cut(world: World) -> None:
    assert answer(world.store, "from released_manifest order by item_id") == manifest(1).to_pylist()


def test_decisions_agree_with_an_oracle(world: World) -> None:
    expected = {
        row["item_id"]: [reason for reason in PRECEDENCE if int(bits) & BIT[reason]]
        for row, bits in zip(world.rows.select(["item_id"]).to_pylist(), world.reasons, strict=True)
    }
    found = answer(world.store, "from decisions")
    assert {row["item_id"]: row["reasons"] for row in found} == expected
    assert len(found) == len(expected)
    for row in found:
        assert row["verdict"] == ("excluded" if row["reasons"] else "kept")
        assert row["first_reason"] == next(iter(row["reasons"]), None)
    assert Counter(row["verdict"] for row in found).keys() == {"kept", "excluded"}


def test_exclusions_and_tallies_agree_with_oracles(world: World) -> None:
    decisions = answer(world.store, "from decisions")
    counted = {
        reason: {
            "reason": reason,
            "items": len(rows_with),
            "owners": len({row["owner_id"] for row in rows_with} - {None}),
            "first_items": sum(row["first_reason"] == reason for row in rows_with),
        }
        for reason in PRECEDENCE
        if (rows_with := [row for row in decisions if reason in row["reasons"]])
    }
    assert answer(world.store, "from exclusions") == list(counted.values())
    kept, excluded = answer(
        world.store, "select sum(items)::bigint n from tallies group by verdict order by verdict desc"
    )
    assert (kept["n"], excluded["n"]) == ((world.reasons == 0).sum(), (world.reasons != 0).sum())


def test_buckets_that_count_the_same_are_counted_each(broken: World) -> None:
    """Their tallies are one blob."""
    release = broken.cut("1", broken.take_in("m", manifest(1)))
    alike = {name: dict.fromkeys((0, 1, 2), release.parts[name][0]) for name in ("tallies", "exclusions")}
    broken.store.releases.commit(replace(release, version="2", parts={**release.parts, **alike}))
    for name, blobs in alike.items():
        once = sum(broken.store.blobs.get_table(blobs[0])["items"].to_pylist())
        assert answer(broken.store, f"select sum(items)::int as n from {name}", "2") == [{"n": 3 * once}]


def test_items_are_what_was_kept(world: World) -> None:
    kept = {row["item_id"] for row in world.rows.filter(pa.array(world.reasons == 0)).to_pylist()}
    assert {row["item_id"] for row in answer(world.store, "from items")} == kept


def test_quarantine_says_where_in_the_file(world: World) -> None:
    found = answer(world.store, "from quarantine order by offset_bytes")
    assert [(row["file"], row["line"], row["offset_bytes"]) for row in found] == [
        ("a.tsv", 3, 40),
        ("a.tsv", 33, 940),
    ]
    assert found[0]["raw"] == b"\xff\t"
    assert {(row["kind"], row["snapshot"], row["reason"]) for row in found} == {
        ("manifests", "2026.9.0", "field_count")
    }


def test_ledgers_hold_every_snapshot_and_list(world: World) -> None:
    found = answer(
        world.store, "select snapshot, count(*) n, count(owner_id) o from licenses group by all order by all"
    )
    assert found == [{"snapshot": "l1", "n": 5, "o": 5}, {"snapshot": "l2", "n": 8, "o": 0}]
    found = answer(world.store, "select list, kind from opt_outs order by all")
    assert [tuple(row.values()) for row in found] == [
        ("first", "item"),
        ("first", "owner"),
        ("second", "owner"),
    ]


def test_license_terms_are_those_that_are_known(world: World) -> None:
    found = answer(world.store, "from license_terms")
    assert [row["id"] for row in found] == sorted(licenses.LICENSES)
    assert [row["flickr_id"] for row in found if row["id"] == "CC-BY-2.0"] == [4]


def observe(world: World, day: datetime.date, table: pa.Table, seed: int, **more: Any) -> pa.Table:
    """A license snapshot of a day, of all items of a manifest; what it says."""
    said = (
        look(table, seed)
        .drop_columns("observed_on")
        .append_column("observed_on", pa.nulls(len(table), pa.date32()))
    )
    said = said.set_column(said.schema.get_field_index("owner_id"), "owner_id", table["owner_id"])
    blobs = put_buckets(world.store, said.select(schemas.LICENSES.names), by_owner(table))
    world.store.tables.commit(Table(LICENSES, f"of-{day}", date=day.isoformat(), buckets=blobs, **more))
    return said


def test_the_ledger_is_of_the_newest_manifest_and_every_snapshot(broken: World) -> None:
    """It is made when it is first asked for."""
    table = manifest(3)
    broken.take_in("m", table)
    later = DAY + datetime.timedelta(30)
    first, second = observe(broken, DAY, table, 1), observe(broken, later, table, 2, observer="openverse")
    for day, said in ((DAY, first), (later, second)):
        rows = answer(broken.store, f"from license_as_of('{day}') order by item_id")
        assert [(row["item_id"], row["owner_id"], row["license"], row["visibility"]) for row in rows] == [
            *zip(
                *(said[name].to_pylist() for name in ("item_id", "owner_id", "license", "visibility")),
                strict=True,
            )
        ]
    assert {row["observer"] for row in rows} == {"flickr", "openverse"}
    assert (
        answer(broken.store, f"from license_as_of('{later}', known_on := '{DAY - datetime.timedelta(1)}')")
        == []
    )
    (drift,) = answer(broken.store, f"select sum(items)::int n from license_transitions('{DAY}', '{later}')")
    (events,) = answer(broken.store, "select count(*) n from license_events")
    differ = [
        a != b
        for a, b in zip(
            *(t.select(["license", "visibility"]).to_pylist() for t in (first, second)), strict=True
        )
    ]
    assert (drift["n"], events["n"]) == (len(table), sum(differ))
    (seen,) = answer(broken.store, "select list(distinct (observer, known_on)) as l from licenses")
    assert {tuple(each.values()) for each in seen["l"]} == {("flickr", DAY), ("openverse", later)}
    assert len(answer(broken.store, f"from stale('{later}')")) == 0
    assert len(answer(broken.store, f"from stale('{later + datetime.timedelta(1)}')")) == len(table)


def test_snapshots_tell_what_was_taken_in(world: World) -> None:
    found = answer(world.store, "from snapshots")
    assert [(row["kind"], row["snapshot"]) for row in found] == [
        ("manifests", "2026.9.0"),
        ("manifests", "2026.10.0"),
        ("licenses", "l1"),
        ("licenses", "l2"),
        ("opt-outs", "first"),
        ("opt-outs", "second"),
    ]
    newer = found[1]
    assert (newer["rows_read"], newer["rows"], newer["duplicates"], newer["quarantined"]) == (63, 60, 2, 1)
    assert (newer["date"], newer["files"], newer["onto"]) == (None, ["2026.10.0.tsv"], "2026.9.0")
    assert newer["digest"] == world.store.tables.get(MANIFESTS, "2026.10.0").digest
    assert found[2]["date"] == DAY


def test_releases_and_their_inputs(world: World) -> None:
    found = answer(world.store, "from releases")
    assert [row["version"] for row in found] == ["2026.2.0", "2026.10.0"]
    release = world.store.releases.get("2026.10.0")
    assert found[1]["digest"] == release.digest
    assert found[1]["as_of"] == DAY
    assert (found[1]["manifest"], found[1]["policy_digest"]) == ("2026.9.0", POLICY.digest)
    assert found[1]["rows"] == found[1]["kept"] + found[1]["excluded"] == len(world.rows)
    inputs = answer(world.store, "select kind, snapshot from inputs order by kind")
    assert [tuple(row.values()) for row in inputs] == [("manifests", "2026.9.0"), ("opt-outs", "first")]


def test_an_older_release_can_be_asked(world: World) -> None:
    (older,) = answer(world.store, "from releases where version = '2026.2.0'")
    (counted,) = answer(world.store, "select count(*) n from items", "2026.2.0")
    assert counted["n"] == older["kept"]
    assert answer(world.store, "select distinct version v from inputs", "2026.2.0") == [{"v": "2026.2.0"}]
    with pytest.raises(StateError, match="no release '2027'"):
        answer(world.store, "from items", "2027")


@pytest.mark.parametrize("name", sqlfiles.checks())
def test_a_sound_release_passes_every_check(world: World, name: str) -> None:
    assert answer(world.store, sqlfiles.checks()[name]) == []


def call(signature: str) -> str:
    """A call with a value for each parameter that has to have one."""
    name, parameters = signature.removesuffix(")").split("(")
    return f"{name}({', '.join(repr('2026-11-01') for each in parameters.split(', ') if ':=' not in each)})"


def test_views_have_one_type_empty_full_and_closed(world: World) -> None:
    with (
        catalog.empty_catalog() as empty,
        catalog.open_catalog(world.store) as full,
        catalog.open_catalog(world.store, needed=()) as closed,
    ):
        called = [call(macro.signature) for macro in sqlfiles.macros().values()]
        for relation in [*sqlfiles.views(), *called]:
            described = empty.sql(f"describe from {relation}").fetchall()
            assert full.sql(f"describe from {relation}").fetchall() == described
            assert closed.sql(f"describe from {relation}").fetchall() == described
        assert [name for (name,) in closed.sql("show tables").fetchall()] == sorted(sqlfiles.views())


@pytest.fixture(params=PLACES)
def broken(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(create_store(PLACES[request.param](request), Dataset("d", "flickr", BUCKETS)))
    yield world
    world.store.backend.close()


def test_checks_find_what_is_broken(broken: World) -> None:
    table = manifest(3)
    taken = broken.take_in("m", table)
    owner = table["owner_id"][9].as_py()
    asked = opt_out_list(broken.store, "list", kind=["owner"], key=[owner])

    def forget_opt_outs(reasons: np.ndarray) -> np.ndarray:
        return reasons & ~np.uint32(BIT["opt_out_owner"] | BIT["opt_out_item"])

    release = broken.cut("1", taken, [asked], spoil=forget_opt_outs)
    met = answer(broken.store, sqlfiles.checks()["items_met_no_opt_out"])
    assert {owner} <= {row["key"] for row in met}
    assert answer(broken.store, sqlfiles.checks()["tallies_add_up"])
    assert not answer(broken.store, sqlfiles.checks()["every_row_decided_once"])
    twice = {**release.parts, "items": {**release.parts["items"], 0: release.parts["items"][1]}}
    broken.store.releases.commit(replace(release, version="2", parts=twice))
    assert answer(broken.store, sqlfiles.checks()["every_row_decided_once"])
    broken.store.releases.commit(replace(release, version="3", content={**release.content, "as_of": ""}))
    assert answer(broken.store, "select as_of from releases where version = '3'") == [{"as_of": None}]


def test_without_a_release_its_views_are_refused(broken: World) -> None:
    assert answer(broken.store, "from releases") == []
    assert answer(broken.store, "from manifest") == []
    assert answer(broken.store, "from quarantine") == []
    for empty in ("license_ledger", "license_events", "license_conflicts", "license_as_of('2026-11-01')"):
        assert answer(broken.store, f"from {empty}") == []
    for view in ("items", "decisions", "exclusions", "tallies", "inputs", "released_manifest"):
        with pytest.raises(StateError, match="no release yet"):
            answer(broken.store, f"select count(*) from {view}")
    with catalog.open_catalog(broken.store) as connection:
        assert run_query(connection, "from manifest").read_all().num_rows == 0
        with pytest.raises(StateError, match="no release yet"):
            run_query(connection, "select count(*) from items").read_all()


def test_a_manifest_that_is_another_one_is_refused(broken: World) -> None:
    release = broken.cut("1", broken.take_in("m", manifest(3)))
    inputs = {**release.content["inputs"], "manifest": {"name": "m", "digest": "0" * 64, "rows": 60}}
    broken.store.releases.commit(replace(release, version="2", content={**release.content, "inputs": inputs}))
    with pytest.raises(IntegrityError, match="'m'"):
        answer(broken.store, "from released_manifest")


@pytest.mark.parametrize("fault", ["flipped", "missing"])
def test_damaged_blobs_stop_only_queries_that_need_them(broken: World, fault: str) -> None:
    release = broken.cut("1", broken.take_in("m", manifest(3)))
    blob = release.parts["items"][2]
    data = bytearray(broken.store.backend.read(blob.path))
    broken.store.backend.remove(blob.path)
    if fault == "flipped":
        data[len(data) // 2] ^= 1
        broken.store.backend.create(blob.path, bytes(data))
    for view in ("items", "decisions"):
        with pytest.raises(IntegrityError, match=blob.digest):
            answer(broken.store, f"select 1 from {view} limit 0")
    assert answer(broken.store, "select count(*) n from manifest") == [{"n": 60}]
    assert answer(broken.store, "from tallies")


ESCAPES = [
    "from read_text('/etc/passwd')",
    "from read_csv('/etc/passwd')",
    "from '/etc/passwd'",
    "from glob('/etc/*')",
    "from read_text('{store}/datasets/d/dataset.json')",
    "from read_parquet('{closed}')",
    "copy (select 1) to '{outside}'",
    "attach '{outside}'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set allowed_paths = ['/etc/passwd']",
    "set threads = 1",
    "from test_is_not_seen_by_sql",
]
test_is_not_seen_by_sql = pa.table({"a": [1]})


@pytest.mark.parametrize("sql", ESCAPES)
def test_a_query_reaches_nothing_but_the_views(world: World, tmp_path: Path, sql: str) -> None:
    closed = next(iter(world.store.releases.get("2026.2.0").parts["items"].values()))
    sql = sql.format(
        store=world.store.url.replace("'", "''"),
        outside=tmp_path / "out",
        closed=f"{world.store.url}/{closed.path}".replace("'", "''"),
    )
    with catalog.open_catalog(world.store, needed=["manifest"]) as connection:
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()
        with pytest.raises(ConfigError):
            run_query(connection, sql).read_all()
        assert run_query(connection, "select count(*) n from manifest").read_all().to_pylist() == [{"n": 60}]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "sql",
    [
        "from query_table('manifest')",
        "from query('from manifest')",
        "select count(*) from query_table('manifest')",
        "select item_id from query_table('manifest') where item_id = 'x'",
        "select tags from query_table('manifest') where len(tags) > 9",
        "select 1 from query_table('items') having count(*) = 0",
        "from query('from license_as_of(''2026-11-01'')')",
        "select 1 from query('from drift_by_month(''2026-10-01'', ''2026-11-01'')') having count(*) = 0",
        "from stored.ledger",
        "from stored.manifest",
        "from stored.items where owner_id is not null",
    ],
)
def test_what_was_not_hashed_is_never_read_as_empty(world: World, sql: str) -> None:
    with (
        catalog.open_catalog(world.store, needed=()) as connection,
        pytest.raises(StateError, match="not open"),
    ):
        run_query(connection, sql).read_all()


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("select * from items join MANIFEST using (item_id)", {"items", "manifest"}),
        (
            "with a as (from tallies) select (select max(items) from exclusions) from a",
            {"tallies", "exclusions"},
        ),
        ("summarize decisions", {"decisions"}),
        ("describe main.decisions", {"decisions"}),
        ("show items", {"items"}),
        ("pivot tallies on verdict in ('kept') using sum(items)", {"tallies"}),
        ("select columns('owner.*') from licenses, unnest([1])", {"licenses"}),
        ("from opt_outs union all by name from items", {"opt_outs", "items"}),
        ("from License_As_Of('2026-11-01') join manifest using (item_id)", {"license_as_of", "manifest"}),
        ("select (select count(*) from main.stale('2026-11-01')) as n", {"stale"}),
        ("from range(3), read_text('x'), query('from stale(1)')", set()),
        ("select 'from items'", set()),
        ("show tables", set()),
    ],
)
def test_views_that_a_query_names(sql: str, named: set[str]) -> None:
    assert catalog.named_views(sql) == named


def stats_of(store: Store, version: str, folder: Path) -> duckdb.DuckDBPyConnection:
    """The statistics of a release, as a reader opens them."""
    path = folder / f"{version}.duckdb"
    path.write_bytes(store.backend.read(store.releases.stats_path(version)))
    return duckdb.connect(str(path), read_only=True)


def larger(store: Store, **more: Any) -> World:
    """A world of many owners: 900 items in 4 buckets."""
    world = World(store)
    table = manifest(7, 900)
    owners = pa.array([f"{place % 301:07d}@N01" for place in range(900)])
    world.cut(
        "1", world.take_in("m", table.set_column(2, schemas.MANIFEST.field("owner_id"), owners), **more)
    )
    return world


def test_stats_hold_counts_of_many_and_no_ids(broken: World, tmp_path: Path) -> None:
    world = larger(broken.store)
    release = world.store.releases.get("1")
    ship_stats(world.store, release)
    data = world.store.backend.read(world.store.releases.stats_path("1"))
    ids = {row[name] for row in world.rows.to_pylist() for name in ("item_id", "owner_id")} - {None}
    assert len(ids) > 900
    assert not [each for each in ids if each.encode() in data]
    with stats_of(world.store, "1", tmp_path) as stats:
        tables = {name for (name,) in stats.sql("select table_name from duckdb_tables()").fetchall()}
        assert tables == {"releases", *TABLES, "withheld"}
        (row,) = stats.sql("from releases").to_arrow_table().to_pylist()
        assert row == answer(world.store, "from releases where version = '1'")[0]
        for name, table in TABLES.items():
            shown = stats.sql(f"from {name}").to_arrow_table().to_pylist()
            withheld = stats.sql(f"select * from withheld where table_name = '{name}'").fetchall()[0]
            assert withheld[1:] == (withheld[2] - len(shown), withheld[2], 10)
            if name == DRIFT:
                assert shown == []  # nothing was looked at
                continue
            keys = ", ".join(table.keys)
            exact = answer(world.store, f"select {keys}, sum(items) as items from tallies group by all")
            assert len(shown) > 0 or name == "media_types"
            assert all(each in exact for each in shown)
            assert all(each["items"] >= 10 for each in shown)
        assert stats.sql("select sum(items)::bigint from years").fetchall() == [(row["rows"],)]


def test_of_the_owners_of_a_cell_no_more_are_counted_than_there_are(broken: World) -> None:
    world = larger(broken.store)
    totals, tables = count(world.store, world.store.releases.get("1"))
    exact = answer(
        world.store,
        "select verdict, count(*) as items, count(distinct owner_id) as owners from decisions group by all",
    )
    assert {row["verdict"]: row["items"] for row in exact} == {name: c.items for name, c in totals.items()}
    assert all(0 < totals[row["verdict"]].owners <= row["owners"] for row in exact)
    for name in ("years", "media_types"):
        of_all = sum(cell.items for cell in tables[name].values())
        assert of_all == sum(cell.items for cell in totals.values())
    assert sum(cell.items for cell in tables["exclusions"].values()) == totals["excluded"].items


def test_stats_of_few_owners_say_nothing(world: World, tmp_path: Path) -> None:
    release = world.store.releases.get("2026.10.0")
    ship_stats(world.store, release)
    with stats_of(world.store, release.version, tmp_path) as stats:
        (row,) = stats.sql("from releases").to_arrow_table().to_pylist()
        assert [row[name] for name in ("version", "rows", "kept", "excluded")] == ["2026.10.0", *[None] * 3]
        assert all(not stats.sql(f"from {name}").fetchall() for name in TABLES)
        hidden = dict(stats.sql("select table_name, cells from withheld").fetchall())
    assert hidden["years"] == 6
    assert disclose(world.store, release).withheld is None


def test_a_dataset_says_what_the_smallest_published_count_is(tmp_path: Path) -> None:
    store = create_store(str(tmp_path / "store"), Dataset("yfcc100m", "flickr", 4, smallest_count=15))
    larger(store)
    release = store.releases.get("1")
    ship_stats(store, release)
    with stats_of(store, "1", tmp_path) as stats:
        counts = [
            n for name in ("years", "licenses") for (n,) in stats.sql(f"select items from {name}").fetchall()
        ]
        assert counts
        assert min(counts) >= 15
        assert {k for (k,) in stats.sql("select k from withheld").fetchall()} == {15}
    with pytest.raises(ConfigError, match="a count of one is a person"):
        Dataset("d", "flickr", 4, smallest_count=1)


def test_stats_are_shipped_once_and_noted_first(broken: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = larger(broken.store)
    release, store = world.store.releases.get("1"), world.store
    place = store.releases.stats_path("1")
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.catalog.statistics.write_tables", lambda *_: sys.exit("killed"))
        with pytest.raises(SystemExit):
            ship_stats(store, release)
    assert not store.backend.exists(place)
    (noted,) = Disclosures(store.backend, store.dataset.path).all()
    assert ship_stats(store, release) == f"{store.url}/{place}"
    before = store.backend.read(place)
    ship_stats(store, release)
    assert store.backend.read(place) == before
    assert Disclosures(store.backend, store.dataset.path).all() == [noted]


def test_a_release_is_published_with_regard_to_those_before(broken: World) -> None:
    world = larger(broken.store)
    first = disclose(world.store, world.store.releases.get("1"))
    again = disclose(
        world.store,
        world.cut("2", world.store.tables.newest(MANIFESTS), seed=1),  # type: ignore[arg-type]
    )
    assert first.withheld is not None
    assert (again.version, again.tables, again.withheld) == ("2", first.tables, first.withheld)
    assert len(Disclosures(world.store.backend, world.store.dataset.path).all()) == 2


def test_ask_answers_as_text(world: World) -> None:
    assert list(ask(world.store, "select count(*) as n from manifest", how="csv")) == ['"n"', "60"]
    with pytest.raises(ConfigError, match="Views: aliases, consents"):
        list(ask(world.store, "select nothing from manifest"))


def test_a_query_does_not_pay_for_beam() -> None:
    program = (
        "import sys, pipelines.catalog, pipelines.catalog.queries; sys.exit('apache_beam' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
