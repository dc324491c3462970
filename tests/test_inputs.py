from __future__ import annotations

import bz2
import contextlib
import datetime
import gzip
import hashlib
import itertools
import json
import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.raw import decompression, inputs, lineblocks, planning
from pipelines.raw.decompression import decompress, detect
from pipelines.raw.lineblocks import Block, LongLine
from transforms.domain import schemas
from transforms.domain.errors import ConfigError, InputError
from transforms.formats import canonical, openverse, rowgroups, yfcc100m

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))


def line(item_id: str, title: str = "a+title") -> bytes:
    page = f"http://www.flickr.com/photos/1@N00/{item_id}/"
    head = f"{item_id}\t1@N00\tname\t2012-02-16 09:56:37.0\t1331840483\t\t{title}\t\t\t\t\t\t\t{page}\t"
    return (head + "\t\tby 2.0\t\t\t\t\tjpg\t0").encode()


LINE = line("1")


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, so that files of a few kilobytes have many."""
    monkeypatch.setattr(lineblocks, "BLOCK_BYTES", 512)
    monkeypatch.setattr(lineblocks, "LINE_BYTES", 1_500)
    monkeypatch.setattr(lineblocks, "_HEAD_BYTES", 100)
    for module in (inputs, planning):
        monkeypatch.setattr(module, "BLOCK_BYTES", 512)
        monkeypatch.setattr(module, "COMPRESSED_CHUNK_BYTES", 64)
    monkeypatch.setattr(decompression, "STEP_BYTES", 128)


def rows_of(path: Path, split_bytes: int) -> tuple[list[Any], list[Any]]:
    """All rows of a file, and each refused row with its place in the file."""
    planned = planning.plan([str(path)], yfcc100m, split_bytes=split_bytes)
    rows: list[Any] = []
    refused: list[Any] = []
    for split in planned.splits:
        split = inputs.Split.from_json(json.loads(json.dumps(split.to_json())))
        for parsed in inputs.read(split, yfcc100m):
            rows += parsed.rows.to_pylist()
            for row in parsed.quarantined.to_pylist():
                at = (split.offset_bytes + row["offset_bytes"], split.first_line + row["line"])
                refused.append((*at, row["reason"], row["raw"], row["raw_bytes"]))
    return rows, refused


def expected_of(data: bytes) -> tuple[list[Any], list[Any]]:
    for blank in (b"\r\n", b"\n", b"\r"):
        if data.endswith(b"\n" + blank) or data == blank:
            data = data[: -len(blank)]
            break
    parsed = yfcc100m.parse(data, offset_bytes=0, line=0, settings={"fields": 23})
    refused = [
        ("line_too_long", row["raw"][:100]) if row["raw_bytes"] > 1_500 else (row["reason"], row["raw"])
        for row in parsed.quarantined.to_pylist()
    ]
    places = parsed.quarantined.select(["offset_bytes", "line", "raw_bytes"]).to_pylist()
    return parsed.rows.to_pylist(), [
        (place["offset_bytes"], place["line"], *one, place["raw_bytes"])
        for place, one in zip(places, refused, strict=True)
    ]


lines = st.one_of(
    st.integers(1, 99).map(lambda number: line(str(number))),
    st.sampled_from([b"", b"\r", LINE + b"\r", b"too\tfew", b"\xff", line("x"), b"z" * 1_500, b"z" * 1_501]),
    st.integers(1_502, 4_000).map(lambda size: b"z" * size),
)
endings = st.sampled_from([b"", b"\n", b"\n\n", b"\n\r\n", b"\n\n\n", b"\n\r"])
files = st.tuples(st.lists(lines, max_size=14), endings).map(
    lambda made: b"\n".join([LINE, *made[0]]) + made[1]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=files, split_bytes=st.integers(1, 3_000))
def test_any_splits_give_the_same_rows_and_places(
    data: bytes, split_bytes: int, tmp_path: Path, tiny_blocks: None
) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(data)
    assert rows_of(path, split_bytes) == expected_of(data)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=files, cuts=st.lists(st.integers(0, 5_000), max_size=4), compression=st.sampled_from(["gz", "bz2"])
)
def test_compressed_in_any_members_gives_the_same(
    data: bytes, cuts: list[int], compression: str, tmp_path: Path, tiny_blocks: None
) -> None:
    pack = gzip.compress if compression == "gz" else bz2.compress
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    packed = b"".join(pack(data[a:b]) for a, b in itertools.pairwise(edges))
    path = tmp_path / "named.anyhow"
    path.write_bytes(packed)
    assert rows_of(path, 100) == expected_of(data)


def test_splits_cover_the_file_and_say_what_each_is(tmp_path: Path) -> None:
    data = b"".join(line(str(number)) + b"\n" for number in range(1, 200))
    path = tmp_path / "a.tsv"
    path.write_bytes(data)
    seen: list[int] = []
    planned = planning.plan([str(path)], yfcc100m, split_bytes=1_000, report=seen.append)
    assert planned.files == (inputs.File(str(path), len(data), hashlib.sha256(data).hexdigest()),)
    assert seen == [len(data)]
    at = 0
    for split in planned.splits:
        piece = data[at : at + split.length_bytes]
        assert (split.offset_bytes, split.first_line) == (at, data[:at].count(b"\n"))
        assert split.sha256 == hashlib.sha256(piece).hexdigest()
        assert piece.endswith(b"\n")
        assert split.settings == {"fields": 23}
        at += split.length_bytes
    assert at == len(data)
    assert len(planned.splits) == 24
    assert planning.total_bytes([str(path), str(path)]) == 2 * len(data)


def test_identity_is_the_bytes_and_not_where_they_lie(tmp_path: Path) -> None:
    for name in ("a.tsv", "b.tsv"):
        (tmp_path / name).write_bytes(LINE)
    first, second = planning.plan(
        [str(tmp_path / n) for n in ("a.tsv", "b.tsv")], yfcc100m, split_bytes=9
    ).splits
    assert first != second
    assert first.identity() == second.identity()


# --- Lines -------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"a", b"\n")), max_size=40), st.integers(1, 20))
def test_blocks_hold_every_line_at_its_place(chunks: list[bytes], block_bytes: int) -> None:
    data = b"".join(chunks)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lineblocks, "BLOCK_BYTES", block_bytes)
        patched.setattr(lineblocks, "LINE_BYTES", block_bytes + 9)
        patched.setattr(lineblocks, "_HEAD_BYTES", 5)
        found = list(lineblocks.blocks(iter(chunks)))
    at, number = 0, 0
    for block in found:
        assert (block.offset_bytes, block.line) == (at, number)
        if isinstance(block, LongLine):
            assert data[at : at + 5] == block.head
            assert b"\n" not in data[at : at + block.length_bytes]
            assert block.length_bytes > block_bytes + 9
            at, number = at + block.length_bytes + 1, number + 1
        else:
            assert data[at : at + len(block.data)] == block.data
            assert all(len(one) <= block_bytes + 9 for one in block.data.split(b"\n"))
            at, number = at + len(block.data), number + block.data.count(b"\n")
    assert data[at:] in (b"", b"\n", b"\r\n", b"\r")


def test_a_line_of_gigabytes_is_never_held() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a\n" + b"x" * 100
        for _ in range(200):
            yield b"y" * (8 << 20)
        yield b"z\nb\n"

    found = list(lineblocks.blocks(chunks()))
    assert [type(one) for one in found] == [Block, LongLine, Block]
    long = found[1]
    assert isinstance(long, LongLine)
    assert (long.length_bytes, len(long.head)) == (200 * (8 << 20) + 101, 1 << 20)
    assert found[2] == Block(b"b\n", 2 + long.length_bytes + 1, 2)


# --- Compression -------------------------------------------------------------------------------------------

TEXT = bytes(range(256)) * 40
PACKED = {"gz": gzip.compress(TEXT, mtime=0), "bz2": bz2.compress(TEXT)}


def unpack(data: bytes, compression: str, chunk: int = 100) -> bytes:
    chunks = (data[at : at + chunk] for at in range(0, len(data), chunk))
    return b"".join(decompress(chunks, compression, "f"))


@pytest.mark.parametrize("compression", ["gz", "bz2"])
def test_a_file_cut_anywhere_is_an_error(compression: str) -> None:
    two = PACKED[compression] * 2
    assert unpack(two, compression) == TEXT * 2
    whole = {len(PACKED[compression]), 0}
    for length in range(len(two)):
        if length not in whole:
            with pytest.raises(InputError, match=r"^f: (cut|corrupt) "):
                unpack(two[:length], compression)


@pytest.mark.parametrize("compression", ["gz", "bz2"])
@pytest.mark.parametrize("garbage", [b"x", b"garbage after it", b"BZ", b"\x1f\x8b", b"\0" * 600 + b"x"])
def test_garbage_behind_is_an_error(compression: str, garbage: bytes) -> None:
    with pytest.raises(InputError, match=r"^f: (cut|corrupt) "):
        unpack(PACKED[compression] + garbage, compression)


def test_zeros_behind_gzip_are_padding_and_behind_bzip2_are_not() -> None:
    assert unpack(PACKED["gz"] + b"\0" * 1000, "gz") == TEXT
    assert unpack(PACKED["gz"] + b"\0" * 1000 + PACKED["gz"], "gz") == TEXT * 2
    with pytest.raises(InputError):
        unpack(PACKED["bz2"] + b"\0" * 1000, "bz2")


@pytest.mark.parametrize("compression", ["gz", "bz2"])
def test_no_flipped_bit_changes_what_comes_out(compression: str) -> None:
    for place in range(10, len(PACKED[compression])):
        broken = bytearray(PACKED[compression])
        broken[place] ^= 1 << (place % 8)
        with contextlib.suppress(InputError):
            assert unpack(bytes(broken), compression) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_bomb_comes_out_in_small_pieces(pack: Any) -> None:
    bomb = pack(b"\0" * (64 << 20))
    sizes = [len(piece) for piece in decompress(iter([bomb]), detect(bomb), "f")]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20


@given(st.binary(max_size=200), st.sampled_from(["gz", "bz2"]), st.integers(1, 50))
def test_unpacks_what_was_packed(data: bytes, compression: str, chunk: int) -> None:
    packed = (gzip.compress if compression == "gz" else bz2.compress)(data)
    assert detect(packed) == compression
    assert unpack(packed, compression, chunk) == data


# --- Files that are none, or change ------------------------------------------------------------------------


def refused(paths: list[Path], fmt: Any = yfcc100m) -> str:
    with pytest.raises(InputError) as error:
        planning.plan([str(path) for path in paths], fmt, split_bytes=1_000)
    message = str(error.value)
    assert message.startswith(f"{paths[0]}: ")
    assert "\n" not in message
    return message.removeprefix(f"{paths[0]}: ")


def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused([tmp_path / "absent"]).startswith("no such file")
    assert refused([tmp_path]).startswith("a directory")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # a socket's path is short
        listening.bind("s")
        assert refused([tmp_path / "s"]).startswith("neither a file nor a directory")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (gzip.compress(b"", mtime=0), "an empty file"),
        (b"\n\n", "not yfcc100m: found only blank lines"),
        (gzip.compress(gzip.compress(LINE), mtime=0), "not yfcc100m: found gzip data inside gzip"),
        (gzip.compress(LINE, mtime=0)[:-4], "cut gz data"),
        (bz2.compress(LINE)[:-4], "cut bz2 data"),
        (b"a\tb\n", "not yfcc100m: found 2 tab-separated columns"),
        (LINE.decode().encode("utf-16"), "not yfcc100m: found UTF-16"),
    ],
)
def test_files_of_another_kind_are_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "f.tsv.gz"
    path.write_bytes(data)
    assert refused([path]).startswith(message)


def test_a_file_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(LINE)
    (tmp_path / "link").symlink_to(path)
    for again in (path, tmp_path / "link", tmp_path / "." / "a.tsv"):
        with pytest.raises(ConfigError, match="named twice"):
            planning.plan([str(path), str(again)], yfcc100m, split_bytes=10)


def test_an_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such kind of address"):
        planning.plan(["nowhere://x/y"], yfcc100m, split_bytes=10)


@pytest.mark.parametrize("after", [b"2" + LINE[1:], LINE[:-1], b""])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_changed_is_refused(after: bytes, pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(pack(LINE))
    (split,) = planning.plan([str(path)], yfcc100m, split_bytes=10).splits
    path.write_bytes(pack(after))
    with pytest.raises(InputError, match=r"a\.tsv: changed while being read"):
        list(inputs.read(split, yfcc100m))
    with pytest.raises(InputError, match="changed while being read"):
        inputs.read_whole(split)


def test_a_file_that_grew_is_read_as_it_was_planned(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(LINE + b"\n")
    (split,) = planning.plan([str(path)], yfcc100m, split_bytes=10_000).splits
    path.write_bytes((LINE + b"\n") * 2)
    assert sum(len(parsed.rows) for parsed in inputs.read(split, yfcc100m)) == 1


def test_a_parquet_file_is_one_split_and_its_errors_name_it(tmp_path: Path) -> None:
    row = {"source": "flickr", "item_id": "1", "license": "CC-BY-2.0", "media_type": "photo"}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([row] * 9, schema=schemas.MANIFEST), path)
    (split,) = planning.plan([str(path)], canonical.MANIFEST, split_bytes=10).splits
    assert sum(len(parsed.rows) for parsed in inputs.read(split, canonical.MANIFEST)) == 9
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert refused([packed], canonical.MANIFEST).startswith("gz data, which canonical is not read from")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="changed while being read"):
        list(inputs.read(split, canonical.MANIFEST))
    (split,) = planning.plan([str(path)], canonical.MANIFEST, split_bytes=10).splits
    with pytest.raises(InputError, match=f"^{path}: a corrupt or cut Parquet file"):
        list(inputs.read(split, canonical.MANIFEST))


def observations(rows: int) -> pa.Table:
    cells = {
        "source": "flickr",
        "license": "CC-BY-2.0",
        "visibility": "public",
        "observed_on": datetime.date(2026, 11, 1),
    }
    made = [{**cells, "item_id": str(number) if number % 5 else ""} for number in range(rows)]
    return pa.Table.from_pylist(made, schema=schemas.LICENSES)


@given(
    rows=st.integers(1, 60),
    group=st.integers(1, 12),
    split_rows=st.integers(1, 30),
    split_bytes=st.sampled_from([1, 1 << 20]),
    block=st.sampled_from([16, 500, 1 << 20]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_row_groups_read_apart_are_the_file(
    rows: int, group: int, split_rows: int, split_bytes: int, block: int, tmp_path: Path
) -> None:
    path, elsewhere = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(observations(rows), path, row_group_size=group)
    elsewhere.write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rowgroups, "SPLIT_ROWS", split_rows)
        patched.setattr(inputs, "BLOCK_BYTES", block)
        (file,), splits = plan_of(path, split_bytes)
        assert [s.identity() for s in plan_of(elsewhere, split_bytes)[1]] == [s.identity() for s in splits]
    least = group if split_bytes == 1 else max(group, split_rows)
    assert (len(splits) > 1) == (rows > -(-least // group) * group)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    parsed = [piece for split in splits for piece in inputs.read(split, canonical.LICENSES)]
    expected = [number for number in range(rows) if number % 5]
    found = pa.concat_tables(piece.rows for piece in parsed)
    assert found["item_id"].to_pylist() == [str(number) for number in expected]
    refused = pa.concat_tables(piece.quarantined for piece in parsed)
    assert refused["line"].to_pylist() == [number for number in range(rows) if number % 5 == 0]


def plan_of(path: Path, split_bytes: int) -> tuple[tuple[inputs.File, ...], tuple[inputs.Split, ...]]:
    made = planning.plan([str(path)], canonical.LICENSES, split_bytes=split_bytes)
    return made.files, made.splits


@pytest.mark.parametrize("at", [200, -20])
def test_row_groups_or_a_footer_that_changed_are_refused(at: int, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(observations(60), path, row_group_size=30)
    data = bytearray(path.read_bytes())
    first = plan_of(path, 1)[1][0]
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed while being read"):
        list(inputs.read(first, canonical.LICENSES))


@pytest.mark.parametrize("data", [b"", b"one\ntwo\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_whole_files_may_be_anything(data: bytes, pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(pack(data))
    (split,) = planning.plan([str(path)], None, split_bytes=0).splits
    assert inputs.read_whole(split) == data


def test_urls_are_read_through_fsspec() -> None:
    import fsspec

    with fsspec.open("memory://bucket/a.tsv", "wb") as file:
        file.write((LINE + b"\n") * 10)
    planned = planning.plan(["memory://bucket/a.tsv"], yfcc100m, split_bytes=500)
    assert planned.files[0].path == "memory://bucket/a.tsv"
    assert sum(len(p.rows) for split in planned.splits for p in inputs.read(split, yfcc100m)) == 10


# --- Known answers of real files ---------------------------------------------------------------------------


def shared(*names: str) -> list[str]:
    paths = [SHARED / name for name in names]
    if not all(path.exists() for path in paths):
        pytest.skip(f"the real inputs are not at {SHARED}")
    return [str(path) for path in paths]


def manifest(paths: list[str], fmt: Any, split_bytes: int) -> pa.Table:
    planned = planning.plan(paths, fmt, split_bytes=split_bytes)
    parsed = [one for split in planned.splits for one in inputs.read(split, fmt)]
    assert sum(len(one.quarantined) for one in parsed) == 0
    assert all(one.unparsable == {} for one in parsed)
    return pa.concat_tables(one.rows for one in parsed)


@pytest.mark.shared
@pytest.mark.parametrize("split_bytes", [1_000, 1 << 30])
def test_yfcc100m_known_answers(split_bytes: int) -> None:
    paths = shared("yfcc100m/yfcc100m_dataset-000.tsv", "yfcc100m/yfcc100m_dataset-001.tsv.bz2")
    rows = manifest(paths, yfcc100m, split_bytes)
    assert len(rows) == len(set(rows["item_id"].to_pylist())) == 200
    assert len(set(rows["owner_id"].to_pylist())) == 190
    assert Counter(rows["license"].to_pylist()) == {
        "CC-BY-NC-ND-2.0": 65,
        "CC-BY-NC-SA-2.0": 54,
        "CC-BY-2.0": 26,
        "CC-BY-NC-2.0": 24,
        "CC-BY-SA-2.0": 20,
        "CC-BY-ND-2.0": 11,
    }
    assert set(rows["media_type"].to_pylist()) == {"photo"}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["flickr_https.tsv", "flickr_http.tsv"])
def test_openverse_known_answers(name: str) -> None:
    rows = manifest(shared(f"openverse/{name}"), openverse, 10_000)
    assert (len(rows), len(set(rows["item_id"].to_pylist()))) == (637, 73)
    assert Counter(rows["license"].to_pylist()) == {"CC-BY-NC-ND-2.0": 530, "CC-BY-2.0": 102, "CC-PDM-1.0": 5}


@pytest.mark.shared
def test_files_of_openverses_later_loader_are_refused() -> None:
    (folder,) = shared("openverse/loader")
    for path in sorted(Path(folder).iterdir()):
        assert refused([path], openverse).startswith(
            "not openverse: found 20 tab-separated columns, expected 17"
        )
