"""A world and stores in buckets, so that driver and workers have nothing else in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from support.fakegcs import FakeGcs

from pipelines.runner import Runner
from pipelines.store.store import Store

CHECKOUT = Path(__file__).parents[2]
PATHS = (CHECKOUT, CHECKOUT / "tests")

sys.path.append(str(CHECKOUT / "tests" / "e2e"))  # `worlds`, the way from a world to a release

from worlds import World, cut, take_in  # noqa: E402

NewStore = Callable[[], Store]


class InBucket(World):
    """A world whose files are read from a bucket."""

    def __init__(self, folder: Path, gcs: FakeGcs) -> None:
        super().__init__(folder)
        bucket = gcs.put_all(folder)
        object.__setattr__(self, "_at", lambda path: f"gs://{bucket}/{Path(path).relative_to(folder)}")

    @property
    def manifest(self) -> list[str]:
        return [self._at(path) for path in super().manifest]  # type: ignore[attr-defined]

    @property
    def licenses(self) -> dict[str, str]:
        return {day: self._at(path) for day, path in super().licenses.items()}  # type: ignore[attr-defined]

    @property
    def opt_outs(self) -> dict[str, str]:
        return {name: self._at(path) for name, path in super().opt_outs.items()}  # type: ignore[attr-defined]


def whole_way(store: Store, world: World, runner: Runner) -> str:
    """From a world to a release, whose digest comes back."""
    take_in(store, world, runner)
    return str(cut(store, runner=runner).digest)
