"""Purposes as an algebra: a no spreads down and a yes up, and never by itself to what is about people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.purposes import (
    ALL,
    BIT,
    BROADER,
    PEOPLE_SENSITIVE,
    PURPOSES,
    bits_of,
    broader_or_same,
    names_of,
    spread_no,
    spread_yes,
)

names = st.frozensets(st.sampled_from(PURPOSES))
sets = st.integers(0, ALL)


def no(bits: int) -> int:
    return int(spread_no(np.array([bits], np.uint16))[0])


def yes(bits: int) -> int:
    return int(spread_yes(np.array([bits], np.uint16))[0])


def no_by_definition(stated: frozenset[str]) -> set[str]:
    """All purposes one of whose broader ones, or which itself, somebody said no to."""
    return {each for each in PURPOSES if stated & set(broader_or_same(each))}


def yes_by_definition(stated: frozenset[str]) -> set[str]:
    return {*stated} | {
        broader for each in stated for broader in broader_or_same(each) if broader not in PEOPLE_SENSITIVE
    }


@given(names)
def test_they_spread_as_defined(stated: frozenset[str]) -> None:
    assert set(names_of(no(bits_of(stated)))) == no_by_definition(stated)
    assert set(names_of(yes(bits_of(stated)))) == yes_by_definition(stated)


@pytest.mark.parametrize("spread", [no, yes])
@given(some=sets, more=sets)
def test_both_are_closures(spread: object, some: int, more: int) -> None:
    assert callable(spread)
    assert spread(some) & some == some  # extensive
    assert spread(spread(some)) == spread(some)  # idempotent
    assert spread(some | more) == spread(some) | spread(more)  # whatever came first
    assert spread(0) == 0
    assert spread(ALL) == ALL


@given(st.sampled_from(PURPOSES), st.sampled_from(PURPOSES))
def test_a_yes_is_the_contrapositive_of_a_no(one: str, other: str) -> None:
    """If a no to `one` forbids `other`, leave for `other` entails leave for `one`: except about people."""
    forbids = bool(no(BIT[one]) & BIT[other])
    entails = bool(yes(BIT[other]) & BIT[one])
    assert entails == (forbids and (one not in PEOPLE_SENSITIVE or one == other))


@given(sets)
def test_a_yes_never_reaches_a_purpose_about_people_that_it_does_not_name(stated: int) -> None:
    about_people = bits_of(PEOPLE_SENSITIVE)
    assert yes(stated) & about_people == stated & about_people


@given(st.lists(sets, max_size=20))
def test_sets_are_spread_each_on_its_own(stated: list[int]) -> None:
    bits = np.array(stated, np.uint16)
    assert spread_no(bits).tolist() == [no(each) for each in stated]
    assert spread_yes(bits).tolist() == [yes(each) for each in stated]
    assert bits.tolist() == stated  # and what was stated stays


def test_purposes_are_a_forest_and_all_of_them_have_a_bit_of_their_own() -> None:
    assert len(PURPOSES) <= 16
    assert sum(BIT.values()) == bits_of(PURPOSES) <= ALL
    for purpose in PURPOSES:
        line = broader_or_same(purpose)
        assert len({*line}) == len(line)
        assert line[-1] not in BROADER
    assert [each for each in PURPOSES if not set(PEOPLE_SENSITIVE).isdisjoint(broader_or_same(each))] == [
        *PEOPLE_SENSITIVE
    ]


def test_no_cv_is_a_no_to_all_that_look_at_images_by_machine() -> None:
    assert names_of(no(BIT["computer-vision"])) == [
        "generative-training",
        "discriminative-training",
        "ai-inference",
        "computer-vision",
        "face-detection",
        "face-recognition",
        "biometric-annotation",
    ]


def test_all_covers_purposes_that_do_not_exist_yet() -> None:
    assert no(ALL) == ALL
    assert ALL & ~bits_of(PURPOSES)
