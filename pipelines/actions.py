"""Actions: pure functions of blobs, run where there is no memo yet and remembered where they ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines import code
from pipelines.store.documents import digest
from pipelines.store.memo import Result
from pipelines.store.store import Store


@dataclass(frozen=True)
class Action:
    """One piece of work.

    Attributes:
        inputs: what determines the result: digests and settings, as a JSON value.
        refs: what the worker needs besides, and what does not change the result: where things lie.
        weight: rows or bytes that go in: for progress, and to run the largest first.
    """

    inputs: Mapping[str, Any]
    refs: Mapping[str, Any] = field(default_factory=dict)
    weight: int = 0

    def to_json(self) -> list[Any]:
        """The action as a JSON value: what a runner carries."""
        return [self.inputs, self.refs, self.weight]

    @staticmethod
    def from_json(value: list[Any]) -> Action:
        """What :meth:`to_json` wrote."""
        return Action(*value)


@dataclass(frozen=True)
class Stage:
    """A kind of action. ``run`` is a module's function: it travels to workers by its name."""

    name: str
    run: Callable[[Store, Action], Result]

    def key(self, action: Action) -> str:
        """The digest under which the action's result is remembered."""
        return digest({"stage": self.name, "code": code.digest(self.run.__module__), "inputs": action.inputs})

    def recall(self, store: Store, action: Action) -> Result | None:
        """The remembered result, if there is one."""
        return store.memos.get(self.name, self.key(action))

    def perform(self, store: Store, action: Action) -> Result:
        """The result: remembered, or made now and remembered."""
        return self.recall(store, action) or self.run_and_remember(store, action)

    def run_and_remember(self, store: Store, action: Action) -> Result:
        """The result, made now whether it is remembered or not, and remembered."""
        result = self.run(store, action)
        store.memos.put(self.name, self.key(action), result)
        return result


@dataclass(frozen=True)
class Done:
    """An action and its result."""

    action: Action
    result: Result
