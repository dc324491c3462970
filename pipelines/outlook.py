"""What a cut would do, and why. Reads memos and documents only: it takes seconds, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.actions import Action, Done, Stage
from pipelines.jobs import Job
from pipelines.release import release_job
from pipelines.release_inputs import Inputs, inputs_of
from pipelines.steps import join, ledger, resolve
from pipelines.store.store import Store
from transforms.domain import subbuckets
from transforms.domain.errors import IntegrityError, StateError
from transforms.domain.policy import Policy

# Which of a user's things an action's input is, where its name does not say it.
_CALLED = {"wide": "opt_outs", "looks": "licenses", "ledger": "licenses", "observers": "policy"}

_STAGES = 5  # of a release


@dataclass(frozen=True)
class Forecast:
    """What a stage would do.

    Attributes:
        stage: its name.
        actions: in all: of Join and Cut one for each bucket, of Ledger for each that a license snapshot tells
            of.
        to_do: how many are known to have no memo.
        at_most: how many there can be, where that depends on what the stages before will find.
        rows_to_do: of those in ``to_do``.
        why: what is not as it was for the newest release, and how many of ``to_do`` it concerns: the name of
            an input; `first`, which the newest release did not have; or `code`, where only byleave, or what
            it rests on, is another version.
    """

    stage: str
    actions: int
    to_do: int
    at_most: int
    rows_to_do: int
    why: Mapping[str, int] = field(default_factory=dict)


def foresee(store: Store, inputs: Inputs, policy: Policy) -> list[Forecast]:
    """How much of each stage of a cut is remembered, and what became of the rest."""
    job = release_job(store, inputs, policy)
    planned, missing = _planned(store, job)
    before = _before(store)
    unresolved = missing[0].values()
    wanted = sum(action.weight for action in unresolved if action.refs["kind"] == "opt-outs")
    buckets = len(inputs.manifest.buckets)
    homes = {subbuckets.home(key, store.dataset.buckets) for key in inputs.manifest.buckets
             if subbuckets.is_divided(key, store.dataset.buckets)}  # fmt: skip
    # An opted-out item lives in one bucket; unresolved licenses may live in any.
    anywhere = any(action.refs["kind"] == "licenses" for action in unresolved)
    told_of = buckets if anywhere else len(planned[1])
    further, forecasts = 0, []
    for place, most in enumerate((len(planned[0]), told_of, buckets, buckets, len(homes))):
        stage, to_do = job.stages[place][0], missing[place]
        # What the stage before may find, and what is unresolved.
        further += {ledger.STAGE: told_of if anywhere else 0, join.STAGE: wanted}.get(stage, 0)
        at_most = min(most, len(to_do) + further)
        further = at_most if place else 0
        rows = sum(action.weight for action in to_do.values())
        why = _why(stage, to_do.values(), before[place])
        forecasts.append(Forecast(stage.name, most, len(to_do), at_most, rows, why))
    return forecasts


def _planned(store: Store, job: Job) -> tuple[list[Sequence[Action]], list[dict[str, Action]]]:
    """Each stage's actions as far as they can be planned, and by their keys those without a memo."""
    results: list[list[Done]] = []
    planned: list[Sequence[Action]] = []
    missing = []
    unknown: set[Any] = set()  # buckets of which something is to do before
    for stage, plan in job.stages:
        actions = [action for action in plan(results) if action.refs.get("bucket") not in unknown]
        keyed = [(stage.key(action), action) for action in actions]
        found = store.memos.get_all(stage.name, list(dict(keyed)))
        results.append([Done(action, found[key]) for key, action in keyed if key in found])
        planned.append(actions)
        missing.append({key: action for key, action in keyed if key not in found})
        unknown |= {action.refs["bucket"] for action in missing[-1].values() if "bucket" in action.refs}
    return planned, missing


def _before(store: Store) -> list[dict[Any, Action]]:
    """For each stage the actions of the newest release, by what they are about."""
    versions = store.releases.versions()
    if versions:
        release = store.releases.get(versions[-1])
        policy = {name: value for name, value in release.content["policy"].items() if name != "digest"}
        try:
            job = release_job(store, inputs_of(store, release), Policy.from_dict(policy))
        except (StateError, IntegrityError):  # what it was made of is not there to compare with
            return [{}] * _STAGES
        return [{_about(action): action for action in actions} for actions in _planned(store, job)[0]]
    return [{}] * _STAGES


def _about(action: Action) -> Any:
    """What an action is about: its bucket; of Resolve the rows that look for theirs."""
    return action.refs["bucket"] if "bucket" in action.refs else action.inputs["rows"]


def _why(stage: Stage, to_do: Iterable[Action], before: Mapping[Any, Action]) -> dict[str, int]:
    why: Counter[str] = Counter()
    for action in to_do:
        then = before.get(_about(action))
        if then is None:
            new = action.refs["kind"].replace("-", "_") if stage is resolve.STAGE else "first"
            why[new] += 1
            continue
        changed = {_CALLED.get(n, n) for n, value in action.inputs.items() if value != then.inputs.get(n)}
        why.update(changed or {"code"})
    return dict(sorted(why.items()))
