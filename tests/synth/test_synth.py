"""The files of a synthetic world: they say what `expected.json` says, and look like the real thing."""

from __future__ import annotations

import bz2
import csv
import gzip
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.synth import synthesize
from transforms.domain.errors import ConfigError
from transforms.synth.damage import FAULTS
from transforms.synth.optouts import opt_out_bytes, opt_out_lists
from transforms.synth.population import Population

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))

SEEDS = st.integers(0, 2**64)

# --- the oracle: counts a written folder again, line by line, in plain Python ---

FLICKR_IDS = {
    "0": "all-rights-reserved", "1": "CC-BY-NC-SA-2.0", "2": "CC-BY-NC-2.0", "3": "CC-BY-NC-ND-2.0",
    "4": "CC-BY-2.0", "5": "CC-BY-SA-2.0", "6": "CC-BY-ND-2.0", "9": "CC0-1.0", "11": "CC-BY-4.0",
    "12": "CC-BY-SA-4.0", "13": "CC-BY-ND-4.0", "14": "CC-BY-NC-4.0", "15": "CC-BY-NC-SA-4.0",
    "16": "CC-BY-NC-ND-4.0",
}  # fmt: skip

PRECEDENCE = (
    "opt_out_item", "opt_out_owner", "opt_out_tag", "consent_refused", "consent_missing", "deleted",
    "private", "visibility_unknown", "license_unknown", "license_withdrawn", "license_not_allowed",
)  # fmt: skip


def canonical(raw: str) -> str:
    if raw in FLICKR_IDS:
        return FLICKR_IDS[raw]
    if url := re.fullmatch(r"https?://creativecommons\.org/licenses/([a-z-]+)/([24]\.0)/", raw):
        return f"CC-{url[1].upper()}-{url[2]}"
    if re.fullmatch(r"https?://creativecommons\.org/publicdomain/zero/1\.0/", raw):
        return "CC0-1.0"
    return raw if raw in FLICKR_IDS.values() else "unknown"


def read_lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".bz2":
        data = bz2.decompress(data)
    assert data.endswith(b"\n")
    return data[:-1].split(b"\n")


def fault_of(line: bytes, columns: int) -> str | None:
    fields = line.split(b"\t")
    if len(fields) != columns:
        return "field_count"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    item_id = fields[0 if columns == 23 else 1]
    if not item_id:
        return "item_id_missing"
    return None if re.fullmatch(rb"[0-9]+", item_id) else "item_id_unparsable"


def read_manifest(out: Path, columns: int) -> tuple[dict[str, list[str]], int, Counter[str]]:
    """Distinct items by id, with the 23 fields of each; the number of readable lines; the faults."""
    faults: Counter[str] = Counter()
    items: dict[str, list[str]] = {}
    rows = 0
    for path in sorted((out / "manifest").iterdir()):
        for line in read_lines(path):
            fault = fault_of(line, columns)
            if fault:
                faults[fault] += 1
                continue
            rows += 1
            fields = line.decode().split("\t")
            if columns == 25:
                assert re.fullmatch("[0-9a-f]{32}", fields[2])
                fields = [fields[1], *fields[3:]]
            # A repeat is exact.
            assert items.setdefault(fields[0], fields) == fields
    return items, rows, faults


def read_opt_outs(path: Path) -> tuple[set[str], set[str]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert all(sum(bool(row[name]) for name in ("owner_id", "item_id", "url")) == 1 for row in rows)
        entries = [row["owner_id"] or row["item_id"] or row["url"] for row in rows]
    else:
        entries = text.splitlines()
    owners, items = set(), set()
    for entry in map(unquote, entries):
        if image := re.fullmatch(r"https://live\.staticflickr\.com/\d+/(\d+)_[0-9a-f]{10}_b\.jpg", entry):
            items.add(image[1])
        elif page := re.fullmatch(r"https?://www\.flickr\.com/(?:photos|people)/(\d+@N\d\d)/?(\d+/)?", entry):
            (items.add(page[2][:-1]) if page[2] else owners.add(page[1]))
        elif "@" in entry:
            owners.add(entry)
        else:
            assert entry.isdigit(), entry
            items.add(entry)
    return owners, items


FORBIDDEN = {
    "research": (), "commercial": ("NC", "ND"), "computer-vision": ("ND",),
    "generative-training": ("NC", "ND"), "face-detection": ("ND",), "face-recognition": ("ND",),
}  # fmt: skip


def reasons_of(policy: str, then: str, now: str, visibility: str, said: set[str]) -> list[str]:
    allowed = now == "CC0-1.0" or now.startswith("CC-BY-")
    if policy == "metadata-index":
        allowed = True
    elif set(FORBIDDEN[policy]) & set(now.split("-")):
        allowed = False
    found = {*said}
    if visibility != "public":
        found.add("visibility_unknown" if visibility == "unknown" else visibility)
    if now == "unknown" and policy != "metadata-index":
        found.add("license_unknown")
    elif not allowed:
        found.add("license_not_allowed")
        if now == "all-rights-reserved" and then != now:
            found.add("license_withdrawn")
    return [reason for reason in PRECEDENCE if reason in found]


NARROWER = {  # by purpose: the policies to which a no to it speaks
    "": {*FORBIDDEN, "metadata-index"},
    "generative-training": {"generative-training"},
    "commercial": {"commercial"},
    "computer-vision": {"computer-vision", "generative-training", "face-detection", "face-recognition"},
    "face-detection face-recognition": {"face-detection", "face-recognition"},
}


def read_leave(folder: Path, lists: dict[str, tuple[set[str], set[str]]]) -> Callable[..., set[str]]:
    """What people said of an item, by the files: a function of policy, item, owner, and the item's tags."""
    rows = {path.stem: list(csv.DictReader(path.read_text().splitlines())) for path in folder.iterdir()}
    owner_of = {row["key"]: row["owner_id"] for row in rows["aliases"]}
    plain = {*itertools.chain(*(owners | items for owners, items in lists.values()))}
    asked: dict[str, set[str]] = {}
    for row in rows["opt-outs"]:
        whom = row["owner_id"] or row["item_id"] or owner_of[row["alias"]]
        if row["state"] == "withdrawn":
            plain.remove(whom)
        else:
            asked.setdefault(whom, set()).update(NARROWER[row["purposes"]])
    people = {row["item_id"]: row["person_present"] == "true" for row in rows["detections"]}
    said: dict[str, list[dict[str, str]]] = {}
    for row in rows["consents"]:
        assert people[row["item_id"]]
        said.setdefault(row["item_id"], []).append(row)

    def of(policy: str, item: str, owner: str, tags: list[str]) -> set[str]:
        found = set()
        for reason, each in (("opt_out_item", item), ("opt_out_owner", owner)):
            if each in plain or policy in asked.get(each, ()):
                found.add(reason)
        statements = said.get(item, [])
        ends = any(row["says"] == "revoke" or row["expires_on"] for row in statements)
        granted = {name for row in statements if row["says"] == "grant" for name in row["purposes"].split()}
        if policy in NARROWER["computer-vision"]:
            if any(re.sub("[ _-]", "", tag.lower()) == "nocv" for tag in tags):
                found.add("opt_out_tag")
            if any(row["says"] == "refuse" for row in statements):
                found.add("consent_refused")
        if policy.startswith("face-") and people.get(item, True) and (ends or policy not in granted):
            found.add("consent_missing")
        return found

    return of


def recount(out: Path, columns: int) -> dict[str, Any]:
    items, rows, faults = read_manifest(out, columns)
    tags = {each: [unquote_plus(tag) for tag in fields[8].split(",")] for each, fields in items.items()}
    then = {each: canonical(fields[16]) for each, fields in items.items()}
    snapshots: dict[str, dict[str, tuple[str, str]]] = {}
    for path in sorted((out / "licenses").iterdir()):
        table = pq.read_table(path).to_pylist()
        assert {str(row["observed_on"]) for row in table} <= {path.stem}
        assert all(row["owner_id"] in (None, items[row["item_id"]][1]) for row in table)
        snapshots[path.stem] = {
            row["item_id"]: (canonical(row["license"]), row["visibility"]) for row in table
        }
        assert len(snapshots[path.stem]) == len(table)
    opt_outs = {name: read_opt_outs(out / "opt-outs" / name) for name in os.listdir(out / "opt-outs")}
    releases = []
    for as_of in ("2025-06-30", "2026-11-20"):
        in_force = [both for name, both in opt_outs.items() if name[:10] <= as_of]
        owners_out = set().union(*(owners for owners, _ in in_force))
        items_out = set().union(*(listed for _, listed in in_force))
        newest = snapshots[max(date for date in snapshots if date <= as_of)]
        for policy in ("research", "commercial"):
            first: Counter[str] = Counter()
            every: Counter[str] = Counter()
            kept: Counter[str] = Counter()
            for each, fields in items.items():
                now, visibility = newest.get(each, (then[each], "unknown"))
                said = {"opt_out_item"} if each in items_out else set()
                said |= {"opt_out_owner"} if fields[1] in owners_out else set()
                found = reasons_of(policy, then[each], now, visibility, said)
                every.update(found)
                first.update(found[:1])
                kept.update([] if found else [now])
            releases.append(
                {
                    "policy": policy,
                    "as_of": as_of,
                    "opt_outs": {name for name in opt_outs if name[:10] <= as_of},
                    "kept": kept.total(),
                    "excluded": first.total(),
                    "first_reason": first,
                    "reasons": every,
                    "by_license_kept": kept,
                }
            )
    said_of = read_leave(out / "leave", opt_outs)
    newest = snapshots[max(snapshots)]
    with_leave = []
    for policy in ("metadata-index", *FORBIDDEN):
        reasons = {
            each: reasons_of(
                policy,
                then[each],
                *newest.get(each, (then[each], "unknown")),
                said_of(policy, each, fields[1], tags[each]),
            )
            for each, fields in items.items()
        }
        kept = Counter(newest.get(each, (then[each],))[0] for each, found in reasons.items() if not found)
        with_leave.append(
            {
                "policy": policy,
                "as_of": "2026-11-20",
                "kept": kept.total(),
                "excluded": len(items) - kept.total(),
                "first_reason": Counter(found[0] for found in reasons.values() if found),
                "reasons": Counter(itertools.chain(*reasons.values())),
                "by_license_kept": kept,
            }
        )
    return {
        "rows": rows,
        "items": len(items),
        "duplicates": rows - len(items),
        "quarantined": faults,
        "owners": len({fields[1] for fields in items.values()}),
        "by_license": Counter(then.values()),
        "by_media_type": Counter({"0": "photo", "1": "video"}[fields[22]] for fields in items.values()),
        "snapshots": {
            date: {
                "rows": len(observed),
                "by_license": Counter(license_id for license_id, _ in observed.values()),
                "by_visibility": Counter(visibility for _, visibility in observed.values()),
            }
            for date, observed in snapshots.items()
        },
        "opt_outs": {
            name: {"owners": len(owners), "items": len(listed)} for name, (owners, listed) in opt_outs.items()
        },
        "releases": releases,
        "leave": with_leave,
    }


def comparable(expected: dict[str, Any]) -> dict[str, Any]:
    releases = [{**release, "opt_outs": set(release["opt_outs"])} for release in expected["releases"]]
    return {**{name: part for name, part in expected.items() if name != "seed"}, "releases": releases}


# --- the files against their known answers ---


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("world")
    return out, synthesize(out, rows=20_000, seed=11, workers=1, files=3, bad_rows=23)


def test_recount_of_the_files_agrees(world: tuple[Path, dict[str, Any]]) -> None:
    out, expected = world
    assert recount(out, 23) == comparable(expected)
    assert json.loads((out / "expected.json").read_text()) == expected


def test_a_broken_line_stands_before_the_line_it_is_made_of(world: tuple[Path, dict[str, Any]]) -> None:
    broken = 0
    for path in sorted((world[0] / "manifest").iterdir()):
        lines = read_lines(path)
        for place, line in enumerate(lines):
            if fault := fault_of(line, 23):
                model = next(each for each in lines[place + 1 :] if not fault_of(each, 23)).split(b"\t")
                same = [each == other for each, other in zip(line.split(b"\t"), model, strict=False)]
                assert same.count(False) == (fault != "field_count")
                broken += 1
    assert broken == 23


def test_world_of_twenty_thousand_rows_has_every_reason(world: tuple[Path, dict[str, Any]]) -> None:
    _, expected = world
    assert set(expected["quarantined"]) == set(FAULTS)
    for release in expected["releases"]:
        assert set(release["reasons"]) == set(PRECEDENCE) - {
            "opt_out_tag",
            "consent_refused",
            "consent_missing",
        }
        assert release["kept"] + release["excluded"] == expected["items"]
        assert sum(release["first_reason"].values()) == release["excluded"]
        assert sum(release["by_license_kept"].values()) == release["kept"]
    assert set(expected["leave"][-1]["reasons"]) == set(PRECEDENCE)


@settings(max_examples=12, deadline=None)
@given(
    rows=st.integers(1, 500),
    seed=SEEDS,
    bad_rows=st.integers(0, 9),
    columns=st.sampled_from([23, 25]),
    compress=st.sampled_from(["", "gz", "bz2"]),
)
def test_recount_agrees_for_any_small_world(
    tmp_path_factory: pytest.TempPathFactory, rows: int, seed: int, bad_rows: int, columns: int, compress: str
) -> None:
    out = tmp_path_factory.mktemp("small")
    expected = synthesize(
        out, rows=rows, seed=seed, workers=1, files=3, bad_rows=bad_rows, columns=columns, compress=compress
    )
    assert recount(out, columns) == comparable(expected)
    assert (expected["rows"], expected["seed"]) == (rows, seed)


def test_bytes_do_not_depend_on_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.synth._PIECE_ROWS", 900)  # many pieces, few rows
    reported: dict[int, list[int]] = {1: [], 2: []}
    for workers, lines in reported.items():
        synthesize(
            tmp_path / str(workers),
            rows=20_001,
            seed=5,
            workers=workers,
            files=3,
            bad_rows=9,
            columns=25,
            compress="gz",
            report=lines.append,
        )
    one, two = (
        {
            path.relative_to(tmp_path / out): path.read_bytes()
            for path in (tmp_path / out).rglob("*")
            if path.is_file()
        }
        for out in ("1", "2")
    )
    assert one == two
    assert len(one) == 3 + 2 + 3 + 4 + 1
    assert reported[1] == reported[2] == sorted(reported[1])
    assert reported[1][-1] == 20_001


def test_slices_are_the_whole_world_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.synth._PIECE_ROWS", 300)
    made = {}
    for name, part in (("whole", (1, 1)), ("first", (1, 2)), ("second", (2, 2))):
        made[name] = synthesize(
            tmp_path / name, rows=2_001, seed=5, workers=1, files=3, bad_rows=9, slice=part
        )
    assert made["whole"] == made["first"] == made["second"]

    def files(name: str, folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / name / folder).iterdir()}

    first, second = files("first", "manifest"), files("second", "manifest")
    assert (len(first), len(second)) == (1, 2)
    assert {**first, **second} == files("whole", "manifest")
    assert files("first", "opt-outs") == files("second", "opt-outs") == files("whole", "opt-outs")
    for snapshot in files("whole", "licenses"):
        parts = [pq.read_table(tmp_path / name / "licenses" / snapshot) for name in ("first", "second")]
        assert all(len(part) for part in parts)
        assert pa.concat_tables(parts).equals(pq.read_table(tmp_path / "whole" / "licenses" / snapshot))


@pytest.mark.parametrize("part", [(0, 1), (2, 1), (1, 4)])
def test_a_slice_that_there_is_not_is_refused(tmp_path: Path, part: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=f"slice is {part[0]}/{part[1]}"):
        synthesize(tmp_path / "out", rows=10, seed=1, workers=1, files=3, slice=part)


def test_faults_of_the_arguments_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        synthesize(
            tmp_path, rows=0, seed=1, fmt="csv", files=0, workers=1, bad_rows=-1, compress="xz", columns=24
        )
    assert str(refused.value).count("\n  ") == 6
    with pytest.raises(ConfigError, match="workers is 0"):
        synthesize(tmp_path, rows=10, seed=1, workers=0)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    for taken in (tmp_path, tmp_path / "precious"):
        with pytest.raises(ConfigError, match="not an empty folder"):
            synthesize(taken, rows=10, seed=1, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


# --- the look of it ---

TEXT = r"[^\t\n]*"
NUMBER = r"-?[0-9]{1,3}\.[0-9]{1,6}"
SHAPES = (
    r"[0-9]{8,11}", r"[0-9]+@N[0-9]{2}", TEXT, r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.0",
    r"[0-9]{10}", TEXT, TEXT, TEXT, TEXT, TEXT, f"({NUMBER})?", f"({NUMBER})?", r"([1-9]|1[0-6])?",
    r"http://www\.flickr\.com/(photos|videos)/[0-9]+@N[0-9]{2}/[0-9]+/",
    r"http://farm[0-9]\.staticflickr\.com/[0-9]+/[0-9]+_[0-9a-f]{10}\.(jpg|png)|http://www\.flickr\.com/videos/.*/",
    r"Attribution(-(NonCommercial|NoDerivs|ShareAlike))* License",
    r"http://creativecommons\.org/licenses/by(-nc)?(-nd|-sa)?/2\.0/", r"[0-9]{1,4}", "[0-9]", "[0-9a-f]{10}",
    "[0-9a-f]{10}", "jpg|png", "[01]",
)  # fmt: skip


def test_columns_have_the_shape_of_yfcc100m(world: tuple[Path, dict[str, Any]]) -> None:
    items, _, _ = read_manifest(world[0], 23)
    for fields in items.values():
        for shape, field in zip(SHAPES, fields, strict=True):
            assert re.fullmatch(shape, field), field
        assert (fields[10] == "") == (fields[11] == "") == (fields[12] == "")
        video = fields[22] == "1"
        assert ("/videos/" in fields[13]) == video == fields[14].endswith("/")
        assert fields[19] != fields[20]
        assert fields[19] in fields[14]
        assert fields[1] in fields[13]
        assert len(fields[7]) < 4_000
    columns = list(zip(*items.values(), strict=True))
    assert len(set(columns[20])) == len(items)
    assert max(map(len, columns[7])) > 1_500
    assert {date[:4] for date in columns[3]} >= {"1864", "4501", "1980"}


def test_texts_are_form_encoded_and_hold_traps(world: tuple[Path, dict[str, Any]]) -> None:
    items, _, _ = read_manifest(world[0], 23)
    texts = [field for fields in items.values() for place in (2, 5, 6, 7, 8, 9) if (field := fields[place])]
    decoded = [unquote_plus(text, errors="strict") for text in texts]
    assert all("\0" not in text for text in decoded)
    for encoded in ("+", "%2C", "%0A", "%27"):
        assert any(encoded in text for text in texts)
    assert any(text.startswith('"') for text in texts)
    assert any("\u2028" in text for text in texts)
    assert any("東京" in text for text in decoded)
    tags = {tag for fields in items.values() for tag in fields[8].split(",")}
    assert tags >= {"no_cv", "NO_CV", "nocv", "no+cv", "No-CV", "nocvs", "piano_cv", "paris%2Cno_cv"}


def test_snapshots_are_in_another_order_and_raw_in_places(world: tuple[Path, dict[str, Any]]) -> None:
    out, expected = world
    orders = []
    for path in sorted((out / "licenses").iterdir()):
        table = pq.read_table(path)
        raw = table.column("license").to_pylist()
        orders.append(table.column("item_id").to_pylist())
        assert 0.005 < sum(each not in FLICKR_IDS.values() for each in raw) / len(raw) < 0.02
        assert {"3", "1"} & set(raw)
        assert {"https", "http"} <= {each.split(":")[0] for each in raw}
        assert 0.01 < table.column("owner_id").null_count / len(raw) < 0.03
    assert set(orders[0]) == set(orders[1])
    assert orders[0] != orders[1]
    manifest = list(read_manifest(out, 23)[0])
    for order in orders:
        assert order != sorted(order)
        there = set(order)
        assert order != [each for each in manifest if each in there]
    assert 0 < expected["items"] - len(orders[0]) < 60


def test_opt_outs_name_some_who_are_not_there_and_repeat_themselves() -> None:
    people = Population(3, 2_000_000)
    lists = opt_out_lists(people)
    assert [len(np.unique(each.owners)) for each in lists] == [2 + 2] * 3
    assert [len(np.unique(each.items)) for each in lists] == [199 + 2] * 3
    for each in lists:
        assert (each.owners >= people.owners).sum() == (each.items >= people.items).sum() == 2
        text = opt_out_bytes(people, each).decode()
        entries = text.splitlines()[each.name.endswith(".csv") :]
        assert len(entries) == len(set(entries)) == len(each.owners) + len(each.items) == 5 + 202
        for form in ("/people/", "live.staticflickr.com", "%40"):
            assert form in text
    for earlier, later in itertools.pairwise(lists):
        assert len(np.intersect1d(earlier.items, later.items)) >= 1
        assert not np.array_equal(earlier.items, later.items)


@pytest.mark.shared
def test_real_rows_have_the_same_shapes_and_shares_of_empty_cells(world: tuple[Path, dict[str, Any]]) -> None:
    folder = SHARED / "yfcc100m"
    if not folder.is_dir():
        pytest.skip(f"no real inputs: {folder} is absent")
    real = [line.decode().split("\t") for path in sorted(folder.iterdir()) for line in read_lines(path)]
    made = list(read_manifest(world[0], 23)[0].values())
    for place, shape in enumerate(SHAPES):
        assert all(re.fullmatch(shape, row[place]) for row in real), f"column {place}"
        empty = [sum(not row[place] for row in rows) / len(rows) for rows in (real, made)]
        assert abs(empty[0] - empty[1]) < 0.07, f"column {place}: {empty}"
        if place != 22:
            long = [sum(len(row[place]) for row in rows) / len(rows) for rows in (real, made)]
            assert 0.6 < (long[1] + 2) / (long[0] + 2) < 1.6, f"column {place}: {long}"
