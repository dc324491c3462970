"""What a release is made of: the tables that count as of a day, or those that a release names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import (
    ALIASES,
    CONSENTS,
    DETECTIONS,
    LICENSES,
    MANIFESTS,
    OPT_OUTS,
    SIGNALS,
    Table,
)
from pipelines.threads import in_threads
from transforms.domain.errors import StateError


@dataclass(frozen=True)
class Inputs:
    """The tables that a release is made of: a manifest, and every other table known by ``as_of``.

    Attributes:
        earlier: the manifests that were known before, in which owners may have had other names. What was
            asked under such a name holds for the owner.

    Raises:
        StateError: detections are kept as byleave no longer reads them.
    """

    manifest: Table
    licenses: tuple[Table, ...]
    opt_outs: tuple[Table, ...]
    as_of: str
    consents: tuple[Table, ...] = ()
    aliases: tuple[Table, ...] = ()
    signals: tuple[Table, ...] = ()
    detections: tuple[Table, ...] = ()
    earlier: tuple[Table, ...] = ()

    def __post_init__(self) -> None:
        for table in self.detections:
            if table.buckets:  # nobody would look there, and people would be missed
                raise StateError(
                    f"{table.path}: these detections were taken in when they were kept by owner; now they are"
                    " kept by item. Delete this document from the dataset's folder in the store, and take the"
                    " files in again"
                )


OTHERS = {
    "licenses": LICENSES,
    "opt_outs": OPT_OUTS,
    "consents": CONSENTS,
    "aliases": ALIASES,
    "signals": SIGNALS,
    "detections": DETECTIONS,
    "earlier": MANIFESTS,
}
"""What :class:`Inputs` holds besides the manifest: the kind of table by the name of its place."""


def choose_inputs(
    store: Store,
    *,
    as_of: str | None,
    manifest: str | None = None,
    without_opt_outs: bool = False,
    today: str | None = None,
) -> Inputs:
    """The newest manifest, and every license snapshot and list, all known by ``as_of``.

    Without ``as_of`` everything counts, and the newest date among it is the release's; or the day, until
    ``today``, on which an entry of a list last began or ceased to count, if that is later. Cutting again
    tomorrow gives the same release, if nothing came and nothing turned.

    Raises:
        StateError: there is no manifest by then; or no opt-out list, and ``without_opt_outs`` does not say
            that this is meant.
    """
    chosen = store.tables.get(MANIFESTS, manifest) if manifest else store.tables.newest(MANIFESTS, as_of)
    if chosen is None:
        by_then = f" that was received by {as_of}" if as_of and store.tables.names(MANIFESTS) else " yet"
        raise StateError(
            f"{store.url}: holds no manifest{by_then}. Take one in: byleave ingest manifest --help"
        )
    if as_of is not None and chosen.date > as_of:
        raise StateError(
            f"manifest {chosen.name!r} was received on {chosen.date}: a release as of {as_of} cannot know it."
            " Name an older one, or a later day"
        )
    others = {
        name: tuple(table for table in store.tables.all(kind) if as_of is None or table.date <= as_of)
        for name, kind in OTHERS.items()
    }
    lists = others["opt_outs"]
    by_name = any(table.counts.get(kind) for table in lists for kind in ("aliases", "names"))
    others["earlier"] = tuple(each for each in others["earlier"] if by_name and each.name != chosen.name)
    if not lists and not without_opt_outs:
        until = f" received by {as_of}" if as_of else ""
        raise StateError(
            f"{store.url}: there is no opt-out list{until}. Take one in: byleave ingest opt-outs --help;"
            " or say that there is none: --without-opt-outs"
        )
    known = (chosen, *chain(*others.values()))
    turned = (turn for table in known for turn in table.turns if today is not None and turn <= today)
    newest = as_of or max((*(table.date for table in known), *turned))
    return Inputs(chosen, as_of=newest, **others)


def inputs_of(store: Store, release: Release) -> Inputs:
    """The tables that a release was made of.

    Raises:
        StateError: one of them is no longer there.
        IntegrityError: one of them is no longer what it was.
    """
    stated, at_once = release.content["inputs"], store.backend.reads_at_once

    def held(kind: str, each: Mapping[str, Any]) -> Table:
        return store.tables.held(kind, each, release.version)

    others = {
        name: tuple(in_threads(partial(held, kind), stated.get(name, ()), at_once))
        for name, kind in OTHERS.items()
    }
    return Inputs(held(MANIFESTS, stated["manifest"]), as_of=release.content["as_of"], **others)
