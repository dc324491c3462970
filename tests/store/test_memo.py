from __future__ import annotations

import json

import pytest
from anyplace import files, overwrite
from hypothesis import given
from hypothesis import strategies as st

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Routed
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError

KEY = "0123" * 16

names = st.text(max_size=5)
blobs = st.builds(
    Blob, st.text("0123456789abcdef", min_size=8, max_size=8), st.just(".x"), st.integers(0), st.integers(0)
)
numbers = st.lists(st.integers(0, 100), max_size=3).map(tuple)
routed = st.builds(Routed, blobs, numbers, numbers, numbers, st.lists(names, max_size=3).map(tuple))
results = st.builds(
    Result,
    st.dictionaries(names, blobs, max_size=3),
    st.dictionaries(names, st.lists(routed, max_size=2).map(tuple), max_size=2),
    st.dictionaries(names, st.integers(), max_size=3),
)


def memo_path(store: Store) -> str:
    (path,) = files(store.backend, "memo")
    return path


@given(results)
def test_a_result_is_json(result: Result) -> None:
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result
    assert len(result.files()) == len(result.blobs) + sum(map(len, result.routed.values()))


def test_what_was_remembered_comes_back(store: Store) -> None:
    result = Result({"rows": store.blobs.put_bytes(b"rows", ".bin")}, counts={"rows": 4})
    assert store.memos.get("Cut", KEY) is None
    store.memos.put("Cut", KEY, result)
    assert store.memos.get("Cut", KEY) == result
    assert store.memos.get("Join", KEY) is None
    assert store.memos.get("Cut", KEY[::-1]) is None


def test_the_same_result_again_changes_nothing(store: Store) -> None:
    # The order in which names came does not make another result.
    store.memos.put("Cut", KEY, Result(counts={"a": 1, "b": 2}))
    before = files(store.backend, "memo")
    store.memos.put("Cut", KEY, Result(counts={"b": 2, "a": 1}))
    assert files(store.backend, "memo") == before


@pytest.mark.parametrize("other", [Result(counts={"rows": 5}), Result(counts={}), Result()])
def test_another_result_for_the_same_inputs_is_an_error(store: Store, other: Result) -> None:
    store.memos.put("Cut", KEY, Result(counts={"rows": 4}))
    with pytest.raises(IntegrityError, match="not a pure function"):
        store.memos.put("Cut", KEY, other)
    assert store.memos.get("Cut", KEY) == Result(counts={"rows": 4})


def test_a_memo_whose_blob_is_gone_counts_as_none_and_the_action_makes_it_again(store: Store) -> None:
    ran = []

    def run(store: Store, action: Action) -> Result:
        ran.append(action.inputs["n"])
        return Result({"rows": store.blobs.put_bytes(b"rows", ".bin")}, counts={"n": action.inputs["n"]})

    run.__module__ = "pipelines.steps.cut"
    stage, action = Stage("Cut", run), Action({"n": 1})
    result = stage.perform(store, action)
    assert stage.perform(store, action) == stage.recall(store, action) == result
    assert ran == [1]
    store.blobs.remove(result.blobs["rows"])
    assert stage.recall(store, action) is None
    assert stage.perform(store, action) == result
    assert ran == [1, 1]
    assert store.blobs.read(result.blobs["rows"]) == b"rows"
    assert stage.recall(store, action) == result


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"blobs":{"a":1}}', b'{"blobs":[]}', b"\xff", b"1"]
)
def test_what_is_no_memo_is_an_error(store: Store, text: bytes) -> None:
    store.memos.put("Cut", KEY, Result())
    overwrite(store.backend, memo_path(store), text)
    with pytest.raises(IntegrityError, match="not a memo"):
        store.memos.get("Cut", KEY)
