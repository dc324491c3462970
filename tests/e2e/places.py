"""Where a test's stores lie, in a folder or in a bucket, and how to look at all that one holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from byhand import listing
from google.cloud.storage import Client
from support.cloud import Cloud
from worlds import BUCKETS, create

from pipelines.store.store import Store, open_store


class Place(Protocol):
    """Makes stores of one kind."""

    name: str

    def new_store(self, buckets: int = BUCKETS) -> Store:
        """An empty one."""
        ...

    def copy(self, store: Store) -> Store:
        """One that holds what ``store``, in a folder, holds."""
        ...

    def objects(self, store: Store, folder: str) -> dict[str, object]:
        """Every object below ``folder`` by its path, with what differs when it is written anew."""
        ...


class Folders:
    """Stores in folders of ``root``."""

    name = "local"

    def __init__(self, root: Path) -> None:
        self._root = root

    def _new_folder(self) -> Path:
        return self._root / f"store-{len(list(self._root.iterdir()))}"

    def new_store(self, buckets: int = BUCKETS) -> Store:
        """See :class:`Place`."""
        return create(str(self._new_folder()), buckets)

    def copy(self, store: Store) -> Store:
        """See :class:`Place`."""
        folder = self._new_folder()
        shutil.copytree(store.url, folder, ignore=shutil.ignore_patterns("tmp"))
        return open_store(str(folder))

    def objects(self, store: Store, folder: str) -> dict[str, object]:
        """See :class:`Place`."""
        return dict(listing(Path(store.url), folder))


class Buckets:
    """Stores in buckets of the GCS server, behind the weather."""

    name = "gcs"

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def _new_url(self) -> str:
        return f"gs://{self._cloud.new_bucket()}/a/store"

    def new_store(self, buckets: int = BUCKETS) -> Store:
        """See :class:`Place`."""
        return create(self._new_url(), buckets)

    def copy(self, store: Store) -> Store:
        """See :class:`Place`. A store is nothing but its files: moving one is copying them."""
        url = self._new_url()
        client = Client()
        bucket = client.bucket(url.split("/")[2])
        for path in sorted(Path(store.url).rglob("*")):
            name = path.relative_to(store.url)
            if path.is_file() and name.parts[0] != "tmp" and not path.name.startswith("."):
                bucket.blob(f"a/store/{name}").upload_from_filename(path, if_generation_match=0)
        client.close()
        return open_store(url)

    def objects(self, store: Store, folder: str) -> dict[str, object]:
        """See :class:`Place`."""
        client = Client()
        found = client.list_blobs(store.url.split("/")[2], prefix=f"a/store/{folder}/")
        objects: dict[str, object] = {blob.name.removeprefix("a/store/"): blob.generation for blob in found}
        client.close()
        return objects


PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "local": lambda request: Folders(request.getfixturevalue("tmp_path")),
    "gcs": lambda request: Buckets(request.getfixturevalue("cloud")),
}


def contents(place: Place, store: Store, folder: str) -> Iterator[tuple[str, bytes]]:
    """Every object below ``folder``: its path and its bytes."""
    for path in sorted(place.objects(store, folder)):
        yield path, store.backend.read(path)
