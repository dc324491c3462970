"""Answers of Flickr's API about one photo: a file of XML or JSON each, or many as lines of JSON.

A line of many is ``{"id": "1234567890", "answer": ...}``: the id that was asked for, and the answer, which is
XML in a text, or JSON. XML is read as Flickr itself turns it into JSON: attributes and elements are members.

An answer that fails with code 1, "Photo not found", is told for a photo that is gone, that is not shown to
whoever asks, or that never was. Which of them is not said, so that its visibility is ``unknown``, and not
``deleted``. Source: https://www.flickr.com/services/api/flickr.photos.getInfo.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from transforms.domain.errors import InputError
from transforms.formats import jsonfiles
from transforms.formats.quarantine import Why
from transforms.formats.seen import Seen, text

XML_BYTES = 1 << 20
BEGINS = (b"<?xml", b"<rsp", b"<photo", b"{", b"jsonFlickrApi(")
_DEPTH = 3  # of a tree, how much is looked at
_NOT_FOUND = "1"
# `license_history_1234567890.xml`, `1234567890.xml`: words, and then nothing but the id.
_ID = re.compile("[1-9][0-9]{0,18}")
_NAMED = re.compile(rf"(?:[A-Za-z][A-Za-z0-9.]*[_-])*(?P<id>{_ID.pattern})")


@dataclass(frozen=True)
class Answer:
    """What was answered about one photo.

    Attributes:
        number: of the answer in its file, from 0.
        asked_for: the photo's id, by the line or the name of the file; None if neither says it.
        members: of the answer, which is not a failure.
        written: as the file has it.
    """

    number: int
    asked_for: str | None
    members: Mapping[str, object]
    written: bytes

    def seen(self, **said: Any) -> Seen:
        """An observation of the photo."""
        return Seen(
            self.number, self.written, **{"item_id": self.asked_for, **said}, weight_bytes=len(self.written)
        )

    def refused(self, detail: str) -> Seen:
        """The answer, as one that is not understood."""
        return self.seen(fault=Why("answer_unparsable", detail))


def named(head: bytes, place: str) -> dict[str, object]:
    """The photo's id by the name of a file of XML: its answer may not say it. A name that says none stays."""
    if not head.startswith(b"<"):
        return {}
    stem = PurePosixPath(place).name.removesuffix(".xml")
    found = _NAMED.fullmatch(stem)
    return {"photo_id": found["id"] if found else stem[:100]}


def answers(file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Answer | Seen]:
    """The answers of a file, in order; for failures and for what cannot be read, what is seen by that.

    Raises:
        InputError: the file is one answer, and that cannot be read.
    """
    if "photo_id" in settings:
        yield _of_xml(file, text(settings["photo_id"]))
        return
    for value in jsonfiles.values(file):
        if value.fault:
            yield Seen(value.line, value.written, fault=value.fault, weight_bytes=len(value.written))
        else:
            yield _of_json(value)


def is_id(asked_for: str | None) -> bool:
    """Whether it can be a photo's id."""
    return asked_for is not None and _ID.fullmatch(asked_for) is not None


def members(value: object) -> Mapping[str, object]:
    """An object's members; none of what is no object."""
    return value if isinstance(value, Mapping) else {}


def _of_xml(file: IO[bytes], asked_for: str | None) -> Answer | Seen:
    written = file.read(XML_BYTES + 1)
    try:
        found = _read_xml(written)
    except ValueError as error:
        raise InputError(f"cannot be read as an answer of Flickr's: {error}. Fetch it again.") from None
    return _checked(Answer(0, asked_for, found, written))


def _of_json(value: jsonfiles.Value) -> Answer | Seen:
    whole = members(value.value)
    asked_for, body = text(whole.get("id")), whole
    if "answer" in whole:
        answer = whole["answer"]
        try:
            body = _read_xml(answer.encode()) if isinstance(answer, str) else members(answer)
        except ValueError as error:
            return Answer(value.line, asked_for, {}, value.written).refused(f"cannot be read: {error}")
    return _checked(Answer(value.line, asked_for, body, value.written))


def _checked(answer: Answer) -> Answer | Seen:
    """The answer if it is one; what a failure says of the photo otherwise."""
    if answer.members.get("stat") == "ok":
        return answer
    if answer.members.get("stat") != "fail":
        return answer.refused('neither stat="ok" nor stat="fail"')
    failure = {**answer.members, **members(answer.members.get("err"))}
    code, said = text(failure.get("code")), failure.get("msg", failure.get("message"))
    if code == _NOT_FOUND:
        return answer.seen(visibility="unknown")
    return answer.seen(fault=Why("answer_failed", f"Flickr failed with code {code}: {text(said)}"[:200]))


def _read_xml(written: bytes) -> dict[str, object]:
    """The members of an answer. ValueError if it is none."""
    if len(written) > XML_BYTES:
        raise ValueError(f"it has over {XML_BYTES:,} bytes")
    try:
        root = fromstring(written, forbid_dtd=True)
    except DefusedXmlException:
        raise ValueError("it declares a document type or entities, as no answer does") from None
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(f"no XML ({' '.join(str(error).split())[:100]})") from None
    if root.tag == "photo":  # as the documentation shows it
        return {"stat": "ok", "photo": _tree(root, _DEPTH)}
    if root.tag != "rsp":
        raise ValueError(f"its root is <{root.tag[:40]}>, not <rsp>")
    return _tree(root, _DEPTH)


def _tree(element: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = dict(element.attrib)
    repeated: dict[str, list[Any]] = {}
    for child in element if depth else ():
        repeated.setdefault(child.tag, []).append(_tree(child, depth - 1))
    return found | {tag: trees[0] if len(trees) == 1 else trees for tag, trees in repeated.items()}
