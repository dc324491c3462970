"""Evidence of what machine-readable sources said: answers of sites, of registries, of readers of C2PA.

Each is one JSON object; which of the three it is, its members tell:

- a *capture*, one answer of a site: ``url``, ``status``, ``headers``, ``body``
- a *registry's answer*: ``urls``, as it came; or ``answer``, with ``registry`` and what was ``asked``
- a *content credential*, what a tool read of C2PA: ``manifest``, and ``item_id`` or ``url``

A member that is not known is a fault: one that is spelled otherwise would be a signal that nobody hears.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.domain.texts import did_you_mean, shown

_GOT = range(200, 300)
_GONE = (404, 410)
_OK = 200
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)

GOT, NOTHING_THERE, UNAVAILABLE = "got", "nothing there", "unavailable"


class NotUnderstood(ValueError):
    """An object is no evidence: what is wrong with it, and what would be right."""


@dataclass(frozen=True)
class Capture:
    """One answer of a site.

    Attributes:
        url: what was asked for.
        status: of HTTP; None: there was no answer.
        headers: name and value of each line, in order.
        body: bytes, where they were kept.
        fetched_at: in UTC; None if it is not told.
    """

    url: str
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    fetched_at: datetime.datetime | None = None

    @property
    def state(self) -> str:
        """What is known by it: see :func:`state_of`."""
        return state_of(self.status)


@dataclass(frozen=True)
class RegistryAnswer:
    """What a registry answered of some URLs.

    Attributes:
        registry: its name; None if it is not told.
        asked: about which URLs it was asked, where that is told.
        answer: as it came; None if it gave none, or an error.
        fetched_at: in UTC; None if it is not told.
    """

    registry: str | None
    asked: tuple[str, ...]
    answer: Mapping[str, Any] | None
    fetched_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Credential:
    """What was read of an item's content credentials.

    Attributes:
        kind: `item` or `url`.
        source: the platform of an item; None: the dataset's.
        key: its id, or the URL.
        status: as of a :class:`Capture`; 200 where it is not told.
        manifest: as the tool printed it; None: the item has none, or it could not be read.
        error: why it could not be read.
        fetched_at: in UTC; None if it is not told.
    """

    kind: str
    source: str | None
    key: str
    status: int | None
    manifest: Mapping[str, Any] | None = None
    error: str | None = None
    fetched_at: datetime.datetime | None = None

    @property
    def state(self) -> str:
        """What is known by it: see :func:`state_of`."""
        return state_of(self.status)


Evidence = Capture | RegistryAnswer | Credential


def evidence_of(value: object) -> Evidence:
    """The evidence that a JSON value is.

    Raises:
        NotUnderstood: it is none.
    """
    if not isinstance(value, Mapping):
        raise NotUnderstood(f"{shown(value)} is no object")
    for members, read in _FORMS:
        if any(name in value for name in members):
            return read(value)
    near = next((hint for name in value if (hint := did_you_mean(str(name), _NAMES))), "")
    raise NotUnderstood(f"is neither a capture, a registry's answer nor a content credential.{near}")


def state_of(status: int | None) -> str:
    """What a status says of a source: :data:`GOT`, :data:`NOTHING_THERE`, or :data:`UNAVAILABLE`.

    A refusal or a redirect is no answer, as is none at all: nothing is known of what the source says.
    """
    if status in _GOT:
        return GOT
    return NOTHING_THERE if status in _GONE else UNAVAILABLE


def _capture(value: Mapping[str, Any]) -> Capture:
    _known(value, ("url", "status", "headers", "body", "fetched_at"), needed=("url", "status"))
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise NotUnderstood(f"body: {shown(body)} is no text")
    return Capture(
        _url(value["url"]),
        _status(value),
        tuple(_headers(value.get("headers", ()))),
        None if body is None else body.encode(errors="replace"),
        _moment(value),
    )


def _registry(value: Mapping[str, Any]) -> RegistryAnswer:
    if "answer" not in value:  # as it came from the registry
        return RegistryAnswer(None, (), _answer(value))
    _known(value, ("registry", "asked", "answer", "fetched_at"), needed=("answer",))
    registry, asked = value.get("registry"), value.get("asked", [])
    if registry is not None and not _is_name(registry):
        raise NotUnderstood(f"registry: {shown(registry)} is no name")
    if not isinstance(asked, list):
        raise NotUnderstood(f"asked: {shown(asked)} is no list of URLs")
    return RegistryAnswer(registry, tuple(map(_url, asked)), _answer(value["answer"]), _moment(value))


def _answer(value: object) -> Mapping[str, Any] | None:
    """A registry's answer; None if it is an error, in whatever words."""
    if value is not None and not isinstance(value, Mapping):
        raise NotUnderstood(f"answer: {shown(value)} is neither an object nor null")
    if value is None or "urls" not in value:
        return None
    if not isinstance(value["urls"], list) or not all(map(_is_about_a_url, value["urls"])):
        raise NotUnderstood(
            'urls: is no list of objects as {"url": "https://example.org/a.jpg", "optOut": true}'
        )
    return value


def _is_about_a_url(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("url"), str)
        and bool(_URL.fullmatch(value["url"]))
    )


def _credential(value: Mapping[str, Any]) -> Credential:
    named = [name for name in ("item_id", "url") if name in value]
    _known(
        value,
        ("item_id", "source", "url", "manifest", "error", "status", "fetched_at"),
        needed=("manifest",) if named else ("item_id", "manifest"),
    )
    if len(named) > 1:
        raise NotUnderstood("names an item and a URL: say it in two objects")
    kind = "item" if named == ["item_id"] else "url"
    key = _url(value["url"]) if kind == "url" else _id(value["item_id"])
    source = value.get("source")
    if source is not None and (kind == "url" or not _is_name(source)):
        raise NotUnderstood(f"source: {shown(source)} is not the platform of an item")
    manifest, error = value["manifest"], value.get("error")
    if manifest is not None and not isinstance(manifest, Mapping):
        raise NotUnderstood(f"manifest: {shown(manifest)} is neither an object nor null")
    if error is not None and not isinstance(error, str):
        raise NotUnderstood(f"error: {shown(error)} is neither a text nor null")
    status = _status(value) if "status" in value else _OK
    return Credential(kind, source, key, status, manifest, error, _moment(value))


_FORMS = (
    (("urls", "answer"), _registry),
    (("manifest", "error", "item_id"), _credential),
    (("url", "status", "headers", "body"), _capture),
)
_NAMES = [name for members, _ in _FORMS for name in members]


def _known(value: Mapping[str, Any], names: Sequence[str], needed: Sequence[str]) -> None:
    for name in value:
        if name not in names:
            near = did_you_mean(name, names) or f" There are: {', '.join(names)}"
            raise NotUnderstood(f"unknown member {shown(name)}.{near}")
    for name in needed:
        if name not in value:
            raise NotUnderstood(f"has no member {name!r}")


def _is_name(value: object) -> bool:
    """As names of platforms are: printable ASCII."""
    return isinstance(value, str) and 0 < len(value) <= 256 and value.isascii() and value.isprintable()


def _url(value: object) -> str:
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise NotUnderstood(f"{shown(value)} is no URL; write it as https://example.org/a.jpg")
    return value


def _id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise NotUnderstood(f"item_id: {shown(value)} is no id")
    return str(value).strip()


def _status(value: Mapping[str, Any]) -> int | None:
    status = value["status"]
    if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
        raise NotUnderstood(f"status: {shown(status)} is neither a number nor null")
    return status


def _headers(value: object) -> Iterator[tuple[str, str]]:
    pairs = value if isinstance(value, Sequence) and not isinstance(value, str) else None
    for pair in (None,) if pairs is None else pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise NotUnderstood(f'headers: {shown(pair or value)} is not as [["X-Robots-Tag", "noai"]]')
        yield pair[0], pair[1]


def _moment(value: Mapping[str, Any]) -> datetime.datetime | None:
    told = value.get("fetched_at")
    if told is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(told)
    except (ValueError, TypeError):
        raise NotUnderstood(
            f"fetched_at: {shown(told)} is no time; write it as 2026-11-20T04:00:00Z"
        ) from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC)
