"""docs/release-format.md says what the code does: columns, reasons, keys, digests, Parquet settings."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import blocks, code, read, table

from pipelines.night.inbox import Unit
from pipelines.night.ledger import Ledger
from pipelines.release import cut_release
from pipelines.release_inputs import Inputs
from pipelines.runner import Runner
from pipelines.store import documents, parquet
from pipelines.store.blobs import Blob
from pipelines.store.lease import Lease
from pipelines.store.memo import Result
from pipelines.store.releases import FORMAT, PARTS, Release
from pipelines.store.store import Dataset, Store
from pipelines.store.tables import KINDS, LICENSES, MANIFESTS, OPT_OUTS, Table
from transforms.domain import keys, license_changes, purposes, reasons, schemas
from transforms.domain.policy import Policy, parse_policy
from transforms.domain.subbuckets import LIMIT_ROWS, SubBucket

PAGE = read("docs/release-format.md")
TABLES = (
    "manifest",
    "quarantine",
    "licenses",
    "ledger",
    "opt_outs",
    "consents",
    "aliases",
    "leave",
    "met",
    "signals",
    "standing_signals",
    "signaled",
    "detections",
    "index",
    "facts",
    "items",
    "excluded",
    "tallies",
    "exclusions",
    "tallies_by_owner",
)


def stated_columns(name: str) -> list[tuple[str, str, bool]]:
    rows = table(PAGE, name)
    columns = [(row["column"], row["type"], {"yes": True, "no": False}[row["null"]]) for row in rows]
    return [*stated_columns("manifest"), *columns] if name == "items" else columns


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_those_of_the_schema(name: str) -> None:
    schema: pa.Schema = getattr(schemas, name.upper())
    assert stated_columns(name) == [(field.name, str(field.type), field.nullable) for field in schema]


def test_every_schema_is_described() -> None:
    found = {name for name, value in vars(schemas).items() if isinstance(value, pa.Schema)}
    assert found == {name.upper() for name in TABLES}


def test_reasons_stand_in_their_order_with_their_bits() -> None:
    rows = table(PAGE, "Reasons")
    assert tuple(row["reason"] for row in rows) == reasons.REASONS
    for row in rows:
        assert reasons.PRECEDENCE.index(row["reason"]) == int(row["rank"])
        assert 1 << int(row["bit"]) == int(row["value"]) == reasons.BIT[row["reason"]]


def test_purposes_stand_in_their_order_with_their_bits() -> None:
    rows = table(PAGE, "Sets of purposes")
    assert tuple(row["purpose"] for row in rows) == purposes.PURPOSES
    for row in rows:
        assert 1 << int(row["bit"]) == int(row["value"]) == purposes.BIT[row["purpose"]]
        assert row["next broader"] == purposes.BROADER.get(row["purpose"], "")
        assert (row["people-sensitive"] == "yes") == (row["purpose"] in purposes.PEOPLE_SENSITIVE)
    assert f"{purposes.ALL:,} is every purpose" in PAGE


def test_directions() -> None:
    assert tuple(row["direction"] for row in table(PAGE, "Directions")) == license_changes.DIRECTIONS


# --- Buckets: the page's rule, written down again in plain Python -------------------------------------------

_MASK = (1 << 64) - 1


def mix(x: int) -> int:
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & _MASK
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return x ^ x >> 33


def chain(text: str, seed: int) -> int:
    data = text.encode()
    state = mix(seed ^ len(data))
    for at in range(0, len(data), 8):
        (word,) = struct.unpack("<Q", data[at : at + 8].ljust(8, b"\0"))
        state = mix(state ^ word)
    return state


def home(source: str, owner_id: str | None, item_id: str) -> int:
    return item_hash(source, item_id) if owner_id is None else chain(owner_id, mix(chain(source, 0)))


def item_hash(source: str, item_id: str) -> int:
    return chain(item_id, mix((chain(source, 0) + 1) & _MASK))


def vectors() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [dict(row) for row in table(PAGE, "Buckets")]
    return [row | {"owner_id": None if row["owner_id"] == "null" else row["owner_id"]} for row in rows]


@pytest.mark.parametrize("row", vectors(), ids=lambda row: f"{row['source']} {row['owner_id']}")
def test_the_rule_gives_the_vectors(row: dict[str, Any]) -> None:
    source, owner_id, item_id = row["source"], row["owner_id"], row["item_id"]
    hashes = home(source, owner_id, item_id), item_hash(source, item_id)
    assert [f"{one:016x}" for one in hashes] == [row["home"], row["item_hash"]]
    places = [str(hashes[0] % 1024), str(hashes[1] % 128)]
    assert places == [row["bucket of 1,024"], row["shard of 128"]]


def test_the_code_gives_the_vectors() -> None:
    rows = vectors()
    source, owner, item = (
        pa.array([row[name] for row in rows], pa.string()) for name in ("source", "owner_id", "item_id")
    )
    homes, items = keys.home_hash(source, owner, item), keys.item_hash(source, item)
    assert [f"{one:016x}" for one in homes.tolist()] == [row["home"] for row in rows]
    assert [f"{one:016x}" for one in items.tolist()] == [row["item_hash"] for row in rows]
    dataset = Dataset("yfcc100m", "flickr", 1024)
    assert keys.bucket_of(homes, dataset.buckets).tolist() == [int(row["bucket of 1,024"]) for row in rows]
    assert keys.bucket_of(items, dataset.shards).tolist() == [int(row["shard of 128"]) for row in rows]
    assert Dataset("small", "flickr", 4).shards == 1
    assert dataset.key_rule in code(PAGE)


def test_the_code_gives_the_keys_of_sub_buckets() -> None:
    found = table(PAGE, "Sub-buckets")
    for row in found:
        bucket, buckets, parts, part, key = (int(row[name]) for name in row)
        assert SubBucket(bucket, parts, part).key(buckets) == key
        assert SubBucket.of(key, buckets) == SubBucket(bucket, parts, part)
    assert len(found) == 4
    assert f"more than {LIMIT_ROWS:,} items" in PAGE


def test_hashes_of_texts() -> None:
    found = dict(line for line in _pairs("text", "hash"))
    assert found
    for text, stated in found.items():
        assert stated == f"{chain(text, 0):016x}" == f"{int(keys.hash_strings(pa.array([text]))[0]):016x}"


def _pairs(first: str, second: str) -> list[tuple[str, str]]:
    """The rows of the one table of two columns with these names."""
    behind = PAGE.split(f"| {first} | {second} |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    return [(cells[0], cells[1]) for cells in map(code, behind.splitlines())]


# --- Documents and digests ---------------------------------------------------------------------------------


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


POLICY = parse_policy(read("configs/policies/research.toml"), "research.toml")


def blob(name: str, rows: int = 1) -> Blob:
    return Blob(sha256(name), ".parquet", rows, 100)


LIST = Table(OPT_OUTS, "2026-11-10-x", "2026-11-10", blobs={"entries": blob("e")}, counts={"rows": 1})
MANIFEST = Table(
    MANIFESTS, "2014-05", buckets={10: blob("b"), 9: blob("a")}, shards={3: blob("c")}, counts={"rows": 2}
)


def release(store: Store, version: str) -> Release:
    """A published release of no items: with nothing to compute, no runner is started."""
    inputs = Inputs(Table(MANIFESTS, "2014-05", counts={"rows": 0}), (), (), "2026-11-10")
    return cut_release(store, inputs, POLICY, version, Runner())[0]


def test_canonical_json_has_its_vector() -> None:
    (row,) = table(PAGE, "Canonical JSON")
    value = json.loads(row["value"])
    (form, digest) = row["canonical form, before the line feed"], row["digest"]
    assert documents.canonical(value).decode() == form + "\n" == canonical(value)
    assert documents.digest(value) == digest == sha256(form + "\n")


def test_documents_have_the_keys_that_the_page_names(store: Store) -> None:
    dataset = json.loads((Path(store.url) / store.dataset.path / "dataset.json").read_text())
    assert {row["key"] for row in table(PAGE, "dataset.json")} == dataset.keys()
    assert {row["key"] for row in table(PAGE, "Table documents")} == MANIFEST.to_json().keys()
    document = release(store, "1").to_json()
    assert {row["key"] for row in table(PAGE, "The release document")} == document.keys()
    assert document["format"] == FORMAT
    assert FORMAT in code(PAGE)
    assert set(PARTS) == document["tables"].keys() <= set(code(PAGE))


def test_the_version_file(store: Store) -> None:
    release(store, "2026.11.0")
    path = Path(store.url) / store.dataset.path / "releases" / "2026.11.0.json"
    text = path.read_text()
    commit = json.loads(text)
    assert commit.keys() == {row["key"] for row in table(PAGE, "The version file")}
    assert text == canonical(commit)
    digest, suffix, rows, size = commit["release"]
    document = (Path(store.url) / f"blobs/sha256/{digest[:2]}/{digest}{suffix}").read_bytes()
    assert (hashlib.sha256(document).hexdigest(), rows, size) == (digest, 0, len(document))
    assert document.decode() == canonical(json.loads(document))


def test_a_tables_digest_is_made_as_the_page_says() -> None:
    late = replace(MANIFEST, kind=LICENSES, observed_on="2026-01-01", observer="openverse", full=True)
    for one in (MANIFEST, LIST, late):
        document = one.to_json()
        parts = {name: {str(row[0]): row[1] for row in document[name]} for name in ("buckets", "shards")}
        blobs = {name: reference[0] for name, reference in document["blobs"].items()}
        further = {name: document[name] for name in ("observed_on", "observer", "full") if document[name]}
        stated = {"kind": document["kind"], "date": document["date"], **parts, "blobs": blobs, **further}
        assert one.digest == document["digest"] == sha256(canonical(stated))


def test_a_releases_digest_covers_everything_but_the_version(store: Store) -> None:
    first, second = release(store, "1"), release(store, "2")
    assert first.digest == second.digest == sha256(canonical({**first.to_json(), "version": None}))
    for key in first.content:
        other = Release("1", {**first.content, key: "another"}, first.parts)
        assert other.digest != first.digest, key


def test_a_policys_digest_is_made_as_the_page_says(store: Store) -> None:
    stated = dict(release(store, "1").to_json()["policy"])
    digest = stated.pop("digest")
    assert Policy.from_dict(stated) == POLICY
    assert digest == POLICY.digest == sha256(json.dumps(stated, sort_keys=True, separators=(",", ":")))


# --- Parquet -----------------------------------------------------------------------------------------------


def test_dictionaries_are_for_the_columns_that_the_page_names() -> None:
    paragraph = PAGE.split("The columns written with dictionaries, wherever they occur:", 1)[1].split(
        "\n\n", 1
    )[0]
    assert code(paragraph) == sorted(schemas.REPEATING)


def test_blobs_are_written_with_the_settings_that_the_page_states(store: Store) -> None:
    stated = {row["setting"]: row["value"] for row in table(PAGE, "Parquet")}
    rows = pa.table([["flickr"] * 3, ["1", "2", "3"], [7, 8, 9]], schema=schemas.INDEX)
    written = store.blobs.put_table(rows, schemas.INDEX)
    file = pq.ParquetFile(store.blobs.open(written))
    group = file.metadata.row_group(0)
    source, item = group.column(0), group.column(1)
    assert file.metadata.format_version == stated["format version"]
    assert stated["compression"] == "zstd, level 1"
    assert {source.compression, item.compression} == {"ZSTD"}
    assert source.has_dictionary_page
    assert not item.has_dictionary_page
    assert source.is_stats_set
    assert file.metadata.num_row_groups == 1
    assert [f"{rows:,}" in stated["row groups"] for rows in (parquet.GROUP_ROWS, parquet.WHOLE_ROWS)] == [
        True
    ] * 2
    assert file.metadata.metadata is None  # where Arrow's own schema would be
    assert all(not field.nullable for field in file.schema_arrow)


def layout() -> list[str]:
    """The layout's paths as patterns."""
    lines = blocks(PAGE, "text")[0].splitlines()[1:]
    patterns = []
    for path in (re.escape(line.split()[0]) for line in lines):
        path = path.replace("/ab/", "/[0-9a-f]{2}/")
        path = path.replace("<digest>", "[0-9a-f]{64}").replace("<key>", "[0-9a-f]{64}")
        path = re.sub("<[a-z]+>", "[^/]+", path)
        patterns.append(f"{path}.*" if path.endswith("/") else path)
    return patterns


def test_the_layout_names_every_file(store: Store) -> None:
    store.tables.commit(MANIFEST)
    for kind in KINDS[1:]:
        store.tables.commit(Table(kind, "2026-11-10"))
    release(store, "1")
    store.memos.put("Merge", "ab" * 32, Result())
    Lease(store.backend, f"{store.dataset.path}/lease.json", 60).acquire()
    Ledger(store).note(Unit(MANIFESTS, "/in/2014-05", "2014-05", "", {}), "2014-05")
    root = Path(store.url)
    made = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    met = {path: [one for one in layout() if re.fullmatch(one, path)] for path in made}
    assert [path for path, patterns in met.items() if not patterns] == []
    # Left over are stats.duckdb and what it told, of the command line.
    assert len({pattern for patterns in met.values() for pattern in patterns}) == len(layout()) - 2
