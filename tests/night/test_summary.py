"""A night's summary: its worst decides its exit code, and its keys are those of the page."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.night.inbox import Left, Unit
from pipelines.night.summary import Outcome, Summary, TakenIn
from pipelines.store.lease import Holder
from pipelines.store.releases import PARTS, Release
from pipelines.store.tables import LICENSES, OPT_OUTS, Table
from transforms.domain import errors

NOW = 1_790_000_000.0
KINDS = [
    kind
    for kind in errors._BY_NAME.values()
    if kind.exit_code not in (1,) and kind is not errors.ByleaveError
]


def release(version: str, kept: int, **left_out: int) -> Release:
    counts = {"rows": kept + sum(left_out.values()), "kept": kept, "first_reason": left_out}
    return Release(version, {"as_of": "2026-11-10", "counts": counts}, {name: {} for name in PARTS})


def full() -> Summary:
    """A summary of a night on which everything happened."""
    before = release("2026.11.01-research", 110, deleted=4, private=6)
    after = release("2026.11.10-research", 100, deleted=4, opt_out_owner=12, private=4)
    return Summary(
        "/store",
        NOW,
        False,
        NOW + 61,
        to_take_in=[],
        taken_in=[
            TakenIn(OPT_OUTS, "2026-11-10-x", "/in/2026-11-10.txt", "2026-11-10", 1234, 0, 0, "d" * 64, 56),
            TakenIn(LICENSES, "2026-11-01", "/in/2026-11-01.csv", "2026-11-01", 99, 3, 7, "e" * 64),
        ],
        left=[
            Left(LICENSES, "/in/x.part", "still being written, by its name", waits=True),
            Left(OPT_OUTS, "/in/2026-11-09.txt", "line 1: no\nline 2: no\nline 9: no"),
        ],
        problems=[],
        outcomes=[
            Outcome("research", "published", after, before),
            Outcome("commercial", "failed", error=errors.RefusedError("rows meet an opt-out")),
            Outcome("other", "unchanged", before),
        ],
        lease_after=Holder("host", 7, NOW - 3600, "n"),
    )


def test_what_people_and_programs_read(golden: Callable[[str, str], None]) -> None:
    summary = full()
    text = "\n".join(summary.lines()) + "\n\n" + "\n".join(summary.faults()) + "\n"
    golden("nightly_summary.txt", text)
    golden("nightly_summary.json", json.dumps(summary.to_json(), indent=2) + "\n")


@given(st.lists(st.sampled_from(KINDS), max_size=4), st.lists(st.sampled_from(KINDS), max_size=3))
def test_the_worst_decides(of_the_night: list[type], of_releases: list[type]) -> None:
    summary = Summary("s", NOW, False)
    summary.problems = [kind("x") for kind in of_the_night]
    summary.outcomes = [Outcome("a", "failed", error=kind("x")) for kind in of_releases]
    codes = {kind.exit_code for kind in (*of_the_night, *of_releases)}
    worst = next((code for code in (8, 7, 9, 5, 3, 4, 6) if code in codes), 0)
    assert summary.exit_code == worst
    # Whatever else happens it cannot become better by it.
    summary.left.append(Left(LICENSES, "/in/x", "no day"))
    assert summary.exit_code == (worst if worst in (8, 7, 9, 5, 3) else 4)


def test_what_waits_for_a_person_is_told_and_is_no_failure() -> None:
    counts = {"rows": 5, "duplicates": 0, "quarantined": 0, "held": 3}
    summary = Summary("/s", NOW, False)
    summary.taken_in = [TakenIn.of(Table(OPT_OUTS, "a", "2026-11-10", counts=counts), "/in/a.txt")]
    assert list(summary.lines()) == [
        "taken in       opt-outs a: 5 entries, 3 held",
        "waiting        3 opt-outs: byleave opt-outs list /s --held",
    ]
    assert (summary.exit_code, list(summary.faults())) == (0, [])


def test_one_is_no_plural() -> None:
    summary = Summary("/s", NOW, False)
    summary.taken_in = [
        TakenIn.of(Table(kind, "a", "2026-11-10", counts={"rows": 1, "held": held}), "/in/a")
        for kind, held in ((OPT_OUTS, 1), (LICENSES, 0))
    ]
    summary.outcomes = [Outcome("r", "published", release("2", 1), release("1", 0))]
    assert list(summary.lines()) == [
        "taken in       opt-outs a: 1 entry, 1 held",
        "taken in       licenses a: 1 row",
        "waiting        1 opt-out: byleave opt-outs list /s --held",
        "published      2: 1 of 1 item",
        "               +1 item since 1",
    ]


@pytest.mark.parametrize(
    ("change", "nothing_changed"),
    [
        (lambda s: None, True),
        (lambda s: s.left.append(Left(LICENSES, "/in/x", "no day")), True),
        (lambda s: s.to_take_in.append(Unit(LICENSES, "/in/x", "x", "2026-11-01", {})), False),
        (lambda s: s.taken_in.append(full().taken_in[0]), False),
        (lambda s: s.problems.append(errors.UnreachableError("no answer")), False),
        (lambda s: s.outcomes.append(Outcome("a", "stopped")), False),
        (lambda s: s.outcomes.append(Outcome("a", "published", release("1", 1))), False),
    ],
)
def test_when_nothing_changed(change: Callable[[Summary], None], nothing_changed: bool) -> None:
    summary = Summary("s", NOW, False, outcomes=[Outcome("b", "unchanged", release("1", 1))])
    change(summary)
    assert summary.nothing_changed is nothing_changed
    assert ("nothing changed" in list(summary.lines())) is nothing_changed
