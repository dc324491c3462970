"""Resumable uploads as Google Cloud Storage keeps them, where `fake-gcs-server` does not.

The real one knows how much of an upload has come. Asked (`bytes */*`), it says so; bytes that come again are
passed over; an upload that is complete answers as it did when it was completed. The fake takes any question
for the end of the upload and publishes what has come so far, appends what comes again, and forgets an upload
that is complete. The real one refuses an upload whose checksum, stated when it began or with its last chunk,
is not that of what has come; the fake forgets the one and does not look at the other. So the proxy remembers,
and the server gets no request that it would answer wrongly.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from google_crc32c import Checksum
from support.http1 import Head

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")
_INCOMPLETE = 308


@dataclass
class Answer:
    """A whole answer."""

    head: Head
    body: bytes = b""


def _refusal(message: str) -> Answer:
    body = json.dumps({"error": {"code": 400, "message": message}}).encode()
    lines = {"content-type": "application/json", "content-length": str(len(body))}
    return Answer(Head("HTTP/1.1 400 Bad Request", lines), body)


def begun(body: bytes, answer: Head) -> tuple[str, Session] | None:
    """The upload that a request with ``body`` has begun, by its id; None if it was refused."""
    found = re.search(r"[?&]upload_id=([^&]+)", answer.headers.get("location", ""))
    stated = re.search(rb'"crc32c"\s*:\s*"([^"]*)"', body)
    return (found[1], Session(stated[1].decode() if stated else "")) if found else None


class Session:
    """One upload: how much of it has come, and what was answered when it was complete."""

    def __init__(self, stated: str = "") -> None:
        self.come = 0
        self._stated = stated
        self._crc32c = Checksum()
        self.final: Answer | None = None

    def meets(self, head: Head) -> Answer | int:
        """The answer to a chunk that the server must not see; else how much of it has come before.

        ``head`` is changed to say what is left to be sent.
        """
        if self.final is not None:
            return self.final
        found = _RANGE.match(head.headers.get("content-range", ""))
        if found is None:
            return 0
        first, last, total = found.groups()
        if first is None:
            return 0 if total == str(self.come) else self._so_far()
        if int(first) > self.come:
            return _refusal(f"Begins at {first}, and {self.come} bytes have come.")
        if int(last) < self.come:
            return self._so_far()
        skip = self.come - int(first)
        if skip:
            head.headers["content-range"] = f"bytes {self.come}-{last}/{total}"
            head.set_length(int(last) + 1 - self.come)
        return skip

    def _so_far(self) -> Answer:
        head = Head(f"HTTP/1.1 {_INCOMPLETE} Permanent Redirect", {"content-length": "0"})
        if self.come:
            head.headers["range"] = f"bytes=0-{self.come - 1}"
        return Answer(head)

    def takes(self, head: Head, chunk: bytes) -> Answer | None:
        """The refusal, if this chunk, the last one to be sent, makes the whole other than was stated."""
        self._crc32c.update(chunk)
        found = _RANGE.match(head.headers.get("content-range", ""))
        if found is not None and (found[3] == "*" or self.come + len(chunk) < int(found[3])):
            return None
        with_it = re.search(r"crc32c=([^,]+)", head.headers.get("x-goog-hash", ""))
        come = base64.b64encode(self._crc32c.digest()).decode()
        if {self._stated, with_it[1] if with_it else ""} <= {come, ""}:
            return None
        self.final = _refusal(f"Provided CRC32C doesn't match calculated CRC32C {come!r}.")
        return self.final

    def answered(self, head: Head, answer: Answer) -> None:
        """Take note of what the server said to the chunk under ``head``."""
        if answer.head.status == _INCOMPLETE:
            found = _RANGE.match(head.headers.get("content-range", ""))
            if found is not None and found[2] is not None:
                self.come = int(found[2]) + 1
        elif answer.head.status < 500:
            # Complete, or refused for good: the upload is over in either case.
            self.final = answer
