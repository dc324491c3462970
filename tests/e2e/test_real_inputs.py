"""Files that nobody on this project wrote, all the way to a release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from byhand import ByHand
from worlds import counted, cut, new_store, rows

from pipelines.ingest import ingest_manifest, ingest_opt_outs
from pipelines.store.store import Store, close_stores
from pipelines.store.tables import Table
from transforms.domain import schemas

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield new_store(tmp_path / "store")
    close_stores()


def manifest(store: Store, fmt: str, *files: Path) -> Table:
    return ingest_manifest(store, [str(file) for file in files], fmt=fmt, snapshot="a", runner=ByHand())


def test_yfcc100m_plain_and_packed(store: Store, tmp_path: Path) -> None:
    files = sorted(
        file for file in (SHARED / "yfcc100m").iterdir() if ".tsv" in file.name or ".bz2" in file.name
    )
    assert len(files) == 2
    table = manifest(store, "yfcc100m", *files)
    assert table.counts == {"rows": 200, "rows_read": 200, "duplicates": 0, "quarantined": 0}
    items = rows(store, table.buckets.values(), schemas.MANIFEST)
    by_license = {"BY-NC-ND": 65, "BY-NC-SA": 54, "BY": 26, "BY-NC": 24, "BY-SA": 20, "BY-ND": 11}
    assert counted(items["license"]) == {f"CC-{name}-2.0": count for name, count in by_license.items()}
    assert len(counted(items["owner_id"])) == 190

    owner, count = max(counted(items["owner_id"]).items(), key=lambda pair: (pair[1], pair[0]))
    list_ = tmp_path / "list.txt"
    list_.write_text(f"https://www.flickr.com/photos/{owner}/\n")
    ingest_opt_outs(store, [str(list_)], received_on="2026-11-10", runner=ByHand())
    counts = cut(store).content["counts"]
    # Nobody has looked at whether they are still to be seen: without a look nothing is kept.
    assert (counts["kept"], counts["first_reason"]["opt_out_owner"]) == (0, count)
    assert counts["first_reason"]["visibility_unknown"] == 200 - count


@pytest.mark.parametrize(
    ("names", "read"), [(["flickr_https.tsv"], 637), (["flickr_https.tsv", "flickr_http.tsv"], 2 * 637)]
)
def test_openverse(store: Store, names: list[str], read: int) -> None:
    table = manifest(store, "openverse", *(SHARED / "openverse" / name for name in names))
    assert table.counts == {"rows": 73, "rows_read": read, "duplicates": read - 73, "quarantined": 0}
