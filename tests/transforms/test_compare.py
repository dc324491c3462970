"""Comparing: what became of each item, as looking each one up tells."""

import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import TWISTS, cuts, in_chunks, manifest_row, manifests, shapes, table, worlds

from transforms.compare import NOT_IN_MANIFEST, compare
from transforms.domain.reasons import BIT, REASONS
from transforms.domain.schemas import EXCLUDED, ITEMS


def items(world):
    rows = manifests(world, max_size=8, unique=True)
    return rows.map(lambda some: [kept(row) for row in some])


def kept(row):
    return {**row, "license_then": row["license"], "license_now": row["license"]}


def left_out(row, reason):
    identity = {name: row[name] for name in ("source", "item_id", "owner_id")}
    return {**identity, "first_reason": reason, "reasons": BIT[reason]}


@st.composite
def releases(draw):
    """Rows of an older release, of a newer one, and what the newer left out; most items in both."""
    world = draw(worlds())
    before, after = draw(items(world)), draw(items(world))
    stayed = [row for row in before if draw(st.booleans())]
    kept_on = {oracle.pair(row) for row in stayed}
    after = stayed + [row for row in after if oracle.pair(row) not in kept_on]
    present = {oracle.pair(row) for row in after}
    gone = [row for row in before if oracle.pair(row) not in present and draw(st.booleans())]
    excluded = [left_out(row, draw(st.sampled_from(REASONS))) for row in gone]
    return before, draw(st.permutations(after)), excluded


def changes(before, after, excluded, shape="plain"):
    made = compare(table(before, ITEMS, shape), table(after, ITEMS, shape), table(excluded, EXCLUDED, shape))
    return made.added, made.removed, made.changed, dict(made.removed_for)


@given(releases(), shapes())
def test_changes_are_what_looking_up_each_item_tells(made, shape):
    before, after, excluded = made
    found = changes(before, after, excluded, shape)
    assert found == oracle.compare(before, after, excluded)
    assert sum(found[3].values()) == found[1]
    assert len(before) - found[1] + found[0] == len(after)


@given(releases(), cuts())
def test_chunks_do_not_matter(made, ends):
    before, after, excluded = (
        in_chunks(table(rows, schema), ends)
        for rows, schema in zip(made, (ITEMS, ITEMS, EXCLUDED), strict=True)
    )
    found = compare(before, after, excluded)
    assert (found.added, found.removed, found.changed, dict(found.removed_for)) == oracle.compare(*made)


@given(releases())
def test_a_release_does_not_differ_from_itself(made):
    assert changes(made[0], made[0], made[2]) == (0, 0, 0, {})
    assert changes(made[0], [], [])[:3] == (0, len(made[0]), 0)
    assert changes([], made[0], [])[:3] == (len(made[0]), 0, 0)


@pytest.mark.parametrize(("name", "value"), TWISTS)
def test_a_change_in_any_one_column_is_seen(name, value):
    before = [kept(manifest_row("flickr", str(n), "a", [])) for n in range(3)]
    after = [*before[:2], {**before[2], name: value}]
    for one, other in ((before, after), (after, before)):
        for shape in ("plain", "dictionaries"):
            assert changes(one, other, [], shape) == (0, 0, 1, {})


@pytest.mark.parametrize(
    ("one", "other"), [(None, []), ([], [""]), (["a", "b"], ["a\x1fb"]), (["a\x1fb", "c"], ["a", "b\x1fc"])]
)
def test_lists_that_look_alike_are_told_apart(one, other):
    before, after = ([kept(manifest_row("flickr", "1", "a", [("tags", tags)]))] for tags in (one, other))
    assert changes(before, after, []) == (0, 0, 1, {})


def test_what_is_gone_without_a_reason_is_not_in_the_manifest():
    before = [kept(manifest_row("flickr", item, "a", [])) for item in "123"]
    excluded = [left_out(before[0], "opt_out_owner"), left_out({**before[1], "source": "commons"}, "private")]
    found = changes(before, before[2:], excluded)
    assert found == (0, 2, 0, {"opt_out_owner": 1, NOT_IN_MANIFEST: 1})
