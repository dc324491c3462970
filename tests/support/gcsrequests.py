"""What a request asks of Google Cloud Storage, read from its first line."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, replace

from support.http1 import Head

KINDS = ("insert", "begin", "chunk", "media", "metadata", "list", "delete", "bucket", "other")
_OBJECT = re.compile(r"^(?:/(?P<door>download|upload))?/storage/v1/b/(?P<bucket>[^/]+)/o(?:/(?P<name>.+))?$")
_NAME_IN_BODY = re.compile(rb'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:^|/)(blobs|memo|datasets|tmp)(?:/|$)")


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: of HTTP.
        kind: `insert` (an object whole), `begin` and `chunk` (of a resumable upload), `media` (bytes of an
            object), `metadata` (of an object), `list`, `delete`, `bucket`, or `other`.
        path: the object's name, or the prefix that is listed.
        upload: the id of the resumable upload that a chunk belongs to.
    """

    method: str
    kind: str
    path: str
    upload: str = ""

    @property
    def folder(self) -> str:
        """Which folder of a store ``path`` lies in; empty if in none."""
        found = _FOLDER.search(self.path)
        return found[1] if found else ""

    @property
    def names_object_in_body(self) -> bool:
        """Whether the object's name stands in the body."""
        return self.kind in ("insert", "begin") and not self.path

    def named_by(self, body: bytes) -> Request:
        """The same, with the object's name from the beginning of the body."""
        found = _NAME_IN_BODY.search(body)
        return replace(self, path=found[1].decode()) if found else self


def read_request(head: Head) -> Request:
    """What ``head`` asks."""
    method, target, _ = head.line.split(" ", 2)
    path, _, query = target.partition("?")
    options = dict(urllib.parse.parse_qsl(query))
    found = _OBJECT.match(path)
    if found is None:
        return Request(method, "bucket" if path.startswith("/storage/v1/b") else "other", "")
    name = urllib.parse.unquote(found["name"] or "")
    if found["door"] == "upload":
        upload = options.get("upload_id", "")
        kind = "chunk" if upload else "begin" if options.get("uploadType") == "resumable" else "insert"
        return Request(method, kind, options.get("name", ""), upload)
    if method == "DELETE":
        return Request(method, "delete", name)
    if method not in ("GET", "HEAD"):
        return Request(method, "other", name)
    if not name:
        return Request(method, "list", options.get("prefix", ""))
    is_media = found["door"] == "download" or options.get("alt") == "media"
    return Request(method, "media" if is_media else "metadata", name)
