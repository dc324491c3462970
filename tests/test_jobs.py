from __future__ import annotations

from collections.abc import Iterator

import pytest
import toystages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toystages import ADD, SQUARE, PlanSquares, sum_of_squares

from pipelines.actions import Action, Stage
from pipelines.jobs import Job, Progress, Replay
from pipelines.store.store import Store


@pytest.fixture(autouse=True)
def _nothing_ran() -> Iterator[None]:
    toystages.ran.clear()
    yield
    toystages.ran.clear()


def perform(store: Store, stage: Stage, *numbers: int) -> None:
    plan = PlanSquares(numbers)
    for action in plan([]):
        stage.perform(store, action)


def test_a_job_is_planned_as_far_as_memos_reach(store: Store) -> None:
    replay = Replay(store, sum_of_squares([3, 5, 4]))
    assert replay.advance() == [Progress("Square", 3, 0, 12, 0, 0)]
    assert replay.stage_reached == 0
    perform(store, SQUARE, 5, 4)
    assert replay.advance() == [Progress("Square", 3, 2, 12, 9, 9)]
    assert [action.inputs["number"] for action in replay.missing(0)] == [3]
    assert not replay.complete
    perform(store, SQUARE, 3)
    assert replay.advance() == [Progress("Square", 3, 3, 12, 12, 12), Progress("Add", 1, 0, 3, 0, 0)]
    assert replay.stage_reached == 1
    for action in replay.missing(1):
        ADD.perform(store, action)
    replay.advance()
    assert replay.complete
    assert replay.stage_reached == 2
    assert [done.result.counts["sum"] for done in replay.results(1)] == [9 + 25 + 16]


def test_results_come_in_the_order_of_the_plan_and_work_the_largest_first(store: Store) -> None:
    numbers = [3, 1, 9, 2, 9, 7]
    replay = Replay(store, sum_of_squares(numbers))
    replay.advance()
    assert [action.weight for action in replay.missing(0)] == [9, 7, 3, 2, 1]
    perform(store, SQUARE, *reversed(numbers))
    replay.advance()
    assert [done.action.inputs["number"] for done in replay.results(0)] == numbers


def test_one_run_of_an_action_does_for_all_that_ask_for_it(store: Store) -> None:
    """Where an action's input lies, and how large it is said to be, are not part of what it is."""
    replay = Replay(store, sum_of_squares([2, 2, 2]))
    (progress,) = replay.advance()
    assert (progress.actions, len(list(replay.missing(0)))) == (3, 1)
    for action in replay.missing(0):
        SQUARE.perform(store, action)
    assert toystages.ran == ["square 2"]
    replay.advance()
    assert len(replay.results(0)) == 3


def test_replaying_runs_and_writes_nothing(store: Store) -> None:
    perform(store, SQUARE, 1, 2)
    toystages.ran.clear()
    for _ in range(3):
        Replay(store, sum_of_squares([1, 2, 3])).advance()
    assert toystages.ran == []
    store.backend.close()
    assert sorted(store.backend.list("memo/Add/00")) == []


def test_a_stage_without_actions_is_done(store: Store) -> None:
    replay = Replay(store, Job("nothing", ((SQUARE, PlanSquares([])),)))
    assert replay.advance() == [Progress("Square", 0, 0, 0, 0, 0)]
    assert replay.complete
    assert replay.results(0) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.integers(0, 30), max_size=6), st.lists(st.integers(0, 30), max_size=6))
def test_what_is_left_is_what_has_no_memo(store: Store, before: list[int], asked: list[int]) -> None:
    perform(store, SQUARE, *before)
    replay = Replay(store, sum_of_squares(asked))
    replay.advance()
    known = {n for n in asked if SQUARE.recall(store, Action({"number": n})) is not None}
    assert known >= set(before) & set(asked)
    assert {action.inputs["number"] for action in replay.missing(0)} == set(asked) - known


def test_the_key_of_an_action_is_its_stage_its_code_and_its_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action({"number": 2}, {"place": 7}, 4)
    key = SQUARE.key(action)
    assert SQUARE.key(Action({"number": 2})) == key
    assert SQUARE.key(Action({"number": 3}, {"place": 7}, 4)) != key
    assert Stage("Cube", toystages.square).key(action) != key
    monkeypatch.setattr("pipelines.code.digest", lambda module: f"other code of {module}")
    assert SQUARE.key(action) != key
    assert Action.from_json(action.to_json()) == action
