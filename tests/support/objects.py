"""Putting objects into a bucket of the GCS server, as somebody else would who fills an inbox."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request


def put(server: str, bucket: str, name: str, data: bytes, encoding: str = "") -> str:
    """The URL of a new object, or of one written over; ``encoding`` is its Content-Encoding."""
    about = json.dumps({"name": name, **({"contentEncoding": encoding} if encoding else {})}).encode()
    parts = (
        b"--part\r\nContent-Type: application/json\r\n\r\n" + about,
        b"\r\n--part\r\nContent-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--part--\r\n",
    )
    where = f"{server}/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name={urllib.parse.quote(name)}"
    head = {"Content-Type": "multipart/related; boundary=part"}
    urllib.request.urlopen(urllib.request.Request(where, b"".join(parts), head), timeout=30).close()
    return f"gs://{bucket}/{name}"
