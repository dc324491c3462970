"""The configuration of the nightly job: one TOML file, read strictly, every fault at once.

``configs/nightly.toml`` is an example with every key. Paths in it are relative to the file's own folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.ingest_plans import MAX_QUARANTINED_SHARE, accepted_share
from pipelines.night.stricttable import StrictTable
from pipelines.policies import find_policy
from pipelines.store.tables import (
    ALIASES,
    CONSENTS,
    DETECTIONS,
    LICENSES,
    MANIFESTS,
    OPT_OUTS,
    SIGNALS,
    check_name,
)
from transforms.domain.errors import ConfigError
from transforms.domain.policy import Policy
from transforms.domain.texts import shown
from transforms.formats.registry import find_format
from transforms.formats.signals import DEFAULT_AGENT
from transforms.intake import Rules


@dataclass(frozen=True)
class Inbox:
    """A folder that others put files into.

    Attributes:
        kind: one of :data:`pipelines.store.tables.KINDS`: what its files become.
        folder: a path or a URL.
        fmt: the format of all its files; nothing where files tell it themselves.
        onto_newest: whether a manifest adds to the newest snapshot, or is whole.
        observer: who looked, of licenses; empty for the dataset's source.
        origin: through whom opt-outs came, where a list does not say it.
        agent: as whom sites were asked, of signals.
        full: whether each license snapshot lists everything that was there.
        max_quarantined_share: of a file's rows; above it the file is left in place.
        stop: whether nothing is published while a file here cannot be taken in.
        allow_empty: whether an opt-out list may have no entries.
        max_age_days: publish nothing when the newest opt-out list is older.
        max_share: of the items that one request may meet without waiting for a person.
    """

    kind: str
    folder: str
    fmt: str = ""
    onto_newest: bool = False
    observer: str = ""
    origin: str = ""
    agent: str = ""
    full: bool = False
    max_quarantined_share: float = MAX_QUARANTINED_SHARE
    stop: bool = False
    allow_empty: bool = False
    max_age_days: int | None = None
    max_share: float = Rules.max_share


@dataclass(frozen=True)
class Edition:
    """A release that is cut again whenever it would be another: its name, and its policy."""

    name: str
    policy: Policy


@dataclass(frozen=True)
class Settings:
    """What a night does.

    Attributes:
        store: a path or a URL.
        lease_seconds: how long a run that died keeps the next one out, at most.
        settle_seconds: a file that was written to within that time is not touched.
        inboxes: in the order in which they are taken in: after an outage in between, the store is on the
            safe side.
        editions: what is cut, in this order.
        lineage: the file that OpenLineage's events are added to; None for no events.
        namespace: of the jobs in these events.
    """

    store: str
    lease_seconds: float
    settle_seconds: float
    inboxes: tuple[Inbox, ...]
    editions: tuple[Edition, ...]
    lineage: Path | None
    namespace: str

    def inbox(self, kind: str) -> Inbox | None:
        """The inbox of a kind, if there is one."""
        return next((inbox for inbox in self.inboxes if inbox.kind == kind), None)


def read_settings(file: Path) -> Settings:
    """The settings in a file.

    Raises:
        ConfigError: there is no such file, it is no TOML, or with every fault in it, one a line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file. An example: configs/nightly.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read as UTF-8 text ({error})") from None
    return parse_settings(text, str(file), file.absolute().parent)


def parse_settings(text: str, place: str, folder: Path) -> Settings:
    """The settings that a TOML text states.

    Args:
        text: the TOML.
        place: the file's name, with which every fault begins.
        folder: what paths in it are relative to.

    Raises:
        ConfigError: with every fault, one a line.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place}: is not TOML: {error}") from error
    faults: list[str] = []
    top = StrictTable(tree, "", place, folder, faults)
    box = top.table("inbox")
    inboxes = [read(box.table(kind)) for kind, read in _INBOXES.items() if box.has(kind)]
    box.end()
    lineage = top.table("lineage")
    editions = [_edition(each) for each in top.tables("release")]
    settings = Settings(
        store=top.location("store"),
        lease_seconds=60 * top.number("lease_minutes", 30, above=0),
        settle_seconds=top.number("settle_seconds", 120),
        inboxes=tuple(inboxes),
        editions=tuple(Edition(name, policy) for name, policy in editions if policy),
        lineage=Path(lineage.location("file", local=True)) if top.has("lineage") else None,
        namespace=lineage.text("namespace", "byleave"),
    )
    lineage.end()
    top.end()
    for what, names in (
        ("folder", [inbox.folder for inbox in inboxes if inbox.folder]),
        ("release", [name for name, _ in editions if name]),
    ):
        faults += [f"{place}: the {what} {shown(n)} is named twice" for n in {*names} if names.count(n) > 1]
    if not editions and not inboxes:
        faults.append(f"{place}: says nothing to do: name an [inbox.licenses], or a [[release]]")
    if faults:
        raise ConfigError("\n".join(faults))
    return settings


def _opt_outs(table: StrictTable) -> Inbox:
    inbox = Inbox(
        OPT_OUTS,
        table.location("folder"),
        origin=table.text("origin") if table.has("origin") else "",
        stop=_stops(table),
        allow_empty=table.switch("allow_empty", False),
        max_age_days=int(table.number("max_age_days", 0)) if table.has("max_age_days") else None,
        max_share=table.number("max_share", Rules.max_share, most=1),
    )
    table.end()
    return inbox


def _licenses(table: StrictTable) -> Inbox:
    full = table.switch("full", False)
    inbox = Inbox(
        LICENSES,
        table.location("folder"),
        _format(table, LICENSES),
        observer=_observer(table),
        full=full,
        max_quarantined_share=table.number("max_quarantined_share", accepted_share(full), most=1),
    )
    table.end()
    return inbox


def _manifests(table: StrictTable) -> Inbox:
    inbox = Inbox(
        MANIFESTS,
        table.location("folder"),
        _format(table, MANIFESTS),
        onto_newest=table.choice("how", ("whole", "additions")) == "additions",
        max_quarantined_share=table.number("max_quarantined_share", MAX_QUARANTINED_SHARE, most=1),
    )
    table.end()
    return inbox


def _aliases(table: StrictTable) -> Inbox:
    inbox = Inbox(ALIASES, table.location("folder"), stop=_stops(table))
    table.end()
    return inbox


def _consents(table: StrictTable) -> Inbox:
    inbox = Inbox(CONSENTS, table.location("folder"), stop=_stops(table))
    table.end()
    return inbox


def _detections(table: StrictTable) -> Inbox:
    inbox = Inbox(
        DETECTIONS,
        table.location("folder"),
        _format(table, DETECTIONS),
        max_quarantined_share=table.number("max_quarantined_share", MAX_QUARANTINED_SHARE, most=1),
        stop=_stops(table),
    )
    table.end()
    return inbox


def _signals(table: StrictTable) -> Inbox:
    agent = table.text("agent", DEFAULT_AGENT)
    inbox = Inbox(SIGNALS, table.location("folder"), agent=agent, stop=_stops(table))
    table.end()
    return inbox


# What may forbid comes before what there is to forbid.
_INBOXES: Mapping[str, Callable[[StrictTable], Inbox]] = {
    OPT_OUTS: _opt_outs,
    ALIASES: _aliases,
    CONSENTS: _consents,
    SIGNALS: _signals,
    DETECTIONS: _detections,
    LICENSES: _licenses,
    MANIFESTS: _manifests,
}


def _stops(table: StrictTable) -> bool:
    """Whether nothing is published while a file of the inbox cannot be taken in: it may say no."""
    return table.choice("missing", ("stop", "go on"), "stop") == "stop"


def _format(table: StrictTable, kind: str) -> str:
    return table.checked("format", lambda name: find_format(kind, name).name) or ""


def _observer(table: StrictTable) -> str:
    if not table.has("observer"):
        return ""
    return table.checked("observer", lambda name: check_name(name, "observer")) or ""


def _edition(table: StrictTable) -> tuple[str, Policy | None]:
    name = table.checked("name", lambda name: check_name(name, "name")) or ""
    policy = table.checked("policy", lambda path: find_policy(path, table.folder))
    table.end()
    return name, policy
