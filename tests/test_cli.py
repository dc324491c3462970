"""The command line: help that costs nothing, JSON that parses, one exit code for each kind of fault, and one
clear message, after which nothing half-written lies about."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import psutil
import pytest
from byhand import ByHand, listing

from pipelines.cli import cli, main
from pipelines.commands import options
from pipelines.commands.release import _named
from pipelines.store.store import Dataset, close_stores, create_store, open_store
from pipelines.store.tables import Table
from pipelines.synth import synthesize

ROOT = Path(__file__).parents[1]
PART = "WORLD/manifest/part-00000.tsv"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in this process, and without Beam: what a command does is the point here."""
    monkeypatch.setattr("pipelines.commands.options.Runner", ByHand)

    def byleave(*words: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return Outcome(int(left.value.code or 0), printed.out, printed.err)

    return byleave


def words_of(line: str, **places: Path) -> list[str]:
    """A command line in which places stand by name."""
    return [re.sub("|".join(places), lambda m: str(places[m.group()]), word) for word in line.split()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    synthesize(folder, rows=600, seed=5, workers=1, files=2)
    return folder


@pytest.fixture(scope="module")
def released(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with everything in it and one release, made by the commands alone."""
    store = tmp_path_factory.mktemp("released") / "store"
    for line in (
        "init STORE --dataset yfcc100m --buckets 4",
        f"ingest manifest STORE {PART} WORLD/manifest/part-00001.tsv --format yfcc100m --snapshot 2014-05",
        "ingest licenses STORE WORLD/licenses/2026-11-01.parquet --observed-on 2026-11-01",
        "ingest opt-outs STORE WORLD/opt-outs/2026-11-10.txt --received-on 2026-11-10",
        "release cut STORE --policy research --version 1",
    ):
        with pytest.raises(SystemExit) as left:
            main(words_of(line, STORE=store, WORLD=world))
        assert not left.value.code
    yield store
    close_stores()


@pytest.fixture
def store(released: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, to be changed."""
    shutil.copytree(released, tmp_path / "store")
    yield tmp_path / "store"
    close_stores()


# --- Help --------------------------------------------------------------------------------------------------


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(cli))


def test_no_command_takes_in_what_is_of_a_day_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "tomorrow", lambda: datetime.date(2026, 11, 11))
    dated = [
        parameter
        for command in COMMANDS.values()
        for parameter in command.params
        if parameter.name in ("received_on", "observed_on")
    ]
    assert len(dated) > 10
    for parameter in dated:
        assert parameter.type.convert("2026-11-11", parameter, None) == "2026-11-11"
        with pytest.raises(click.BadParameter, match="2062-11-03 is yet to come: today is 2026-11-10. State"):
            parameter.type.convert("2062-11-03", parameter, None)


def test_which_days_are_to_come_is_told_by_the_clock() -> None:
    words = ["ingest", "opt-outs", "store", "list.txt", "--received-on", "9999-12-31"]
    command = [sys.executable, "-m", "pipelines.cli", *words]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.splitlines()[-1].startswith(
        "Error: Invalid value for '--received-on': 9999-12-31 is yet to come: today is 20"
    )


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_says_what_it_does_and_shows_an_example(run: Run, path: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        told = run(*path, flag)
        assert (told.code, told.err) == (0, "")
    command = COMMANDS[path]
    if isinstance(command, click.Group):
        assert all(name in told.out for name in command.commands)
        return
    (example,) = re.findall(r"Example:\n\s+(byleave .*)\n", told.out)
    # The example is one that the command line can read.
    words = re.findall(r'"[^"]*"|\S+', example)[1:]
    assert tuple(words[: len(path)]) == path
    command.make_context(" ".join(path), [word.strip('"') for word in words[len(path) :]])
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not isinstance(parameter.type, click.Choice):
            assert parameter.help, f"{parameter.name} has no help"


def test_neither_help_nor_looking_at_a_store_loads_beam(released: Path) -> None:
    paths = [[*path, "--help"] for path in COMMANDS]
    looks = [
        ["release", "list", str(released)],
        ["release", "show", str(released), "1"],
        ["release", "verify", str(released), "1"],
        ["release", "diff", str(released), "1", "1"],
        ["release", "cut", str(released), "--policy", "research", "--version", "2", "--dry-run"],
        ["sql", str(released), "select 1"],
    ]
    program = (
        "import contextlib, io, json, sys; from pipelines.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(words)\n"
        "    print(json.dumps([words, sorted({'apache_beam', 'duckdb'} & {*sys.modules})]))\n"
    )
    command = [sys.executable, "-c", program, json.dumps([["--help"], *paths, *looks])]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(loaded) == 1 + len(paths) + len(looks)
    for words, modules in loaded:
        assert "apache_beam" not in modules, words
        assert "duckdb" not in modules or words[0] == "sql", words


def test_exit_codes_are_told_and_each_kind_of_error_has_its_own(run: Run) -> None:
    from transforms.domain import errors

    told = run("--help").out
    for code in {kind.exit_code for kind in errors._BY_NAME.values()} - {1}:
        assert re.search(rf"\b{code} ", told)


# --- JSON --------------------------------------------------------------------------------------------------


def test_every_answer_is_to_be_had_as_json(run: Run, world: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    expected = run("synth", tmp_path / "w", "--rows", 50, "--seed", 2, "--workers", 1, "--json").json
    assert expected == json.loads((tmp_path / "w" / "expected.json").read_text())
    made = run("init", store, "--dataset", "mine", "--buckets", 4, "--source", "museum", "--json").json
    assert made == {"store": str(store), "dataset": "mine", "source": "museum", "buckets": 4}
    shutil.rmtree(store)
    close_stores()

    expected = json.loads((world / "expected.json").read_text())
    run("init", store, "--dataset", "yfcc100m", "--buckets", 4)
    manifest = ("ingest", "manifest", store, "--format", "yfcc100m", "--snapshot", "a")
    taken = run(*manifest, *sorted((world / "manifest").iterdir()), "--json").json
    assert (taken["rows"], taken["duplicates"], taken["quarantined"]) == (
        expected["items"],
        expected["duplicates"],
        0,
    )
    for day, answers in expected["snapshots"].items():
        file = world / "licenses" / f"{day}.parquet"
        taken = run("ingest", "licenses", store, file, "--observed-on", day, "--json").json
        assert (taken["snapshot"], taken["rows"]) == (day, answers["rows"])
    for name, answers in expected["opt_outs"].items():
        file = world / "opt-outs" / name
        taken = run("ingest", "opt-outs", store, file, "--received-on", name[:10], "--json").json
        assert (taken["owners"], taken["items"]) == (answers["owners"], answers["items"])

    for number, answers in enumerate(expected["releases"]):
        how = ("--policy", answers["policy"], "--as-of", answers["as_of"], "--version", f"1.{number}")
        cut = ("release", "cut", store, *how, "--json")
        assert {"stages", "manifest", "licenses", "opt_outs", "as_of"} <= run(*cut, "--dry-run").json.keys()
        assert len(run("release", "list", store, "--json").json["releases"]) == number
        release = run(*cut).json
        assert release["new"]
        assert release["counts"]["kept"] == answers["kept"]
        assert release["counts"]["first_reason"] == answers["first_reason"]
        assert not run(*cut).json["new"]
    versions = [each["version"] for each in run("release", "list", store, "--json").json["releases"]]
    assert versions == ["1.0", "1.1", "1.2", "1.3"]
    assert run("release", "show", store, "--json").json["digest"] == release["digest"]
    assert run("release", "verify", store, "1.0", "--json").json["rows"] == expected["releases"][0]["kept"]
    difference = run("release", "diff", store, "1.0", "1.2", "--json").json
    kept = [each["kept"] for each in expected["releases"]]
    assert difference["added"] - difference["removed"] == kept[2] - kept[0]
    assert sum(difference["removed_for"].values()) == difference["removed"]
    same = run("release", "diff", store, "1.0", "1.0", "--json").json
    assert (same["buckets_changed"], same["added"], same["removed"], same["changed"]) == (0, 0, 0, 0)
    answer = run("sql", store, "select count(*) as n from items", "--release", "1.1", "--json").json
    assert answer == [{"n": kept[1]}]


def test_answers_for_people_say_the_same(run: Run, released: Path) -> None:
    shown = run("release", "show", released, "1")
    listed = run("release", "list", released)
    digest = run("release", "show", released, "--json").json["digest"]
    assert shown.code == listed.code == 0
    assert f"sha256:{digest}" in shown.out
    assert digest[:12] in listed.out
    assert run("release", "verify", released, "1").out.startswith("release 1 is whole: ")
    assert run("release", "diff", released, "1", "1").out.startswith("1 -> 1: 0 of ")
    assert "\x1b" not in shown.out + listed.out


def test_many_lists_are_counted_and_stand_below() -> None:
    names = [f"2026-11-{day:02}-0123abcd" for day in range(1, 8)]
    assert [*_named("opt-outs", [])] == ["  opt-outs    none"]
    assert [*_named("licenses", names[:2], ", seen")] == [f"  licenses    {names[0]}, {names[1]}, seen"]
    assert [*_named("opt-outs", names)] == [
        "  opt-outs    7 lists",
        f"              {', '.join(names[:4])},",
        f"              {', '.join(names[4:])}",
    ]
    assert next(_named("licenses", names, ", seen")) == "  licenses    7 snapshots, seen"


# --- Faults ------------------------------------------------------------------------------------------------


def damage_a_part(store: Path) -> None:
    opened = open_store(str(store))
    file = store / opened.releases.get("1").parts["items"][1].path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    close_stores()


def lose_a_part(store: Path) -> None:
    opened = open_store(str(store))
    (store / opened.releases.get("1").parts["items"][1].path).unlink()
    close_stores()


def exchange_a_list(store: Path) -> None:
    """Another list, whole in itself, under the name of one that the release was cut with."""
    file = next((store / "datasets" / "yfcc100m" / "opt-outs").iterdir())
    other = replace(Table.from_json(json.loads(file.read_text()), ""), blobs={})
    file.write_text(json.dumps(other.to_json()), encoding="utf-8")


def forget_the_releases(store: Path) -> None:
    shutil.rmtree(store / "datasets" / "yfcc100m" / "releases")


def unlike_yfcc(folder: Path) -> None:
    (folder / "photos.tsv").write_text("id\ttitle\n1\tone\n", encoding="utf-8")


def one_file(name: str, content: bytes | str) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: void((folder / name).write_bytes(data))


def void(_: object) -> None:
    return None


def truncated(world: Path) -> bytes:
    packed = gzip.compress((world / "manifest" / "part-00000.tsv").read_bytes(), mtime=0)
    return packed[: len(packed) * 3 // 4]


MANIFEST = "ingest manifest STORE {} --format yfcc100m --snapshot b"
LICENSES = "ingest licenses STORE {} --observed-on 2026-11-02"
OPT_OUTS = "ingest opt-outs STORE {} --received-on 2026-11-11"
CUT = "release cut STORE --version 2 --policy "
BAD_POLICY = (
    'purpose = "comercial"\n[licenses]\nallow = ["CC-BY-4", "CC0-1.0"]\nchange = "latest"\n'
    'unknown = "exclude"\n[visibility]\nprivate = "exclude"\ndeleted = "exlude"\n'
)

# Name: what is wrong, the command line, the exit code. STORE is a copy of a store with one release.
FAULTS: dict[str, tuple[Callable[[Path], None] | None, str, int]] = {
    "usage/no_command": (None, "relaese", 2),
    "usage/no_option": (None, "release cut STORE --version 2", 2),
    "usage/bad_date": (None, CUT + "research --as-of 2026-2-30", 2),
    "usage/bad_share": (None, MANIFEST.format("x.tsv") + " --max-quarantined-share 2", 2),
    "config/policy": (one_file("bad.toml", BAD_POLICY), CUT + "FOLDER/bad.toml", 3),
    "config/policy_no_toml": (one_file("bad.toml", "purpose = \n"), CUT + "FOLDER/bad.toml", 3),
    "config/policy_no_text": (one_file("bad.toml", b"\xff\xfe"), CUT + "FOLDER/bad.toml", 3),
    "config/no_policy": (None, CUT + "reserch", 3),
    "config/buckets": (None, "init FOLDER/new --dataset d --buckets 1000", 3),
    "config/dataset_name": (None, "init FOLDER/new --dataset ../d", 3),
    "config/version_name": (None, "release cut STORE --policy research --version ../2", 3),
    "config/snapshot_name": (
        None,
        "ingest manifest STORE {} --format yfcc100m --snapshot a/b".format("x.tsv"),
        3,
    ),
    "config/format": (one_file("x.tsv", ""), MANIFEST.format("FOLDER/x.tsv").replace("yfcc100m", "yfcc"), 3),
    "config/multi_threading": (None, CUT + "research -- --direct_running_mode=multi_threading", 3),
    "config/scheme": (None, "release list s3://bucket/store", 3),
    "config/query": (None, "sql STORE", 3),
    "config/query_file": (None, "sql STORE --file sql/stats/nothing.sql", 3),
    "config/named_twice": (
        None,
        MANIFEST.format("WORLD/manifest/part-00000.tsv WORLD/manifest/part-00000.tsv"),
        3,
    ),
    "input/missing": (None, MANIFEST.format("FOLDER/photos.tsv"), 4),
    "input/directory": (None, MANIFEST.format("WORLD/manifest"), 4),
    "input/empty": (one_file("photos.tsv", ""), MANIFEST.format("FOLDER/photos.tsv"), 4),
    "input/wrong_format": (unlike_yfcc, MANIFEST.format("FOLDER/photos.tsv"), 4),
    "input/not_parquet": (unlike_yfcc, LICENSES.format("FOLDER/photos.tsv"), 4),
    "input/truncated": (None, MANIFEST.format("FOLDER/truncated.tsv.gz"), 4),
    "input/opt_out_line": (
        one_file("list.txt", "12345678@N00\n\nhttps://www.flickr.com/photos/alias/\nplease remove me\n"),
        OPT_OUTS.format("FOLDER/list.txt"),
        4,
    ),
    "input/opt_out_column": (one_file("list.csv", "ower_id\n1@N00\n"), OPT_OUTS.format("FOLDER/list.csv"), 4),
    "input/opt_outs_empty": (one_file("list.txt", "\n\n"), OPT_OUTS.format("FOLDER/list.txt"), 4),
    "state/no_store": (None, "release list FOLDER/nowhere", 5),
    "state/other_settings": (None, "init STORE --dataset yfcc100m --buckets 8", 5),
    "state/other_dataset": (None, "init STORE --dataset openverse --buckets 4", 5),
    "state/not_a_store": (None, "init WORLD --dataset d", 5),
    "state/no_snapshot": (None, CUT + "research --manifest 2015", 5),
    "state/onto_no_snapshot": (None, MANIFEST.format(PART) + " --onto 2015", 5),
    "state/snapshot_taken": (
        None,
        MANIFEST.format(PART).replace("snapshot b", "snapshot 2014-05"),
        5,
    ),
    "state/no_opt_outs_by_then": (None, CUT + "research --as-of 2020-01-01", 5),
    "state/version_taken": (None, CUT.replace("2", "1") + "commercial", 5),
    "state/no_release": (None, "release show STORE 9", 5),
    "state/no_release_at_all": (forget_the_releases, "release verify STORE 1", 5),
    "integrity/damaged": (damage_a_part, "release verify STORE 1", 8),
    "integrity/missing": (lose_a_part, "release verify STORE 1", 8),
    "integrity/other_list": (exchange_a_list, "release verify STORE 1", 8),
}


def without_places(text: str, **places: Path) -> str:
    for name, place in sorted(places.items(), key=lambda item: -len(str(item[1]))):
        text = text.replace(str(place), name)
    # What differs between versions of the libraries that write bytes.
    text = re.sub(r"(sha256/../)?\b([0-9a-f]{12,64}|(?<=\d-)[0-9a-f]{8})\b", "DIGEST", text)
    return re.sub(r"at byte [0-9,]+", "at byte N", text)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_code_and_one_clear_message_and_leaves_nothing(
    run: Run, store: Path, world: Path, tmp_path: Path, golden: Callable[[str, str], None], fault: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "truncated.tsv.gz").write_bytes(truncated(world))
    prepare, line, code = FAULTS[fault]
    if prepare:
        prepare(store if fault.startswith(("integrity", "state")) else folder)
    places = {"STORE": store, "FOLDER": folder, "WORLD": world}
    before = {name: listing(place) for name, place in places.items()}
    outcome = run(*words_of(line, **places))
    assert (outcome.code, outcome.out) == (code, "")
    assert "Traceback" not in outcome.err
    if code == 2:
        assert outcome.err.startswith("Usage: byleave ")  # the words are click's
    else:
        assert outcome.err.startswith("byleave: ")
        golden(f"errors/{fault}.txt", without_places(outcome.err, **places))
    for name, place in places.items():
        after = listing(place)
        assert {file: after[file] for file in before[name]} == before[name]
        # An empty list is remembered as such, under no name that a reader looks at.
        added = {file.split("/")[0] for file in after.keys() - before[name].keys()}
        assert added <= ({"memo", "blobs"} if fault == "input/opt_outs_empty" else set())


def test_a_truncated_file_found_out_late_leaves_no_snapshot_and_no_scratch(
    run: Run, store: Path, world: Path, tmp_path: Path
) -> None:
    """The head of the file is sound: that its end is missing is seen only after rows were taken in."""
    whole = gzip.compress((world / "manifest" / "part-00000.tsv").read_bytes() * 20, mtime=0)
    cut_short = tmp_path / "photos.tsv.gz"
    cut_short.write_bytes(whole[:-100])
    before = listing(store)
    good = world / "manifest" / "part-00001.tsv"
    command = ("ingest", "manifest", store, cut_short, good, "--format", "yfcc100m", "--snapshot", "b")
    outcome = run(*command)
    assert outcome.code == 4
    (line,) = outcome.err.splitlines()
    assert str(cut_short) in line
    assert "cut gz data" in line
    now = listing(store)
    assert {name: now[name] for name in before} == before
    # What the sound file came to is remembered. It is under no name that a reader looks at.
    assert {name.split("/")[0] for name in now.keys() - before.keys()} <= {"memo", "blobs"}
    cut_short.write_bytes(whole)
    assert run(*command).code == 0


def test_a_question_that_duckdb_does_not_understand(run: Run, released: Path) -> None:
    outcome = run("sql", released, "select nothing from nowhere")
    assert outcome.code == 3
    assert "nowhere" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_word_that_is_no_text_is_one_line(run: Run, released: Path) -> None:
    outcome = run("explain", released, os.fsdecode(b"\xff"))
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == "byleave: '\\udcff' cannot be written as utf-8: it is no text\n"


def test_beam_options_stand_behind_two_dashes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, released: Path
) -> None:
    seen: list[tuple[Any, ...]] = []

    def note(*arguments: Any) -> ByHand:
        seen.append(arguments)
        return ByHand()

    monkeypatch.setattr("pipelines.commands.options.Runner", note)
    words = ["release", "cut", str(released), "--policy", "research", "--version", "1", "--workers", "3"]
    with pytest.raises(SystemExit) as left:
        main([*words, "--", "--runner=FlinkRunner", "--", "--parallelism=8"])
    assert not left.value.code
    assert seen[0][:2] == (3, ("--runner=FlinkRunner", "--", "--parallelism=8"))
    capsys.readouterr()


def test_a_closed_pipe_is_no_fault(released: Path) -> None:
    program = f"{sys.executable} -c 'from pipelines.cli import main; main()'"
    query = f"{program} sql {released} 'select * from range(200000)' --csv | head -n 1"
    found = subprocess.run(["bash", "-c", query], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, '"range"\n', "")


def test_an_interrupted_query_says_so_in_one_line(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    create_store(store, Dataset("d", "flickr", 1))
    endless = "select count(*) from license_terms a, license_terms b, license_terms c, license_terms d"
    words = [sys.executable, "-m", "pipelines.cli", "sql", store, endless]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as asking:
        seen = psutil.Process(asking.pid)
        while sum(seen.cpu_times()[:2]) < 6 and asking.poll() is None:  # starting takes one or two
            time.sleep(0.1)
        asking.send_signal(signal.SIGINT)
        _, told = asking.communicate(timeout=60)
    assert (asking.returncode, told.count("\n")) == (130, 1)
    assert told.startswith("byleave: interrupted.")
