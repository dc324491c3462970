from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.store.documents import canonical, digest

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=6)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def turned_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(value)}
    return [turned_round(each) for each in value] if isinstance(value, list) else value


@given(values)
def test_a_value_comes_back(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(values)
def test_a_value_has_one_spelling(value: Any) -> None:
    assert canonical(turned_round(value)) == canonical(value)
    assert canonical(json.loads(canonical(value))) == canonical(value)
    assert canonical(value).count(b"\n") == 1
    assert canonical(value).endswith(b"\n")


@given(values, values)
def test_other_values_have_another_digest(one: Any, other: Any) -> None:
    # True is 1 to Python, and not to JSON.
    assert (digest(one) == digest(other)) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_the_spelling_is_pinned() -> None:
    value = {"ü": [1, 2.5, None, True], "a": {"z": "\u2028", "b": "\n"}}
    assert canonical(value) == '{"a":{"b":"\\n","z":"\u2028"},"ü":[1,2.5,null,true]}\n'.encode()
    assert digest({}) == "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical([number])
