"""A store with its inboxes and its nightly configuration, and the nights over it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from byhand import ByHand, Listing, listing
from worlds import World, new_store

from pipelines.night.settings import read_settings
from pipelines.night.summary import Summary
from pipelines.nightly import run_night
from pipelines.runner import Runner
from pipelines.store.lease import Clock
from pipelines.store.store import Store, open_store

CONFIG = """
store = "{store}"
lease_minutes = {lease_minutes}
settle_seconds = 120
[inbox.opt-outs]
folder = "inbox/opt-outs"
{opt_outs}
[inbox.licenses]
folder = "inbox/licenses"
format = "canonical"
[inbox.manifests]
folder = "inbox/manifests"
format = "yfcc100m"
{manifests}
[[release]]
name = "research"
policy = "{policy}"
[[release]]
name = "commercial"
policy = "commercial"
{more}
"""


def later() -> float:
    """A time at which what lies in the inboxes has settled."""
    return time.time() + 1000


@dataclass(frozen=True)
class Place:
    """A folder with all that a nightly job needs."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "nightly.toml"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def store(self) -> Store:
        return open_store(str(self.folder / "store"))

    def configure(
        self,
        opt_outs: str = "",
        manifests: str = 'how = "whole"',
        *,
        policy: str = "research",
        more: str = "",
        lease_minutes: float = 30,
    ) -> None:
        """Write the configuration."""
        self.config.write_text(
            CONFIG.format(
                store="store",
                opt_outs=opt_outs,
                manifests=manifests,
                policy=policy,
                more=more,
                lease_minutes=lease_minutes,
            )
        )

    def put(self, kind: str, name: str, source: str | Path | bytes) -> Path:
        """A file in an inbox."""
        target = self.inbox / kind / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)
        return target

    def night(self, *, dry_run: bool = False, clock: Clock = later, runner: Runner | None = None) -> Summary:
        """One night."""
        return run_night(read_settings(self.config), runner or ByHand(), dry_run=dry_run, clock=clock)

    def listing(self) -> Listing:
        """Every file of the store and of the inboxes."""
        return {
            f"{name}/{path}": stat
            for name in ("store", "inbox")
            for path, stat in listing(self.folder / name).items()
        }


MakePlace = Callable[..., Place]


def filled(folder: Path, world: World, buckets: int = 4) -> Place:
    """A place whose inboxes hold all of a world but its opt-outs of 2026, and whose store is empty."""
    place = Place(folder)
    new_store(folder / "store", buckets)
    for kind in ("opt-outs", "licenses", "manifests"):
        (place.inbox / kind).mkdir(parents=True)
    for path in world.manifest:
        place.put("manifests", f"2014-05/{Path(path).name}", path)
    for day, path in world.licenses.items():
        place.put("licenses", f"flickr-{day}.parquet", path)
    for name, path in world.opt_outs.items():
        if name.startswith("2025"):
            place.put("opt-outs", name, path)
    place.configure()
    return place
