"""A Google Cloud Storage of our own: `fake-gcs-server` as a process.

What it keeps of the real one's promises, and what not, is held in `tests/store/test_fakegcs.py`. Clients find
it by `STORAGE_EMULATOR_HOST`. Addresses that it hands out, such as where to send the chunks of an upload,
begin with the `Host` that it was asked by, so that they lead back through a proxy that stands before it.
"""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from support import tools
from support.processes import free_port, running

PACKAGE = "github.com/fsouza/fake-gcs-server@v1.56.1"


@dataclass(frozen=True)
class FakeGcs:
    """A server that runs.

    Attributes:
        url: where it answers: what `STORAGE_EMULATOR_HOST` is set to.
    """

    url: str

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"bucket-{uuid4().hex[:12]}"
        request = urllib.request.Request(
            f"{self.url}/storage/v1/b?project=test",
            json.dumps({"name": name}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        return name

    def put_all(self, folder: Path) -> str:
        """A new bucket with a copy of every file in ``folder``, by their paths in it."""
        bucket = self.new_bucket()
        for path in filter(Path.is_file, folder.rglob("*")):
            name = urllib.parse.quote(str(path.relative_to(folder)), safe="")
            url = f"{self.url}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
            with path.open("rb") as file:
                size = {"Content-Length": str(path.stat().st_size)}
                urllib.request.urlopen(urllib.request.Request(url, file, size), timeout=600).close()
        return bucket


@contextlib.contextmanager
def fake_gcs(folder: Path | None = None) -> Iterator[FakeGcs]:
    """A server on a free port, which keeps objects in memory, or in ``folder``.

    In memory it looks at every object of a bucket to find one: good for some thousands. Whoever comes first
    builds it, which takes minutes; without Go the test is skipped.
    """
    program = tools.go_binary(PACKAGE)
    place = ["-backend", "filesystem", "-filesystem-root", str(folder)] if folder else ["-backend", "memory"]
    for attempt in range(3):
        port = free_port()
        url = f"http://127.0.0.1:{port}"

        def answers(url: str = url) -> bool:
            try:
                urllib.request.urlopen(f"{url}/_internal/healthcheck", timeout=5).close()
            except (OSError, urllib.error.URLError):
                return False
            return True

        listen = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", "127.0.0.1"]
        command = [str(program), *place, *listen, "-log-level", "error"]
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(running(command, answers))
            except RuntimeError as error:
                if attempt < 2 and "address already in use" in str(error):
                    continue
                raise
            yield FakeGcs(url)
            return
