"""Opening a store: a URL, one dataset, and the parts of its layout.

::

    <store>/
      blobs/sha256/ab/<digest>.<suffix>               write-once
      memo/<stage>/ab/<key>.json                      results of actions
      datasets/<dataset>/dataset.json                 bucket count, key rule: written once
      datasets/<dataset>/manifests/<snapshot>.json    a table = a list of buckets; likewise
      datasets/<dataset>/licenses/<snapshot>.json     licenses and
      datasets/<dataset>/opt-outs/<list>.json         opt-outs
      datasets/<dataset>/releases/<version>.json      THE commit of a release
      datasets/<dataset>/releases/<version>/stats.duckdb
      datasets/<dataset>/disclosures/<number>.json    what each of these told and withheld
      datasets/<dataset>/channels/latest.json         movable pointer; a hint, never the truth
      datasets/<dataset>/lease.json                   which night is at work, and until when
      datasets/<dataset>/inbox.json                   which file of an inbox became which table
      tmp/                                            files that are being written (local stores)
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.store.backend import Backend
from pipelines.store.blobs import Blobs
from pipelines.store.documents import canonical
from pipelines.store.local import LocalBackend
from pipelines.store.memo import Memos
from pipelines.store.releases import Releases
from pipelines.store.tables import Tables, check_name
from pipelines.threads import CORES
from transforms.domain import keys
from transforms.domain.errors import ConfigError, StateError


@dataclass(frozen=True)
class Dataset:
    """What is fixed when a dataset is created.

    Attributes:
        name: of the dataset.
        source: whose ids bare item and owner ids are, where an input does not say.
        buckets: how many; a power of two. 1,024 suits 100 million items.
        key_rule: how a row's bucket is found; see :mod:`transforms.domain.keys`.
        smallest_count: of items or owners that published statistics may state. What is withheld holds for
            all files together, so it is one number for all of them.
    """

    name: str
    source: str
    buckets: int
    key_rule: str = keys.RULE
    smallest_count: int = 10

    def __post_init__(self) -> None:
        faults = []
        if not 1 <= self.buckets <= 1 << 16 or self.buckets & (self.buckets - 1):
            faults.append(f"--buckets {self.buckets}: use a power of two from 1 to 65536")
        if self.smallest_count < 2:
            faults.append(
                f"--smallest-count {self.smallest_count}: a count of one is a person; use 2 or more"
            )
        if not self.source or not self.source.isprintable():
            faults.append(f"--source {self.source!r}: use the name of a platform, such as flickr")
        if faults:
            raise ConfigError("\n".join(faults))
        check_name(self.name, "dataset")

    @property
    def shards(self) -> int:
        """How many shards rows are spread over by item: fewer, as an entry there is a tenth of a row."""
        return max(1, self.buckets // 8)

    @property
    def path(self) -> str:
        """Where the dataset lies in its store."""
        return f"datasets/{self.name}"


def connect(url: str) -> Backend:
    """The backend for ``url``: `gs://bucket/path`, or a local folder.

    Raises:
        ConfigError: no backend serves this kind of URL.
    """
    if url.startswith("gs://"):
        from pipelines.store.gcs import GcsBackend  # half a second that local stores need not pay

        return GcsBackend(url)
    if "://" in url and not url.startswith("file://"):
        raise ConfigError(
            f"{url}: stores on {url.split('://')[0]}:// cannot be opened; use a local folder or gs://bucket/path"
        )
    path = url.removeprefix("file://")
    if path != url and not path.startswith("/"):
        raise ConfigError(f"{url}: write file:// before an absolute path, as in file:///data/store")
    return LocalBackend(Path(path))


class Store:
    """One dataset in one store. Open it with :func:`open_store`; workers open it by its URL."""

    def __init__(self, backend: Backend, dataset: Dataset) -> None:
        self.backend = backend
        self.url = backend.url
        self.dataset = dataset
        self.blobs = Blobs(backend)
        self.memos = Memos(backend, self.blobs)
        self.tables = Tables(backend, dataset.path)
        self.releases = Releases(backend, self.blobs, dataset.path)

    @property
    def blobs_at_once(self) -> int:
        """How many threads may hold a blob as it lies in the store: tens of MB each."""
        return max(CORES, min(self.backend.reads_at_once, 16))

    @property
    def rows_at_once(self) -> int:
        """How many threads may hold a bucket's rows, which takes memory, however much the store can give."""
        return max(CORES, min(self.backend.reads_at_once, 2 * CORES))


def create_store(url: str, dataset: Dataset) -> Store:
    """A new store; the same one again if it exists with the same settings.

    Raises:
        StateError: the store exists and is set up otherwise, or the folder holds something else.
    """
    backend = connect(url)
    existing = _dataset_names(backend)
    if existing and existing != [dataset.name]:
        raise StateError(f"{url}: the store holds the dataset {existing[0]!r}; a store holds one dataset")
    if not existing and (any(backend.folders("")) or any(backend.list(""))):
        raise StateError(f"{url}: is not empty and is not a store; name a new folder")
    backend.create(f"{dataset.path}/dataset.json", canonical(asdict(dataset)))
    backend.close()
    store = open_store(url)
    if store.dataset != dataset:
        asked = asdict(dataset)
        other = ", ".join(
            f"{name} {value}, not {asked[name]}"
            for name, value in asdict(store.dataset).items()
            if value != asked[name]
        )
        raise StateError(
            f"{url}: exists with {other}. That is fixed when a store is created: use it as it is, or name a"
            " new folder"
        )
    return store


def _dataset_names(backend: Backend) -> list[str]:
    folders = backend.folders("datasets")
    return [folder.rpartition("/")[2] for folder in folders if backend.exists(f"{folder}/dataset.json")]


_OPEN: dict[str, Store] = {}
_OPENING = threading.Lock()


def open_store(url: str) -> Store:
    """The store at ``url``; one object per process, so that its threads share open files.

    Raises:
        StateError: there is no store.
    """
    with _OPENING:
        if url not in _OPEN:
            backend = connect(url)
            _OPEN[url] = _OPEN.get(backend.url) or _open(backend)
            _OPEN.setdefault(backend.url, _OPEN[url])
        return _OPEN[url]


def close_stores() -> None:
    """Drop what this process holds of its stores: scratch files and their locks."""
    with _OPENING:
        for store in set(_OPEN.values()):
            store.backend.close()
        _OPEN.clear()


def _open(backend: Backend) -> Store:
    url = backend.url
    names = _dataset_names(backend)
    if not names:
        raise StateError(f"{url}: there is no store here. Create one: byleave init {url} --dataset NAME")
    value = json.loads(backend.read(f"datasets/{names[0]}/dataset.json"))
    dataset = Dataset(**value)
    if dataset.key_rule != keys.RULE:
        raise StateError(f"{url}: its buckets follow {dataset.key_rule!r}; this version knows {keys.RULE!r}")
    return Store(backend, dataset)
