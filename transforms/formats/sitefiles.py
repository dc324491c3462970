"""A site's own documents, kept as files: each is what a capture of the site would hold."""

from __future__ import annotations

from types import MappingProxyType

from transforms.formats.evidence import Capture, NotUnderstood

OBJECTS = "objects"
"""The role of a file that holds JSON objects of :mod:`transforms.formats.evidence`, and no document."""

WELL_KNOWN = MappingProxyType(
    {"/robots.txt": "robots.txt", "/ai.txt": "ai.txt", "/.well-known/tdmrep.json": "tdmrep.json"}
)
"""The documents that speak for a whole host, by their paths on it."""

HEADERS = "headers.txt"
_OK = 200

SITE_FILES = (*WELL_KNOWN.values(), HEADERS)


def capture_of(role: str, host: str, data: bytes) -> Capture:
    """What a site would have answered, had it been asked for the file.

    Raises:
        NotUnderstood: a line of `headers.txt` is no header; it begins with the line's number.
    """
    if role == HEADERS:
        return Capture(f"https://{host}/", _OK, _headers(data))
    path = next(path for path, name in WELL_KNOWN.items() if name == role)
    return Capture(f"https://{host}{path}", _OK, body=data)


def _headers(data: bytes) -> tuple[tuple[str, str], ...]:
    """Header lines, one a line; a status line and blank lines are none."""
    found = []
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("HTTP/"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise NotUnderstood(f"line {number}: {line[:80]!a} is no header line, as `X-Robots-Tag: noai` is")
        found.append((name.strip(), value.strip()))
    return tuple(found)
