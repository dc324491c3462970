"""Draws and the population: bijections, shares, and lines that do not depend on their neighbors."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.synth.draws import chance, draw, even, key, pick, scatter, shuffle, weighted
from transforms.synth.history import LICENSES, UNKNOWN, observed_licenses, observed_visibilities
from transforms.synth.population import Population
from transforms.synth.yfcc100m import line_bytes, yfcc100m_lines

SEEDS = st.integers(0, 2**64)


@given(size=st.integers(1, 3_000), seed=SEEDS)
def test_shuffle_is_a_permutation(size: int, seed: int) -> None:
    assert np.array_equal(np.sort(shuffle(np.arange(size), size, key(seed, "s"))), np.arange(size))


@given(bits=st.integers(1, 12), seed=SEEDS)
def test_scatter_is_a_bijection(bits: int, seed: int) -> None:
    everything = np.arange(1 << bits)
    assert np.array_equal(np.sort(scatter(everything, bits, key(seed, "s"))), everything)


@given(seed=SEEDS, start=st.integers(0, 2**40))
def test_draws_keep_their_shares(seed: int, start: int) -> None:
    index = np.arange(start, start + 20_000)
    for drawn in (draw(seed, "a", index), even(seed, "b", index, 2)):
        assert abs(chance(drawn, 0.3).mean() - 0.3) < 0.025
        assert np.abs(np.bincount(pick(drawn, 10), minlength=10) / 20_000 - 0.1).max() < 0.02
        found = np.bincount(weighted(drawn, (1, 0, 3)), minlength=3) / 20_000
        assert np.abs(found - (0.25, 0, 0.75)).max() < 0.025
    assert not np.array_equal(draw(seed, "a", index), draw(seed, "b", index))


@settings(max_examples=30)
@given(rows=st.integers(1, 30_000), seed=SEEDS)
def test_every_item_has_a_line_an_owner_and_an_id_of_its_own(rows: int, seed: int) -> None:
    people = Population(seed, rows)
    item = np.arange(people.items)
    sizes = np.diff(people.starts)
    assert sizes.min() >= 1
    assert sizes.sum() == people.items
    assert np.array_equal(people.owner_of(item), np.repeat(np.arange(people.owners), sizes))
    lines = np.bincount(people.item_of_line(np.arange(rows)), minlength=people.items)
    assert lines.min() >= 1
    assert lines.sum() == rows
    numbers = people.item_number(np.arange(people.items + 10))
    assert len(np.unique(numbers)) == len(numbers)
    assert numbers.min() >= 10**7
    assert numbers.max() < 10**11
    nsids = people.nsid(np.arange(people.owners + 10)).to_pylist()
    assert len(set(nsids)) == len(nsids)
    assert all(re.fullmatch(r"[0-9]{7,11}@N0[0-9]", nsid) for nsid in nsids)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), seed=SEEDS, columns=st.sampled_from([23, 25]))
def test_a_line_does_not_depend_on_its_neighbors(data: st.DataObject, seed: int, columns: int) -> None:
    people = Population(seed, 5_000)
    low, middle, high = sorted(data.draw(st.lists(st.integers(4_000, 4_300), min_size=3, max_size=3)))
    whole = bytes(line_bytes(yfcc100m_lines(people, low, high, columns)))
    parts = [yfcc100m_lines(people, low, middle, columns), yfcc100m_lines(people, middle, high, columns)]
    assert b"".join(map(line_bytes, parts)) == whole
    # Also where the lines are a slice of an array.
    assert line_bytes(yfcc100m_lines(people, low, high, columns).slice(middle - low)) == line_bytes(parts[1])


@pytest.mark.parametrize(("rows", "seed"), [(300_000, 1), (1_000_000, 2)])
def test_shares_are_those_asked_for(rows: int, seed: int) -> None:
    people = Population(seed, rows)
    item = np.arange(people.items)
    owner = people.owner_of(item)
    then = people.license_then(item, owner)
    assert people.rows - people.items == rows * 3 // 1000
    assert abs(people.items / people.owners - 171) < 1
    assert np.diff(people.starts).max() > 20 * 171 > 171 > np.median(np.diff(people.starts))
    shares = np.bincount(then, minlength=6) / people.items
    assert np.abs(shares - (0.32, 0.27, 0.13, 0.12, 0.10, 0.06)).max() < 0.03
    assert abs(people.is_video(item).mean() - 0.008) < 0.001
    assert abs(people.has_no_cv(item).mean() - 0.002) < 0.0004
    assert abs(people.is_absent(item).mean() - 0.001) < 0.0003

    before, visible = then, np.zeros(len(item), np.int64)
    for snapshot in (0, 1):
        now = observed_licenses(people, item, owner, snapshot)
        known = now != UNKNOWN
        changed = (now != before) & known & (before != UNKNOWN)
        assert 0.008 < changed.mean() < 0.022
        assert 0 < (~known).mean() < 0.001
        assert LICENSES.index("all-rights-reserved") in now[changed]
        # Mostly whole owners: few of the changed items stand alone.
        assert changed[1:][(owner[1:] == owner[:-1]) & changed[:-1]].mean() > 0.6
        visibility = observed_visibilities(people, item, owner, snapshot)
        news = np.bincount(visibility[visible == 0], minlength=4) / people.items
        assert np.abs(news[1:] - (0.005, 0.007, 0.002)).max() < 0.002
        assert (visibility[visible == 2] == 2).all()
        before, visible = now, visibility
