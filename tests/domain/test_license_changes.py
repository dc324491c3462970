"""What changes mean: cases that people know, the laws of the order over all pairs, the columnar forms."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.license_changes import (
    DIRECTIONS,
    compare,
    directions,
    directions_table,
    strictest_first,
)
from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    UNKNOWN,
    US_GOVERNMENT_WORK,
)

IDS = [*sorted(LICENSES), UNKNOWN]


@pytest.mark.parametrize(
    ("then", "now", "direction"),
    [
        ("CC-BY-2.0", "CC-BY-2.0", "same"),
        ("CC-BY-2.0", "CC-BY-4.0", "version_change"),
        ("CC-BY-4.0", "CC-BY-2.0", "version_change"),
        ("CC-BY-NC-ND-1.0", "CC-BY-NC-ND-2.0", "version_change"),  # by-nd-nc, renamed
        ("CC-BY-2.0-FR", "CC-BY-3.0-DE", "version_change"),
        ("CC-SAMPLING-PLUS-1.0", "CC-SAMPLING-PLUS-1.0-DE", "jurisdiction_change"),
        ("CC-BY-3.0", "CC-BY-3.0-DE", "jurisdiction_change"),
        ("CC-BY-NC-ND-2.0", "CC-BY-NC-2.0", "relaxation"),
        ("CC-BY-ND-2.0", "CC-BY-SA-2.0", "relaxation"),
        ("CC-BY-NC-ND-2.0", "CC-BY-4.0", "relaxation"),
        ("CC-BY-4.0", "CC0-1.0", "relaxation"),
        ("CC-BY-SA-1.0", "CC-SA-1.0", "relaxation"),
        ("CC-BY-2.0", "CC-BY-SA-2.0", "restriction"),
        ("CC-PDM-1.0", "CC-BY-NC-ND-3.0-GR", "restriction"),
        ("CC-BY-ND-2.0", "CC-BY-NC-2.0", "incomparable"),
        ("CC0-1.0", "CC-PDM-1.0", "incomparable"),
        ("CC-PDM-1.0", US_GOVERNMENT_WORK, "incomparable"),
        ("CC-PDM-1.0", NO_KNOWN_COPYRIGHT_RESTRICTIONS, "incomparable"),
        ("CC-BY-2.0", "CC-SAMPLING-1.0", "incomparable"),
        ("CC-BY-2.0", ALL_RIGHTS_RESERVED, "withdrawn"),
        ("CC-DEVNATIONS-2.0", ALL_RIGHTS_RESERVED, "withdrawn"),
        (ALL_RIGHTS_RESERVED, "CC-BY-2.0", "relaxation"),
        (ALL_RIGHTS_RESERVED, ALL_RIGHTS_RESERVED, "same"),
        (UNKNOWN, UNKNOWN, "unknown"),
        (UNKNOWN, "CC-BY-2.0", "unknown"),
        ("CC-BY-2.0", "no such id", "unknown"),
    ],
)
def test_known_changes(then: str, now: str, direction: str) -> None:
    assert compare(then, now) == direction


class ByHand:
    """The rule once more, a pair at a time, from what each license grants."""

    def __init__(self) -> None:
        self.tool = {name: sorted(terms.unit.split("-")) for name, terms in LICENSES.items() if terms.unit}
        self.freedoms = {
            name: (
                terms.commercial_use,
                terms.derivatives,
                terms.derivatives and not terms.share_alike,
                not terms.attribution,
            )
            for name, terms in LICENSES.items()
            if terms.public_domain or (terms.unit and set(self.tool[name]) <= {"by", "nc", "nd", "sa"})
        }

    def compare(self, then: str, now: str) -> str:
        if UNKNOWN in (then, now):
            return "unknown"
        if then == now:
            return "same"
        if ALL_RIGHTS_RESERVED in (then, now):
            return "withdrawn" if now == ALL_RIGHTS_RESERVED else "relaxation"
        if then in self.tool and self.tool[then] == self.tool.get(now):
            is_other = LICENSES[then].version != LICENSES[now].version
            return "version_change" if is_other else "jurisdiction_change"
        if then not in self.freedoms or now not in self.freedoms:
            return "incomparable"
        pairs = [*zip(self.freedoms[then], self.freedoms[now], strict=True)]
        gained, lost = (False, True) in pairs, (True, False) in pairs
        return {(True, False): "relaxation", (False, True): "restriction"}.get((gained, lost), "incomparable")


@pytest.fixture(scope="module")
def matrix():
    """The number of the direction of every pair of licenses, ``unknown`` last."""
    numbers = {direction: number for number, direction in enumerate(DIRECTIONS)}
    column = directions_table()["direction"].combine_chunks()
    named = np.array([numbers[direction] for direction in column.dictionary.to_pylist()])
    return named[column.indices.to_numpy()].reshape(len(IDS), len(IDS))


def is_a(matrix, *names):
    return np.isin(matrix, [DIRECTIONS.index(name) for name in names])


def test_the_table_is_every_pair_once_and_as_by_hand() -> None:
    table = directions_table()
    by_hand = ByHand()
    rows = [(then, now, by_hand.compare(then, now)) for then, now in itertools.product(IDS, repeat=2)]
    assert {direction for _, _, direction in rows} == set(DIRECTIONS)
    for name, column in zip(table.column_names, zip(*rows, strict=True), strict=True):
        assert table[name].cast(pa.string()).combine_chunks() == pa.array(column), name


def test_only_a_license_is_the_same_as_itself(matrix) -> None:
    known = np.arange(len(IDS)) < len(LICENSES)
    assert (is_a(matrix, "same") == np.diag(known)).all()
    assert (is_a(matrix, "unknown") == ~(known[:, None] & known[None, :])).all()


def test_what_is_undone_has_its_inverse(matrix) -> None:
    assert (is_a(matrix, "restriction", "withdrawn") == is_a(matrix, "relaxation").T).all()
    for symmetric in ("same", "version_change", "jurisdiction_change", "incomparable", "unknown"):
        assert (is_a(matrix, symmetric) == is_a(matrix, symmetric).T).all()
    reserved = IDS.index(ALL_RIGHTS_RESERVED)
    assert (is_a(matrix, "withdrawn").sum(axis=0) > 0).nonzero()[0].tolist() == [reserved]


def test_freer_than_freer_is_freer(matrix) -> None:
    # Two steps, counted as paths: each pair that one leads to must be a step itself.
    freer = is_a(matrix, "relaxation").astype(np.float32)
    assert not ((freer @ freer > 0) & ~freer.astype(bool)).any()
    assert not (freer.astype(bool) & freer.astype(bool).T).any()


def test_other_words_for_the_same_terms_are_no_step_in_the_order(matrix) -> None:
    """Versions and jurisdictions of a tool are one class, and all of a class stand alike to all others."""
    alike = is_a(matrix, "same", "version_change", "jurisdiction_change")
    assert (alike == alike.T).all()
    assert ((alike.astype(np.float32) @ alike.astype(np.float32) > 0) == alike).all()
    freer = is_a(matrix, "relaxation")
    for row in range(len(LICENSES)):
        assert (freer[alike[row]] == freer[row]).all()


def test_what_is_freer_grants_whatever_was_granted(matrix) -> None:
    granted = np.array([(t.copying, t.commercial_use, t.derivatives) for _, t in sorted(LICENSES.items())])
    for row, column in np.argwhere(is_a(matrix, "relaxation")[:-1, :-1]):
        assert (granted[row] <= granted[column]).all(), (IDS[row], IDS[column])


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, UNKNOWN, "no such id", *IDS[:9], ALL_RIGHTS_RESERVED]),
        st.sampled_from([None, UNKNOWN, *IDS[5:12], ALL_RIGHTS_RESERVED]),
    )
)


@given(ROWS, st.integers(0, 3))
def test_directions_are_compare_row_for_row(rows, skipped) -> None:
    then = pa.array([a for a, _ in rows], pa.string())[skipped:]
    now = pa.array([b for _, b in rows], pa.string())[skipped:]
    want = [compare(a or UNKNOWN, b or UNKNOWN) for a, b in rows[skipped:]]
    assert directions(then, now).to_pylist() == want
    assert directions(then.dictionary_encode(), pa.chunked_array([now[:1], now[1:]])).to_pylist() == want


def test_a_null_in_a_dictionary_is_unknown() -> None:
    then = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["CC-BY-2.0", None]))
    assert directions(then, pa.array(["CC-BY-2.0"] * 3)).to_pylist() == ["same", "unknown", "unknown"]


def test_what_is_stricter_comes_first() -> None:
    ids = [*LICENSES, "unknown"]
    ordered = sorted(ids, key=strictest_first)
    assert ordered[:2] == ["unknown", "all-rights-reserved"]
    place = {name: number for number, name in enumerate(ordered)}
    for then, now in itertools.product(ids, ids):
        direction = compare(then, now)
        if direction in ("relaxation", "restriction", "withdrawn"):
            assert (place[then] < place[now]) == (direction == "relaxation")
