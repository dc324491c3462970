"""Resumable uploads as Google Cloud Storage keeps them, where `fake-gcs-server` does not.

The real one knows how much of an upload has come. Asked (`bytes */*`), it says so; bytes that come again are
passed over; an upload that is complete answers as it did when it was completed. The fake takes any question
for the end of the upload and publishes what has come so far, appends what comes again, and forgets an upload
that is complete. So the proxy remembers, and the server gets no request that it would answer wrongly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.http1 import Head

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")
_INCOMPLETE = 308


@dataclass
class Answer:
    """A whole answer."""

    head: Head
    body: bytes = b""


class Session:
    """One upload: how much of it has come, and what was answered when it was complete."""

    def __init__(self) -> None:
        self.come = 0
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
            return Answer(Head("HTTP/1.1 400 Bad Request", {"content-length": "0"}))
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

    def answered(self, head: Head, answer: Answer) -> None:
        """Take note of what the server said to the chunk under ``head``."""
        if answer.head.status == _INCOMPLETE:
            found = _RANGE.match(head.headers.get("content-range", ""))
            if found is not None and found[2] is not None:
                self.come = int(found[2]) + 1
        elif answer.head.status < 500:
            # Complete, or refused for good: the upload is over in either case.
            self.final = answer
