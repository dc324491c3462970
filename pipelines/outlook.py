"""What a cut would do, and why. Reads memos and documents only: it takes seconds, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.actions import Action, Done
from pipelines.jobs import Job
from pipelines.release import release_job
from pipelines.release_inputs import Inputs, inputs_of
from pipelines.stage_order import Place
from pipelines.store.store import Store
from transforms.domain import subbuckets
from transforms.domain.errors import IntegrityError, StateError
from transforms.domain.policy import Policy

# Which of a user's things an action's input is, where its name does not say it.
_CALLED = {
    **dict.fromkeys(("met", "wide"), "leave"),
    **dict.fromkeys(("looks", "ledger"), "licenses"),
    **dict.fromkeys(("rules", "signaled"), "signals"),
    "targets": "opt_outs",
    "shown": "manifest",
    "observers": "policy",
    "on": "as_of",
}
_NEW = {Place.STANDING: "leave", Place.WIDE_TARGETS: "opt_outs", Place.STANDING_SIGNALS: "signals"}
"""What is new where a stage has an action that the newest release had not."""


@dataclass(frozen=True)
class Forecast:
    """What a stage would do.

    Attributes:
        stage: its name.
        actions: in all: of Join and Cut one for each bucket, of Ledger for each that a license snapshot tells
            of, of Scan for each chunk of targets too.
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
    before = _before(store)
    seen = _Planned.of(store, job, before.standing)
    most, further = _Bounds(store, inputs, seen, before).of_stages()
    forecasts = []
    for place, (stage, _) in enumerate(job.stages):
        to_do = seen.missing[place]
        at_most = min(most[place], len(to_do) + further[place])
        rows = sum(action.weight for action in to_do.values())
        why = _why(Place(place), to_do.values(), before.actions[place])
        forecasts.append(Forecast(stage.name, most[place], len(to_do), at_most, rows, why))
    return forecasts


@dataclass(frozen=True)
class _Planned:
    """Each stage's actions as far as they can be planned, and by their keys those without a memo."""

    actions: list[Sequence[Action]]
    missing: list[dict[str, Action]]
    results: list[list[Done]]

    @staticmethod
    def of(store: Store, job: Job, standing: Done | None = None) -> _Planned:
        """What memos tell of ``job``; where it is not known what stands, what stood says where to look."""
        seen = _Planned([], [], [])
        unknown: set[Any] = set()  # buckets of which something is to do before
        for place, (stage, plan) in enumerate(job.stages):
            if place >= Place.JOIN and any(seen.missing[each] for each in _NEW if each != Place.STANDING):
                actions: Sequence[Action] = ()  # any bucket may be met by what is not known yet
            else:
                actions = plan(seen.results)
            if place >= Place.JOIN:
                actions = [each for each in actions if each.refs["bucket"] not in unknown]
            keyed = [(stage.key(action), action) for action in actions]
            found = store.memos.get_all(stage.name, list(dict(keyed)))
            results = [Done(action, found[key]) for key, action in keyed if key in found]
            if place == Place.STANDING and actions and not results and standing is not None:
                results = [standing]
            seen.results.append(results)
            seen.actions.append(actions)
            seen.missing.append({key: action for key, action in keyed if key not in found})
            unknown |= _buckets(seen.missing[place])
        return seen


def _buckets(missing: Mapping[str, Action]) -> set[Any]:
    return {action.refs["bucket"] for action in missing.values() if "bucket" in action.refs}


@dataclass(frozen=True)
class _Before:
    """The newest release: for each stage its actions, by what they are about, and what stood."""

    actions: list[Mapping[Any, Action]]
    standing: Done | None = None


def _before(store: Store) -> _Before:
    versions = store.releases.versions()
    if versions:
        release = store.releases.get(versions[-1])
        policy = {name: value for name, value in release.content["policy"].items() if name != "digest"}
        try:
            job = release_job(store, inputs_of(store, release), Policy.from_dict(policy))
        except (StateError, IntegrityError):  # what it was made of is not there to compare with
            return _Before([{}] * len(Place))
        seen = _Planned.of(store, job)
        about = [{_about(action): action for action in actions} for actions in seen.actions]
        return _Before([*about], next(iter(seen.results[Place.STANDING]), None))
    return _Before([{}] * len(Place))


@dataclass(frozen=True)
class _Bounds:
    """How many actions there are and can be left, where that depends on what the stages before will find."""

    store: Store
    inputs: Inputs
    seen: _Planned
    before: _Before

    def of_stages(self) -> tuple[list[int], list[int]]:
        """For each stage how many actions it has, and how many more than those known can be left."""
        keys, buckets = self.inputs.manifest.buckets, self.store.dataset.buckets
        homes = {subbuckets.home(key, buckets) for key in keys if subbuckets.is_divided(key, buckets)}
        planned, left = ([len(each) for each in some] for some in (self.seen.actions, self.seen.missing))
        unresolved = self.seen.missing[Place.RESOLVE].values()
        # Licenses and detections that are unresolved may live in any bucket, an item of a list in one.
        anywhere = any(action.refs["kind"] != "leave" for action in unresolved)
        leave = sum(action.weight for action in unresolved if action.refs["kind"] == "leave") + self._asked()
        told_of = len(keys) if anywhere else planned[Place.LEDGER]
        scans = len(keys) * left[Place.WIDE_TARGETS]
        signals = len(keys) if left[Place.STANDING_SIGNALS] else planned[Place.SIGNALS]
        ledger = told_of if anywhere else 0
        join = ledger + left[Place.LEDGER] + leave + scans + left[Place.SCAN] + left[Place.SIGNALS]
        join += len(keys) if anywhere or left[Place.STANDING_SIGNALS] else 0
        cut = min(len(keys), left[Place.JOIN] + join)
        tally = min(len(keys), left[Place.CUT] + cut)
        shards = min(self._asked(), self.store.dataset.shards)
        resolve = planned[Place.RESOLVE] + shards
        most = [planned[Place.STANDING], resolve, told_of, planned[Place.WIDE_TARGETS]]
        most += [planned[Place.SCAN] + scans, planned[Place.STANDING_SIGNALS], signals]
        further = [0, shards, ledger, 0, scans, 0, signals, join, cut, tally]
        return [*most, len(keys), len(keys), len(homes)], further

    def _asked(self) -> int:
        """How many buckets the lists can concern that are new, where it is not known yet what stands."""
        (action,) = self.seen.missing[Place.STANDING].values() or [None]
        if action is None:
            return 0
        then = self.before.standing
        everywhere = len(self.inputs.manifest.buckets)
        lists = {"opt_outs": self.inputs.opt_outs, "consents": self.inputs.consents}
        new = {
            name: [
                each
                for each in some
                if then is None or each.blobs["entries"].digest not in then.action.inputs[name]
            ]
            for name, some in lists.items()
        }
        turned = max(
            (
                turn
                for some in lists.values()
                for each in some
                for turn in each.turns
                if turn <= self.inputs.as_of
            ),
            default="",
        )
        if (
            then is None
            or turned > then.action.inputs["on"]
            or then.action.inputs["aliases"] != action.inputs["aliases"]
        ):
            return everywhere
        return sum(each.counts["rows"] for some in new.values() for each in some)


def _about(action: Action) -> Any:
    """What an action is about: its bucket, of Scan with the targets; of Resolve its rows."""
    if "bucket" in action.refs:
        return action.refs["bucket"], action.inputs.get("targets")
    return str(action.inputs.get("rows") or action.inputs.get("entries"))


def _why(place: Place, to_do: Iterable[Action], before: Mapping[Any, Action]) -> dict[str, int]:
    why: Counter[str] = Counter()
    for action in to_do:
        then = before.get(_about(action))
        if then is None:
            if place == Place.RESOLVE:
                new = action.refs["kind"]
            elif place == Place.SCAN and (action.refs["bucket"], None) in before:
                new = "opt_outs"
            else:
                new = _NEW.get(place, "first")
            why[new] += 1
            continue
        changed = {_CALLED.get(n, n) for n, value in action.inputs.items() if value != then.inputs.get(n)}
        why.update(changed or {"code"})
    return dict(sorted(why.items()))
