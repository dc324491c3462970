"""Nights: what is new is taken in, what would be another is cut, and what is wrong is named and left."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from byhand import ByHand
from nights import Place, filled, later
from places import Folders
from separately import HERE, byleave, environment
from test_kills import check_nothing_is_half_done
from worlds import World, cut, new_store, take_in

from pipelines.cli import main
from pipelines.jobs import Job, Replay
from pipelines.night.summary import Summary
from pipelines.store.lease import Lease
from pipelines.store.store import Store, close_stores, open_store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS
from pipelines.synth import synthesize
from transforms.domain.errors import RetryError


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> World:
    """600 rows: nights are about everything else."""
    folder = tmp_path_factory.mktemp("village")
    synthesize(folder, rows=600, seed=5, workers=1, files=2)
    return World(folder)


@pytest.fixture
def place(village: World, tmp_path: Path) -> Iterator[Place]:
    """Inboxes that are full, and a store that is empty."""
    yield filled(tmp_path, village)
    close_stores()


@pytest.fixture
def second(place: Place) -> Place:
    """The same after its first night."""
    assert place.night().exit_code == 0
    return place


def states(summary: Summary) -> dict[str, str]:
    """What became of each edition, and its version."""
    return {
        outcome.name: " ".join([outcome.state, *([outcome.release.version] if outcome.release else [])])
        for outcome in summary.outcomes
    }


NO_DAY = "names no day: rename it after the one day on which it was true, as 2026-11-20"
UNCHANGED = {
    "research": "unchanged 2026.11.01-research",
    "commercial": "unchanged 2026.11.01-commercial",
}
STOPPED = {name: state.replace("unchanged", "stopped") for name, state in UNCHANGED.items()}


# --- Nights on which all is well ---------------------------------------------------------------------------


def test_the_first_night_takes_in_everything_and_is_as_if_done_by_hand(
    place: Place, village: World, tmp_path: Path
) -> None:
    summary = place.night()
    assert summary.exit_code == 0
    assert [(table.kind, table.snapshot.split("-")[0]) for table in summary.taken_in] == [
        (OPT_OUTS, "2025"),
        (LICENSES, "flickr"),
        (LICENSES, "flickr"),
        (MANIFESTS, "2014"),
    ]
    assert states(summary) == {
        name: state.replace("unchanged", "published") for name, state in UNCHANGED.items()
    }
    # The same by hand, but for the names of the license snapshots, which a release names.
    byhand = new_store(tmp_path / "by hand", 4)
    take_in(byhand, village)
    released = cut(byhand, as_of="2026-11-01")
    assert place.store.releases.get("2026.11.01-research").parts == released.parts
    assert all(
        place.store.backend.exists(place.store.releases.stats_path(version))
        for version in place.store.releases.versions()
    )


def test_the_next_night_says_nothing_changed_and_writes_nothing(second: Place) -> None:
    before = second.listing()
    summary = second.night()
    assert summary.nothing_changed
    assert states(summary) == UNCHANGED
    assert (summary.exit_code, list(summary.lines())[-1]) == (0, "nothing changed")
    assert second.listing() == before


def test_new_opt_outs_alone_are_new_releases(second: Place, village: World) -> None:
    second.put("opt-outs", "2026-11-10.txt", village.opt_outs["2026-11-10.txt"])
    expected = cut(take_in_more(second, village), version="expected")
    summary = second.night()
    assert states(summary) == {
        "research": "published 2026.11.10-research",
        "commercial": "published 2026.11.10-commercial",
    }
    found = second.store.releases.get("2026.11.10-research")
    assert found.digest == expected.digest
    told = summary.to_json()["releases"][0]
    assert told["before"]["version"] == "2026.11.01-research"
    assert told["newest"]["left_out"] == found.content["counts"]["first_reason"]
    assert told["newest"]["kept"] < told["before"]["kept"]


def take_in_more(place: Place, village: World) -> Store:
    """A copy of the store in which the list is taken in by hand."""
    from pipelines.ingest import ingest_opt_outs

    shutil.copytree(place.folder / "store", place.folder / "copy")
    copy = open_store(str(place.folder / "copy"))
    ingest_opt_outs(copy, [village.opt_outs["2026-11-10.txt"]], received_on="2026-11-10", runner=ByHand())
    return copy


def test_another_policy_on_one_day_is_the_next_version(second: Place) -> None:
    own = second.folder / "own.toml"
    policy = Path(__file__).parents[2] / "configs" / "policies" / "research.toml"
    text = policy.read_text()
    own.write_text(text.replace('private = "exclude"', 'private = "keep"'))
    second.configure(policy="own.toml")
    assert states(second.night()) == UNCHANGED | {"research": "published 2026.11.01.1-research"}
    # And back again: the newest release is of the policy that holds, not one from before.
    own.write_text(text)
    assert states(second.night()) == UNCHANGED | {"research": "published 2026.11.01.2-research"}
    assert second.night().nothing_changed
    versions = [v for v in second.store.releases.versions() if v.endswith("-research")]
    assert versions == [f"2026.11.01{number}-research" for number in ("", ".1", ".2")]


def test_additions_are_put_on_top_of_the_newest(place: Place, village: World) -> None:
    place.configure(manifests='how = "additions"')
    first, second = sorted((place.inbox / "manifests" / "2014-05").iterdir())
    kept_back = second.read_bytes()
    second.unlink()
    assert place.night().exit_code == 0
    place.put("manifests", "2014-06.tsv", kept_back)
    summary = place.night()
    assert [table.snapshot for table in summary.taken_in] == ["2014-06"]
    newest = place.store.tables.get(MANIFESTS, "2014-06")
    assert newest.onto == "2014-05"
    assert newest.counts["rows"] == village.expected["items"]
    assert states(summary)["research"] == "published 2026.11.01.1-research"
    # Where nobody remembers what was taken in, all is read once more, and found to be there.
    place.store.backend.remove(f"{place.store.dataset.path}/inbox.json")
    summary = place.night()
    assert summary.nothing_changed
    assert summary.exit_code == 0
    assert place.store.tables.names(MANIFESTS) == ["2014-05", "2014-06"]
    assert first.is_file()


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(place: Place, village: World) -> None:
    before = place.listing()
    summary = place.night(dry_run=True)
    assert place.listing() == before
    assert [unit.name for unit in summary.to_take_in] == [
        "2025-06-10", "flickr-2025-06-01", "flickr-2026-11-01", "2014-05"
    ]  # fmt: skip
    assert states(summary) == {"research": "depends", "commercial": "depends"}
    place.night()
    second_policy = place.folder / "own.toml"
    second_policy.write_text((Path(__file__).parents[2] / "configs/policies/commercial.toml").read_text())
    place.configure(policy="own.toml")
    before = place.listing()
    summary = place.night(dry_run=True)
    assert states(summary)["research"] == "due 2026.11.01-research"
    assert summary.outcomes[0].next_version == "2026.11.01.1-research"
    assert place.listing() == before


def test_statistics_that_a_run_did_not_come_to_are_made_by_the_next(second: Place) -> None:
    path = second.store.releases.stats_path("2026.11.01-research")
    second.store.backend.remove(path)
    assert second.night().exit_code == 0
    assert second.store.backend.exists(path)


# --- Files that cannot be taken in -------------------------------------------------------------------------


def test_what_is_wrong_is_left_and_named_and_the_rest_goes_on(second: Place, village: World) -> None:
    list_of_2026 = village.opt_outs["2026-11-10.txt"]
    second.configure(opt_outs='missing = "go on"')
    bad = {
        second.put("opt-outs", "2026-11-09.txt", b"remove me\nremove him\n"): "line 1",
        second.put("opt-outs", "latest.txt", list_of_2026): "names no day",
        second.put("licenses", "2026-11-02.parquet", b"PAR1 cut short"): "Parquet",
        second.put("licenses", "flickr-2026-11-01.csv", b"item_id,license\n1,CC0-1.0\n"): "",
        second.put("manifests", "2014-06.tsv", b"id\ttitle\n1\tone\n"): "yfcc100m",
        second.put("manifests", "2014 07.tsv", b"x"): "use letters",
    }
    waits = second.put("licenses", "2026-11-03.parquet.part", b"x")
    second.put("opt-outs", "2026-11-10.txt", list_of_2026)
    before = {file: file.read_bytes() for file in [*bad, waits]}
    summary = second.night()
    assert summary.exit_code == 4
    assert [table.kind for table in summary.taken_in] == [OPT_OUTS]
    assert states(summary)["research"] == "published 2026.11.10-research"
    left = {Path(each.place): each for each in summary.left}
    assert left.keys() == before.keys()
    for file, why in bad.items():
        assert why in left[file].why
        assert not left[file].why.startswith(str(file))
        (told,) = (fault for fault in summary.faults() if str(file) in fault)
        assert "\n" not in told
    assert left[waits].waits
    assert {file: file.read_bytes() for file in before} == before
    # The next night says so again, and has nothing else to do.
    again = second.night()
    assert again.exit_code == 4
    assert {each.place for each in again.left} == {each.place for each in summary.left}
    assert states(again)["research"] == "unchanged 2026.11.10-research"


def test_a_snapshot_whose_file_becomes_another_is_left(second: Place, village: World) -> None:
    file = second.put("licenses", "flickr-2026-11-01.parquet", village.licenses["2025-06-01"])
    summary = second.night()
    (left,) = summary.left
    assert (left.place, summary.exit_code) == (str(file), 4)
    assert "'flickr-2026-11-01' exists and was made of other files" in left.why
    assert states(summary) == UNCHANGED


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("2026-11-10.txt", b"please remove me\n", 7),
        ("2026-11-10.txt", b"", 7),
        ("newest.txt", b"12345678@N00\n", 7),
        ("2026-11-10.txt.part", b"12345678@N00\n", 6),
    ],
    ids=["damaged", "empty", "no day", "still being written"],
)
def test_no_release_without_an_opt_out_list_that_is_there(
    second: Place, village: World, name: str, content: bytes, code: int
) -> None:
    """What else is new is taken in all the same, so that the next night has it."""
    versions = second.store.releases.versions()
    file = second.put("opt-outs", name, content)
    second.put("opt-outs", "2026-11-11.txt", village.opt_outs["2026-11-10.txt"])
    summary = second.night()
    assert (summary.exit_code, states(summary)) == (code, STOPPED)
    (told,) = (fault for fault in summary.faults() if str(file) in fault)  # said once
    assert "Nothing is published" in told
    assert [table.date for table in summary.taken_in] == ["2026-11-11"]
    assert second.store.releases.versions() == versions
    # Until it is mended nothing is published. What is known without reading it costs no lease.
    before = second.listing()
    again = second.night()
    assert (again.exit_code, states(again)) == (code, STOPPED)
    assert (second.listing() == before) == (name != "2026-11-10.txt")
    file.unlink()
    assert states(second.night())["research"] == "published 2026.11.11-research"


def test_an_inbox_of_opt_outs_that_is_gone_is_a_list_that_is_missing(second: Place) -> None:
    (second.inbox / "opt-outs").rename(second.inbox / "unmounted")
    before = second.listing()
    summary = second.night()
    assert summary.exit_code == 7
    assert "no such folder" in "\n".join(summary.faults())
    assert second.listing() == before


def test_an_empty_list_may_be_meant(second: Place) -> None:
    second.configure(opt_outs="allow_empty = true")
    second.put("opt-outs", "2026-11-10.txt", b"")
    summary = second.night()
    assert summary.exit_code == 0
    assert states(summary)["research"] == "published 2026.11.10-research"


def test_a_list_that_is_too_old_stops_releases_until_a_newer_one_is_there(
    second: Place, village: World
) -> None:
    day = 86_400.0
    now = [1_794_268_800.0]  # 2026-11-10

    def clock() -> float:
        return now[0]

    second.configure(opt_outs="max_age_days = 7", policy="commercial")
    before = second.listing()
    now[0] = time.time() + 1000
    summary = second.night(clock=clock)
    assert summary.exit_code == 7
    assert "the newest opt-out list is of 2025-06-10" in "\n".join(summary.faults())
    assert states(summary)["research"] == STOPPED["research"]
    assert second.listing() == before
    today = time.strftime("%Y-%m-%d", time.gmtime(now[0]))
    second.put("opt-outs", f"{today}.txt", village.opt_outs["2026-11-10.txt"])
    summary = second.night(clock=clock)
    assert (summary.exit_code, len(summary.taken_in)) == (0, 1)
    now[0] += 7 * day
    assert second.night(clock=clock).exit_code == 0
    now[0] += day
    assert second.night(clock=clock).exit_code == 7


def test_a_table_of_a_day_to_come_stops_releases(second: Place, village: World) -> None:
    """It would be the newest for years, whatever `max_age_days` says."""
    from pipelines.ingest import ingest_opt_outs

    ingest_opt_outs(
        second.store, [village.opt_outs["2026-11-10.txt"]], received_on="2362-11-03", runner=ByHand()
    )
    second.configure(opt_outs="max_age_days = 7", policy="commercial")
    before = second.store.releases.versions()
    summary = second.night()
    assert summary.exit_code == 7
    assert "holds a table of 2362-11-03, which is yet to come" in "\n".join(summary.faults())
    assert second.store.releases.versions() == before


def test_nothing_is_published_before_there_was_a_list(place: Place) -> None:
    (place.inbox / "opt-outs" / "2025-06-10.txt").unlink()
    summary = place.night()
    assert summary.exit_code == 5
    assert "no opt-out list was ever taken in" in "\n".join(summary.faults())
    assert [table.kind for table in summary.taken_in] == [LICENSES, LICENSES, MANIFESTS]
    assert place.store.releases.versions() == []
    before = place.listing()
    assert place.night().exit_code == 5
    assert place.listing() == before


def test_a_release_that_is_refused_does_not_stop_the_others(
    second: Place, village: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate is made to find something in the first release, and only there."""
    from pipelines import publish
    from transforms.domain.errors import RefusedError

    gate = publish.pass_gate

    def refuse(store: Store, release: object, *more: object) -> None:
        if release.version.endswith("-research"):  # type: ignore[attr-defined]
            raise RefusedError("the gate refuses to publish:\nbucket 1: rows that meet an opt-out")
        gate(store, release, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(publish, "pass_gate", refuse)
    second.put("opt-outs", "2026-11-10.txt", village.opt_outs["2026-11-10.txt"])
    summary = second.night()
    assert summary.exit_code == 7
    assert states(summary) == {
        "research": "failed 2026.11.01-research",
        "commercial": "published 2026.11.10-commercial",
    }
    monkeypatch.setattr(publish, "pass_gate", gate)
    assert states(second.night())["research"] == "published 2026.11.10-research"


# --- One at a time, and after a death ----------------------------------------------------------------------


@dataclass(frozen=True)
class LosesTheLease(ByHand):
    """Work that takes so long that another run takes the lease meanwhile."""

    takers: list[Lease] = field(default_factory=list)
    now: list[float] = field(default_factory=list)

    def _submit(self, store: Store, job: Job, replay: Replay) -> None:
        super()._submit(store, job, replay)
        if job.name == "release" and not self.takers:
            self.now[0] += 3600
            path = f"{store.dataset.path}/lease.json"
            self.takers.append(Lease(store.backend, path, 1800, lambda: self.now[0]))
            self.takers[0].acquire()


def test_who_loses_the_lease_stops_before_publishing(place: Place) -> None:
    now = [later()]
    runner = LosesTheLease(now=now)
    summary = place.night(clock=lambda: now[0], runner=runner)
    assert summary.exit_code == 6
    assert "ran out before it could be renewed" in "\n".join(summary.faults())
    assert place.store.releases.versions() == []
    assert len(summary.taken_in) == 4
    # It is the other's: this run has not let it go.
    assert runner.takers[0].renew()
    with pytest.raises(RetryError, match="held by process"):
        place.night(clock=lambda: now[0])
    runner.takers[0].release()
    assert place.night(clock=lambda: now[0]).exit_code == 0


def wait_for_the_lease(place: Place) -> dict[str, object]:
    """Who holds the lease, as soon as somebody does."""
    file = place.folder / "store" / "datasets" / "yfcc100m" / "lease.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.is_file() and (found := json.loads(file.read_text())):
            holder: dict[str, object] = found["holder"]
            return holder
        time.sleep(0.005)
    raise AssertionError("nobody took the lease")


def test_two_at_once_and_one_that_is_killed(place: Place) -> None:
    """Real processes: one works, and the other says who; killed at its work, the next goes on after it."""
    lease_seconds = 4.0
    place.configure(lease_minutes=lease_seconds / 60)
    place.config.write_text(place.config.read_text().replace("settle_seconds = 120", "settle_seconds = 0"))
    close_stores()
    command = ["nightly", str(place.config), "--json"]
    first = byleave(*command)
    holder = wait_for_the_lease(place)
    assert holder["pid"] == first.pid
    out, err = byleave(*command).communicate(timeout=60)
    assert out == ""
    assert f"held by process {first.pid} on {holder['host']} since" in err
    assert err.count("\n") == 1
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    assert place.store.releases.versions() == []
    check_nothing_is_half_done(Folders(place.folder), place.store)
    close_stores()

    kept_out = byleave(*command)
    kept_out.communicate(timeout=60)
    assert kept_out.returncode == 6
    time.sleep(lease_seconds)
    next_run = byleave(*command)
    out, err = next_run.communicate(timeout=120)
    assert (next_run.returncode, err) == (0, "")
    summary = json.loads(out)
    assert summary["lease_after"]["pid"] == first.pid
    assert [each["state"] for each in summary["releases"]] == ["published", "published"]
    check_nothing_is_half_done(Folders(place.folder), place.store)
    assert len(place.store.tables.names(LICENSES)) == 2
    before = place.listing()
    assert place.night().nothing_changed
    assert place.listing() == before


def one_night(place: Place, **more: str) -> subprocess.CompletedProcess[str]:
    """How a night in a process of its own ended, which counts its steps on the disk, or dies at one."""
    command = [sys.executable, str(HERE / "one_night.py"), str(place.folder)]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False)


def digests(place: Place) -> dict[str, str]:
    """Of every release."""
    releases = place.store.releases
    return {version: releases.get(version).digest for version in releases.versions()}


@pytest.mark.slow
def test_a_night_that_is_killed_at_any_step_is_completed_by_the_next(village: World, tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole", village)
    done = one_night(whole)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout) - 1
    expected = digests(whole)
    assert len(expected) == 2
    # In the last steps the lease is let go.
    for moment in [*sorted(random.Random(3).sample(range(1, steps), 4)), steps - 4]:
        place = filled(tmp_path / f"killed at {moment}", village)
        assert one_night(place, DIE_AT=str(moment)).returncode == -signal.SIGKILL
        check_nothing_is_half_done(Folders(place.folder), place.store)
        # An hour later its lease has run out.
        summary = place.night(clock=lambda: later() + 3600)
        assert summary.exit_code == 0, list(summary.faults())
        assert digests(place) == expected
        assert place.night().nothing_changed
        close_stores()


def test_ctrl_c_lets_the_lease_go(place: Place) -> None:
    place.config.write_text(place.config.read_text().replace("settle_seconds = 120", "settle_seconds = 0"))
    close_stores()
    run = byleave("nightly", str(place.config))
    wait_for_the_lease(place)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in err
    assert place.night().exit_code == 0


# --- The command -------------------------------------------------------------------------------------------


def test_the_command_prints_a_summary_and_ends_with_its_code(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.commands.options.Runner", ByHand)
    place.config.write_text(place.config.read_text().replace("settle_seconds = 120", "settle_seconds = 0"))
    bad = place.put("licenses", "latest.parquet", b"PAR1")
    for words, code in (([], 4), (["--json"], 4), (["--dry-run"], 4)):
        with pytest.raises(SystemExit) as left:
            main(["nightly", str(place.config), *words])
        printed = capsys.readouterr()
        assert left.value.code == code
        assert printed.err == f"byleave: {bad}: {NO_DAY}\n"
        if words == ["--json"]:
            told = json.loads(printed.out)
            assert (told["exit_code"], told["nothing_changed"]) == (code, True)
        else:
            assert f"left in place  {bad}: {NO_DAY}\n" in printed.out
    bad.unlink()
    with pytest.raises(SystemExit) as left:
        main(["nightly", str(place.config)])
    assert not left.value.code
    assert capsys.readouterr().err == ""
