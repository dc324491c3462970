"""Errors: a branch for each thing an operator can do, and a way through any runner as text."""

import inspect
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain import errors
from transforms.domain.errors import ByleaveError, InputError, TooManyQuarantined, decode, encode

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ByleaveError)]
MARK = encode(ByleaveError(""))[:14]


def drawn():
    """(class, parent, code or None) of each line of the tree in the module's docstring."""
    lines = [line for line in errors.__doc__.splitlines() if re.search(r"^ +[│├└ ─]*[A-Z]\w+", line)]
    tree, above = [], {}
    for line in lines[: lines.index(next(line for line in lines if "CommitOutcomeUnknown" in line)) + 1]:
        found = re.search(r"([A-Z]\w+)(?: +(\d+)  )?", line)
        above = {at: name for at, name in above.items() if at < found.start()} | {found.start(): found[1]}
        parent = [above[at] for at in sorted(above)][-2:-1]
        tree.append((found[1], *parent, int(found[2]) if found[2] else None))
    return tree


def test_the_tree_is_drawn_as_it_is():
    (root, code), *branches = drawn()
    assert (root, code) == ("ByleaveError", None)
    assert [name for name, _, _ in branches] != []
    assert {root, *(name for name, _, _ in branches)} == {kind.__name__ for kind in CLASSES}
    for name, parent, code in branches:
        kind = getattr(errors, name)
        assert kind.__bases__ == (getattr(errors, parent),)
        own = vars(kind).get("exit_code")
        assert own == code, f"{name} is drawn with {code} and exits with {own}"


def test_each_branch_has_an_exit_code_of_its_own():
    codes = [kind.exit_code for kind in CLASSES if "exit_code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert ByleaveError.exit_code == 1
    assert TooManyQuarantined.exit_code == InputError.exit_code
    # 0 is success, 2 a command line that cannot be read, and from 126 on a code is the shell's.
    assert set(codes) == {1, 3, 4, 5, 6, 7, 8, 9}


def test_every_class_says_what_it_is_for():
    assert all(kind.__doc__ for kind in CLASSES)


NOISE = st.text().filter(lambda text: MARK.strip() not in text)


@pytest.mark.parametrize("kind", CLASSES)
@given(message=st.text(), before=NOISE, behind=NOISE)
def test_an_error_comes_out_of_a_runner_s_message(kind, message, before, behind):
    text = encode(kind(message))
    assert len(text.splitlines()) == 1
    assert text.isascii()
    found = decode(before + text + behind)
    assert type(found) is kind
    assert str(found) == message


@given(st.text(), st.text())
def test_the_first_of_several_errors_counts(one, other):
    text = f"RuntimeError: {encode(InputError(one))} [while running 'X'] {encode(ByleaveError(other))}"
    assert type(decode(text)) is InputError
    assert str(decode(text)) == one


@given(NOISE)
def test_noise_is_no_error(text):
    assert decode(text) is None


@given(st.text(), st.integers(0, 200))
def test_an_error_that_was_cut_short_is_none(message, length):
    whole = encode(InputError(message))
    assert decode(whole[: min(length, len(whole) - 1)]) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_only_begins_like_an_error_never_raises(value):
    found = decode(MARK + json.dumps(value))
    assert found is None or isinstance(value, list | str | dict)


def test_an_error_of_another_version_is_still_one():
    found = decode(MARK + '["NewerError", "the message"]')
    assert type(found) is ByleaveError
    assert str(found) == "the message"
