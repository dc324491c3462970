"""What if a release had another policy: from facts alone. Up to Join is done what is not remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.actions import Action, Done
from pipelines.progress import Watch
from pipelines.release import release_job
from pipelines.release_inputs import Inputs
from pipelines.runner import Runner
from pipelines.steps import join, whatif
from pipelines.store.blobs import Blob
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.domain import subbuckets
from transforms.domain.policy import Policy
from transforms.domain.reasons import PRECEDENCE
from transforms.whatif import CHANGES, GRAINS, merge


@dataclass(frozen=True)
class Outcome:
    """How releases under two policies would differ: counts as of :func:`transforms.whatif.compare`."""

    counts: Mapping[str, int]

    def whole(self, name: str) -> tuple[int, int]:
        """Items and owners that are kept ``before`` or ``after``, ``gained`` or ``lost``."""
        return self.counts.get(f"items/{name}", 0), self.counts.get(f"owners/{name}", 0)

    def rows(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Change, grain, value, items, owners: reasons by precedence, licenses by items, years ascending."""
        for change in CHANGES:
            for grain in GRAINS:
                head = f"items/{change}/{grain}/"
                values = [name.removeprefix(head) for name in self.counts if name.startswith(head)]
                for value in sorted(values, key=lambda v: self._order(head, grain, v)):
                    yield (change, grain, value, *self.whole(f"{change}/{grain}/{value}"))

    def _order(self, head: str, grain: str, value: str) -> tuple[int, str]:
        if grain == "reason":
            return PRECEDENCE.index(value), value
        return (-self.counts[head + value], value) if grain == "license" else (0, value)

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        whole = {
            name: dict(zip(("items", "owners"), self.whole(name), strict=True))
            for name in ("before", "after", *CHANGES)
        }
        names = ("change", "by", "value", "items", "owners")
        changes = [dict(zip(names, row, strict=True)) for row in self.rows()]
        return {"rows": self.counts.get("rows", 0), **whole, "changes": changes}


def what_if(store: Store, inputs: Inputs, before: Policy, after: Policy, runner: Runner) -> Outcome:
    """What a release of ``inputs`` by policy ``after`` would gain and lose against one by ``before``."""
    old = _facts(store, inputs, before, runner)
    # Of a policy facts depend on nothing but whom it trusts.
    new = old if before.observers == after.observers else _facts(store, inputs, after, runner)
    return compare_facts(store, old, new, before, after, runner.watch)


def compare_facts(
    store: Store,
    old: Mapping[int, Blob],
    new: Mapping[int, Blob],
    before: Policy,
    after: Policy,
    watch: Watch,
) -> Outcome:
    """What two policies make of facts, each of its own, by bucket. What was compared once is remembered."""
    homes = subbuckets.by_home(new, store.dataset.buckets)
    actions = [whatif.action([(old[k], new[k]) for k in keys], before, after) for keys in homes.values()]
    return Outcome(merge(_counts(store, actions, watch)))


def _facts(store: Store, inputs: Inputs, policy: Policy, runner: Runner) -> Mapping[int, Blob]:
    """The facts of each bucket, by its key: remembered, or made now."""
    job = release_job(store, inputs, policy)
    last = next(place for place, (stage, _) in enumerate(job.stages) if stage is join.STAGE)
    joined: Sequence[Done] = runner.run(store, replace(job, name="what if", stages=job.stages[: last + 1]))[
        last
    ]
    return {done.action.refs["bucket"]: done.result.blobs["facts"] for done in joined}


def _counts(store: Store, actions: Sequence[Action], watch: Watch) -> Iterator[Mapping[str, int]]:
    stage = whatif.STAGE
    keys = {stage.key(action): action for action in actions}
    found = store.memos.get_all(stage.name, list(keys))
    left = [action for key, action in keys.items() if key not in found]
    again = in_threads(lambda each: stage.run_and_remember(store, each), left, store.rows_at_once)
    with watch.counting("what if", sum(action.weight for action in left)) as report:
        rows = 0
        made = {}
        for action, result in zip(left, again, strict=True):
            made[stage.key(action)] = result
            rows += action.weight
            report(rows)
    # Two buckets may have facts that are equal, and each of them counts.
    yield from ((found | made)[stage.key(action)].counts for action in actions)
