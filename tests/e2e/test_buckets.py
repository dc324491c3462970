"""The whole way typed against gs://: what is printed and published is what a local store gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byhand import ByHand
from support.fakegcs import FakeGcs
from support.objects import put
from support.weather import Weather
from worlds import World

from pipelines.cli import main
from pipelines.store.store import close_stores

ROOT = Path(__file__).parents[2]
WAY = (
    "init STORE --dataset yfcc100m --buckets 4",
    "ingest manifest STORE IN/manifest/*.tsv --format yfcc100m --snapshot 2014-05",
    "ingest licenses STORE IN/licenses/2025-06-01.parquet --observed-on 2025-06-01",
    "release cut STORE --policy research --version 1",
    "ingest opt-outs STORE IN/opt-outs/2025-06-10.txt --received-on 2025-06-10",
    "release cut STORE --policy research --version 1",
    "release cut STORE --policy research --version 1",
    "ingest licenses STORE IN/licenses/2026-11-01.parquet --observed-on 2026-11-01",
    "ingest opt-outs STORE IN/opt-outs/2026-11-10.* --received-on 2026-11-10",
    "release cut STORE --policy research --version 2 --dry-run",
    "release cut STORE --policy research --version 2",
    "release cut STORE --policy research --version 2 --dry-run",
    "release diff STORE 1 2",
    "release verify STORE 2",
    "release list STORE",
    "release show STORE 1 --json",
    "release show STORE 3",
    "sql STORE --file sql/stats/exclusions_by_reason.sql",
    "sql STORE --file sql/stats/license_drift.sql --release 1",
    "sql STORE --csv from~snapshots~order~by~all",
    "sql STORE select~kind,snapshot,count(*)~from~quarantine~group~by~all~order~by~all",
    "sql STORE select~nothing~from~items",
    "sql STORE from~read_text('/etc/passwd')",
)

Type = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Type]:
    """Types a command line, without Beam; its exit code, and what it printed."""
    monkeypatch.setattr("pipelines.commands.options.Runner", ByHand)

    def byleave(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(list(words))
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out + printed.err

    yield byleave
    close_stores()


@pytest.fixture
def uploaded(gcs: FakeGcs, hamlet: World) -> str:
    """The world's files in a bucket."""
    bucket = gcs.new_bucket()
    for path in sorted(hamlet.folder.rglob("*")):
        if path.is_file():
            put(gcs.url, bucket, f"in/{path.relative_to(hamlet.folder)}", path.read_bytes())
    return f"gs://{bucket}/in"


def words_of(line: str, store: str, inbox: str) -> list[str]:
    """The words of a command line, as the shell expands patterns of local files."""
    words = [word.replace("STORE", store).replace("IN/", f"{inbox}/") for word in line.split()]
    expanded = [
        sorted(map(str, Path("/").glob(word[1:]))) if "*" in word and word.startswith("/") else [word]
        for word in words
    ]
    return [word.replace("~", " ") for each in expanded for word in each]


@pytest.mark.slow
def test_the_whole_way_prints_the_same(
    typed: Type, gcs: FakeGcs, hamlet: World, uploaded: str, tmp_path: Path
) -> None:
    """Three ways: all local, all in buckets, and a folder named as a URL with inputs in a bucket."""
    places = {
        str(tmp_path / "store"): str(hamlet.folder),
        f"gs://{gcs.new_bucket()}/a/store": uploaded,
        f"file://{tmp_path}/other": uploaded,
    }
    told = []
    for store, inbox in places.items():
        printed = []
        for line in WAY:
            code, text = typed(*words_of(line, store, inbox))
            for place, name in ((store, "STORE"), (store.removeprefix("file://"), "STORE"), (inbox, "IN")):
                text = text.replace(place, name)
            printed.append((line, code, text))
        told.append(printed)
    codes = [code for _, code, _ in told[0]]
    assert [codes[number] for number in (3, 16, 21, 22)] == [5, 5, 3, 3]
    assert sum(map(bool, codes)) == 4
    for local, elsewhere, named in zip(*told, strict=True):
        assert elsewhere == local
        assert named == local
    assert re.search(r"digest +sha256:[0-9a-f]{64}\n +statistics +STORE/datasets", told[1][5][2])


def test_what_cannot_be_opened_is_named(typed: Type, gcs: FakeGcs) -> None:
    bucket = gcs.new_bucket()
    for store, code, why in (
        (f"gs://{bucket}/none", 5, "there is no store here"),
        ("gs://no-such-bucket/store", 5, "there is no bucket"),
        ("gs://", 3, "name a bucket"),
        ("s3://bucket/store", 3, "cannot be opened"),
        ("file://store", 3, "before an absolute path"),
    ):
        for command in (["release", "list", store], ["sql", store, "from items"]):
            found, text = typed(*command)
            assert (found, text.count("\n")) == (code, 1), text
            assert text.startswith(f"byleave: {store}: ")
            assert why in text
    store = f"gs://{bucket}/store"
    assert typed("init", store, "--dataset", "d", "--buckets", "4")[0] == 0
    code, text = typed("ingest", "opt-outs", store, f"gs://{bucket}/none.txt", "--received-on", "2026-11-10")
    assert (code, text) == (
        4,
        f"byleave: gs://{bucket}/none.txt: no such file. Look at the spelling of its path.\n",
    )


def test_an_outage_ends_in_time_and_in_one_line(typed: Type, gcs: FakeGcs, tmp_path: Path) -> None:
    """In a process of its own: what a driver logs would be seen."""
    store, local = f"gs://{gcs.new_bucket()}/store", str(tmp_path / "store")
    for place in (store, local):
        assert typed("init", place, "--dataset", "d", "--buckets", "4")[0] == 0
    with Weather(gcs.url) as weather, weather.outage():
        settings = {"STORAGE_EMULATOR_HOST": weather.url, "BYLEAVE_PATIENCE_SECONDS": "1"}
        for code, words in (
            (6, ["release", "list", store]),
            (6, ["sql", store, "from manifest"]),
            (4, ["ingest", "opt-outs", local, "gs://b/list.txt", "--received-on", "2026-11-10"]),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "pipelines.cli", *words],
                cwd=ROOT,
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
            assert done.stderr.startswith(f"byleave: {words[3] if code == 4 else store}")


def test_patience_has_to_be_a_number(typed: Type, gcs: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYLEAVE_PATIENCE_SECONDS", "soon")
    code, text = typed("release", "list", f"gs://{gcs.new_bucket()}/store")
    assert (code, "BYLEAVE_PATIENCE_SECONDS=soon" in text) == (3, True)
