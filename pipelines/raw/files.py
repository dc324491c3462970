"""Opening raw files, local or in a bucket: every way in which that fails is one line for the operator."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple, cast

import fsspec
from fsspec.caching import BlockCache, ReadAheadCache

from pipelines.config import patience_seconds
from transforms.domain.errors import ConfigError, InputError

# gcsfs asks a second service, over gRPC, what kind each bucket is. Where gRPC does not get through (an
# emulator, a proxy for HTTP alone) it waits a minute for it at each call. Only zonal buckets need the answer.
# It is read when gcsfs is imported, which fsspec does at the first gs:// address.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
if "GCSFS_DEBUG" not in os.environ:
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs tracebacks of what it raises anyway

_PATIENCE_SECONDS = 120
AHEAD_BYTES = 16 << 20
_BLOCK_BYTES = 4 << 20  # of a file that is read here and there, 32 of which are kept
_MAGIC = "*?["

_VERSION = ("size", "generation", "etag", "ETag", "mtime", "LastModified", "ino")
"""What file systems say of a file that tells whether it is still the same."""


class Located(NamedTuple):
    """A file that was there.

    Attributes:
        place: what its errors name.
        identity: what tells it from every other file.
        bytes: how large it was.
        version: what tells it from what will lie there after it was written to.
    """

    place: str
    identity: str
    bytes: int
    version: tuple[str, ...]


def expand(places: Sequence[str]) -> list[str]:
    """``places``, and for each URL with `*`, `?` or `[` the files that it stands for, in order.

    The shell does that for local paths; here they are names. `*` stops at a slash, `**` does not.

    Raises:
        InputError: a pattern stands for nothing.
    """
    found = []
    for place in places:
        scheme = place.partition("://")[0]
        if scheme == place or scheme in ("http", "https") or not any(sign in place for sign in _MAGIC):
            found.append(place)
            continue
        system, path = system_of(place)
        with told(place, Exception):
            matches = system.glob(path, detail=True, **deadline_of(system))
        files = sorted(name for name, info in matches.items() if info["type"] == "file")
        if not files:
            raise InputError(f"{place}: no file of this pattern. Look at the spelling of its path.")
        found.extend(system.unstrip_protocol(name) for name in files)
    return found


def locate(place: str) -> Located:
    """The file at ``place``, a local path or an URL such as ``gs://bucket/name``, as it is now.

    Raises:
        InputError: nothing is there, or something that is no file.
    """
    system, path = system_of(place)
    remote = "://" in place
    with told(place, Exception if remote else OSError):
        info = system.info(path, **deadline_of(system))
    if info["type"] == "directory":
        raise InputError(f"{place}: a directory. Name the files in it.")
    if info["type"] != "file":
        raise InputError(f"{place}: neither a file nor a directory. Write its content to a file first.")
    if info.get("contentEncoding"):
        # Whoever asks gets other bytes than are stored, and not as many.
        raise InputError(
            f"{place}: is stored with Content-Encoding {info['contentEncoding']}, which changes its bytes on"
            " their way. Upload it without: a file that ends in .gz is read as it is."
        )
    version = tuple(f"{name}={info[name]}" for name in _VERSION if name in info)
    if remote:
        return Located(place, system.unstrip_protocol(path), int(info["size"]), version)
    return Located(path, os.path.realpath(path), int(info["size"]), version)


@contextlib.contextmanager
def reading(
    place: str,
    *,
    stop_bytes: int | None = None,
    ahead_bytes: int = AHEAD_BYTES,
    here_and_there: bool = False,
) -> Iterator[IO[bytes]]:
    """The open file.

    Args:
        place: a local path or a URL.
        stop_bytes: of a URL, where what will be read ends; nothing behind it is asked for. None: its end.
        ahead_bytes: of a URL, how much to ask for at once: a request costs a round trip.
        here_and_there: of a URL, keep blocks instead, for a reader that jumps, as that of Parquet does.

    Raises:
        InputError: it cannot be opened, or reading it failed.
    """
    system, path = system_of(place)
    if "://" not in place:
        with told(place, OSError), _opened_here(system, path) as file:
            yield file
        return
    size = locate(place).bytes if stop_bytes is None else stop_bytes

    def fetch(start: int, stop: int) -> bytes:
        stop = min(stop, size)  # a block may end behind the file
        with told(place, Exception):
            data = cast(bytes, system.cat_file(path, start=start, end=stop, **deadline_of(system)))
        if len(data) != stop - start:
            raise InputError(
                f"{place}: {len(data):,} bytes came where {stop - start:,} were asked for. It changed while"
                " being read, or its server gives no parts of files."
            )
        return data

    kind, block_bytes = (BlockCache, _BLOCK_BYTES) if here_and_there else (ReadAheadCache, ahead_bytes)
    yield cast(IO[bytes], _Remote(kind(block_bytes, fetch, size)))


def _opened_here(system: Any, path: str) -> Any:
    try:
        return system.open(path, "rb")
    except FileNotFoundError:
        # It was there when the run was planned: it went away, or this is a worker that does not see it.
        raise InputError(
            f"{path}: no such file on {socket.gethostname()}. Workers on other machines need files that all"
            " of them reach, such as gs://bucket/name, or a shared disk"
        ) from None


class _Remote(io.RawIOBase):
    """A file of which ranges can be asked for. What is kept of it is up to one of fsspec's caches."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._cache.size - self._place)
        stop = self._place + (left if size is None or size < 0 else min(size, left))
        data: bytes = self._cache._fetch(self._place, stop)
        self._place = stop
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = (
            offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._cache.size}[whence]
        )
        return self._place

    def tell(self) -> int:
        return self._place


def system_of(place: str) -> tuple[Any, str]:
    """The file system that serves ``place``, and what the place is called there.

    Raises:
        ConfigError: none does.
    """
    # A local path goes by no URL rules: `a::b` and `~` are names like others.
    if "://" not in place:
        return fsspec.filesystem("file"), os.path.abspath(place)
    try:
        # A listing from before would hide that a file was written to since.
        return cast(
            tuple[Any, str], fsspec.core.url_to_fs(place, use_listings_cache=False, **_options(place))
        )
    except ImportError as error:
        raise ConfigError(
            f"{place}: needs a package that is not here ({_one_line(error)}). Install it, on workers too."
        ) from None
    except ValueError as error:
        raise ConfigError(f"{place}: no such kind of address ({_one_line(error)})") from None


def _options(place: str) -> Mapping[str, Any]:
    if not place.startswith(("gs://", "gcs://")):
        return {}
    # An emulator knows no credentials, and looking for some takes seconds.
    return {"token": "anon"} if os.environ.get("STORAGE_EMULATOR_HOST") else {}


def deadline_of(system: Any) -> Mapping[str, float]:
    """How long an asynchronous driver may try, as an argument of its methods; others have own limits."""
    return {"timeout": patience_seconds(_PATIENCE_SECONDS)} if system.async_impl else {}


@contextlib.contextmanager
def told(place: str, kinds: type[Exception], what: str = "file") -> Iterator[None]:
    """Errors of ``kinds`` in the block as an InputError: what drivers raise is often no OSError."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{place}: no such {what}. Look at the spelling of its path.") from None
    except InputError:
        raise
    except kinds as error:
        cure = "Look at its permissions."
        if "://" in place:
            cure = "Look at its permissions, the credentials and the network."
        raise InputError(f"{place}: cannot be read ({_one_line(error)}). {cure}") from None


def _one_line(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:300]
