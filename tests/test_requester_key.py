"""People who ask are nowhere in a store but as hashes, and the key is nowhere in it at all."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from byhand import ByHand
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import ingest_opt_outs
from pipelines.requesterkey import VARIABLE, key_file, read_key
from pipelines.store.store import Dataset, Store, close_stores, create_store
from transforms.domain.errors import ConfigError
from transforms.domain.requesters import key_id, keyed

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield create_store(str(tmp_path / "store"), Dataset("yfcc100m", "flickr", 2))
    close_stores()


@pytest.fixture
def requests(tmp_path: Path) -> str:
    file = tmp_path / "requests.csv"
    file.write_text("item_id,requester\n1,ann@example.org\n2,Ann@Example.org\n3,\n")
    return str(file)


def test_a_store_holds_neither_requesters_nor_the_key(store: Store, requests: str, tmp_path: Path) -> None:
    key = tmp_path / "requester.key"
    key.write_bytes(KEY + b"\n")
    table = ingest_opt_outs(
        store, [requests], received_on="2026-11-10", runner=ByHand(), requester_key=str(key)
    )
    entries = store.blobs.get_table(table.blobs["entries"])
    ann = hmac.new(KEY, b"ann@example.org", hashlib.sha256).hexdigest()
    assert entries["requester"].to_pylist() == [f"{key_id(KEY)}:{ann}"] * 2 + [None]
    for file in Path(store.url).rglob("*"):
        if file.is_file():
            held = file.read_bytes().lower()
            assert b"ann@" not in held
            assert KEY not in held


def test_the_environment_may_name_the_key(
    store: Store, requests: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"names requesters.*--requester-key"):
        ingest_opt_outs(store, [requests], received_on="2026-11-10", runner=ByHand())
    (tmp_path / "key").write_bytes(KEY)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "key"))
    one = ingest_opt_outs(store, [requests], received_on="2026-11-10", runner=ByHand())
    (tmp_path / "key").write_bytes(KEY[::-1])
    other = ingest_opt_outs(store, [requests], received_on="2026-11-10", runner=ByHand())
    assert one.name != other.name  # another key makes others of them, and is not taken for the first


def test_what_is_no_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert key_file(None) == ""
    assert read_key("") is None
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_key(str(tmp_path / "none"))
    (tmp_path / "short").write_bytes(b"secret\n")
    with pytest.raises(ConfigError, match=r"has at least 16 bytes, and this one 6\. Make one: openssl"):
        read_key(str(tmp_path / "short"))


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=4), max_size=8))
def test_each_person_has_one_hash(people: list[str | None]) -> None:
    found = keyed(pa.array(people, pa.string()), KEY).to_pylist()
    again = keyed(pa.array([p and f"  {p} \n" for p in people], pa.string()), KEY).to_pylist()
    assert found == again
    for person, hashed in zip(people, found, strict=True):
        assert (hashed is None) == (person is None or not person.strip())
        assert keyed(pa.array([person], pa.string()), KEY).to_pylist() == [hashed]
    assert keyed(pa.array(["a", "b"]), KEY).to_pylist() != keyed(pa.array(["a", "b"]), b"x" * 32).to_pylist()
