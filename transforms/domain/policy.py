"""A policy: which licenses a release accepts, and what unknown, private and deleted mean for it.

A policy is written in TOML::

    purpose = "research-noncommercial"

    [licenses]
    allow = ["CC-BY-4.0"]             # by canonical id
    permit = ["commercial_use"]       # and every license that grants all of these
    change = "newest"                 # or "as_ingested": which license decides
    unknown = "exclude"               # or "keep"
    observers = ["flickr"]            # whose word rules where several looked on one day; may be left out

    [visibility]
    private = "exclude"
    deleted = "exclude"
    missing = "exclude"
    unknown = "exclude"

    [signals]                         # of hosts, files and tags, where no opt-out and no source says no
    unreadable = "exclude"            # a source was got and could not be understood
    unknown = "keep"                  # nobody said anything

    [people]                          # may be left out unless the purpose is people-sensitive
    present = "require-grant"         # or "exclude", "keep"
    unknown = "require-grant"         # nobody knows whether people are present
    grant = "depicted"                # whose grant counts: or "owner", "either"

There are no defaults: a reader sees every decision, and nothing unknown is let in by silence. Without
``observers`` nobody is trusted more than others, and of what they say of one day the worse news counts.
Of ``allow`` and ``permit`` one is enough, and with both the union is allowed. ``permit`` names what a license
grants to everyone: ``copying`` (every CC BY license does), ``commercial_use``, ``derivatives``; CC0, the
Public Domain Mark and US government works grant all of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.domain.errors import ConfigError
from transforms.domain.license_spellings import normalize_one
from transforms.domain.licenses import LICENSES, PERMISSIONS, UNKNOWN
from transforms.domain.purposes import PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.texts import did_you_mean, shown

LICENSE_CHANGES = ("newest", "as_ingested")
VERDICTS = ("exclude", "keep")
PEOPLE_VERDICTS = ("exclude", "require-grant", "keep")
GRANTS = ("depicted", "owner", "either")

# As snapshots are named: see `pipelines.store.tables.check_name`.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_TABLES = ("licenses", "visibility", "signals", "people")
_KEYS = {
    "": ("purpose", *_TABLES),
    "licenses": ("allow", "permit", "change", "unknown", "observers"),
    "visibility": ("private", "deleted", "missing", "unknown"),
    "signals": ("unreadable", "unknown"),
    "people": ("present", "unknown", "grant"),
}


@dataclass(frozen=True)
class Policy:
    """What was decided, resolved: two texts that decide the same are equal, and have the same digest."""

    purpose: str
    allowed: tuple[str, ...]  # canonical license ids, sorted
    license_change: str  # newest | as_ingested
    unknown_license: str  # exclude | keep, as the four below
    private: str
    deleted: str
    missing: str
    unknown_visibility: str
    observers: tuple[str, ...] = ()  # the most trusted first
    unreadable_signal: str = "exclude"
    unknown_signal: str = "keep"
    people_present: str = "keep"  # exclude | require-grant | keep
    people_unknown: str = "keep"
    grant: str = "depicted"  # whose grant counts: depicted | owner | either

    def as_dict(self) -> dict[str, Any]:
        """The policy as JSON holds it: resolved, and without the name of a file."""
        return {
            "purpose": self.purpose,
            "licenses": {
                "allowed": list(self.allowed),
                "change": self.license_change,
                "unknown": self.unknown_license,
                "observers": list(self.observers),
            },
            "visibility": {
                "private": self.private,
                "deleted": self.deleted,
                "missing": self.missing,
                "unknown": self.unknown_visibility,
            },
            "signals": {"unreadable": self.unreadable_signal, "unknown": self.unknown_signal},
            "people": {"present": self.people_present, "unknown": self.people_unknown, "grant": self.grant},
        }

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Policy:
        """What :meth:`as_dict` wrote, also before items could be missing, observers trusted, signals read."""
        licenses, visibility = value["licenses"], value["visibility"]
        signals, people = value.get("signals", {}), value.get("people", {})
        return Policy(
            purpose=value["purpose"],
            allowed=tuple(licenses["allowed"]),
            license_change=licenses["change"],
            unknown_license=licenses["unknown"],
            private=visibility["private"],
            deleted=visibility["deleted"],
            missing=visibility.get("missing", "exclude"),
            unknown_visibility=visibility["unknown"],
            observers=tuple(licenses.get("observers", ())),
            unreadable_signal=signals.get("unreadable", "exclude"),
            unknown_signal=signals.get("unknown", "keep"),
            people_present=people.get("present", "keep"),
            people_unknown=people.get("unknown", "keep"),
            grant=people.get("grant", "depicted"),
        )

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of :meth:`as_dict` as JSON with sorted keys and no white space."""
        canonical = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class _Reading:
    """Reads one text, and goes on after a fault so that all of them are reported at once."""

    def __init__(self, text: str, place: str) -> None:
        self.place = place
        self.faults: list[str] = []
        try:
            self.tree: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{place}: is not TOML: {error}") from error

    def fault(self, path: str, words: str) -> None:
        where = f"{self.place} > {path}" if path else self.place
        self.faults.append(f"{where}: {words}")

    def tables(self) -> None:
        """Unknown keys of every table; a table that is not one counts as empty from here on."""
        for table in _TABLES:
            if not isinstance(self.tree.get(table, {}), dict):
                self.fault(table, f"{shown(self.tree[table])} is not a table; write it as [{table}]")
                self.tree[table] = {}
        for table, known in _KEYS.items():
            for key in self.tree.get(table, {}) if table else self.tree:
                if key not in known:
                    self.fault(table, f"unknown key {shown(key)}.{_nearest(key, known)}")

    def get(self, path: str) -> Any:
        table, _, key = path.rpartition(".")
        return (self.tree.get(table, {}) if table else self.tree).get(key)

    def choice(self, path: str, names: tuple[str, ...]) -> str:
        """One of ``names``; it must be stated."""
        value = self.get(path)
        if value is None:
            self.fault(path, f"is missing, and has no default. It is one of {_listed(names)}.")
        elif not isinstance(value, str):
            self.fault(path, f"{shown(value)} is not a text. It is one of {_listed(names)}.")
        elif value not in names:
            self.fault(path, f"unknown value {shown(value)}.{_nearest(value, names)}")
        return value if isinstance(value, str) else ""

    def several(self, path: str, fault_in: Callable[[str], str | None]) -> list[str]:
        """The texts of a list in which there is no fault. Stating an empty list would say nothing."""
        values = self.get(path)
        if values is None:
            return []
        if not isinstance(values, list):
            self.fault(path, f"{shown(values)} is not a list; put it in brackets")
            return []
        if not values:
            self.fault(path, "is an empty list; fill it, or leave the key out")
        good = []
        for number, value in enumerate(values):
            words = fault_in(value) if isinstance(value, str) else f"{shown(value)} is not a text"
            if words is None:
                good.append(value)
            else:
                self.fault(f"{path}[{number}]", words)
        return good

    def allowed(self) -> tuple[str, ...]:
        """The ids of ``licenses.allow`` together with those that grant all of ``licenses.permit``."""
        if self.get("licenses.allow") is None and self.get("licenses.permit") is None:
            self.fault("licenses", "names no license: state 'allow' (license ids), 'permit' or both")
        allowed = set(self.several("licenses.allow", _fault_in_license))
        permissions = self.several("licenses.permit", _fault_in_permission)
        if permissions:  # `all` of none would let in every license
            allowed.update(
                license_id
                for license_id, terms in LICENSES.items()
                if all(getattr(terms, permission) for permission in permissions)
            )
        return tuple(sorted(allowed))

    def observers(self) -> tuple[str, ...]:
        """Who is trusted, the most trusted first, each once."""
        names = self.several("licenses.observers", _fault_in_observer)
        for name in sorted({*names}):
            if names.count(name) > 1:
                self.fault("licenses.observers", f"{shown(name)} is named twice")
        return tuple(names)

    def people(self) -> dict[str, str]:
        """What becomes of items with people in them; must be said where the purpose is about people."""
        if "people" not in self.tree and self.get("purpose") not in PEOPLE_SENSITIVE:
            return {}
        return {
            "people_present": self.choice("people.present", PEOPLE_VERDICTS),
            "people_unknown": self.choice("people.unknown", PEOPLE_VERDICTS),
            "grant": self.choice("people.grant", GRANTS),
        }


def _fault_in_observer(name: str) -> str | None:
    return None if _NAME.fullmatch(name) else f"{shown(name)} is no name of an observer"


def _fault_in_license(license_id: str) -> str | None:
    if license_id in LICENSES:
        return None
    if license_id == UNKNOWN:
        return "'unknown' is not a license; licenses.unknown says what becomes of it"
    meant = normalize_one(license_id)
    near = did_you_mean(license_id if meant == UNKNOWN else meant, LICENSES)
    return f"unknown license {shown(license_id)}.{near or ' Ids look like this one: CC-BY-4.0.'}"


def _fault_in_permission(name: str) -> str | None:
    return None if name in PERMISSIONS else f"unknown permission {shown(name)}.{_nearest(name, PERMISSIONS)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(shown(name) for name in names)


def _nearest(value: str, names: tuple[str, ...]) -> str:
    return did_you_mean(value, names) or f" It is one of {_listed(names)}."


def parse_policy(text: str, place: str) -> Policy:
    """The policy that a TOML text states.

    Args:
        text: the TOML.
        place: the file's name, with which every fault begins.

    Raises:
        ConfigError: the text is not TOML; or a key or value is missing, unknown or of the wrong type. All
            faults are in the message, one a line, each with its path and the nearest valid name.
    """
    reading = _Reading(text, place)
    reading.tables()
    policy = Policy(
        purpose=reading.choice("purpose", PURPOSES),
        allowed=reading.allowed(),
        license_change=reading.choice("licenses.change", LICENSE_CHANGES),
        unknown_license=reading.choice("licenses.unknown", VERDICTS),
        private=reading.choice("visibility.private", VERDICTS),
        deleted=reading.choice("visibility.deleted", VERDICTS),
        missing=reading.choice("visibility.missing", VERDICTS),
        unknown_visibility=reading.choice("visibility.unknown", VERDICTS),
        observers=reading.observers(),
        unreadable_signal=reading.choice("signals.unreadable", VERDICTS),
        unknown_signal=reading.choice("signals.unknown", VERDICTS),
        **reading.people(),
    )
    if reading.faults:
        raise ConfigError("\n".join(reading.faults))
    return policy
