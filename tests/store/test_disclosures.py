from __future__ import annotations

import pytest

from pipelines.store.disclosures import Disclosure, Disclosures
from pipelines.store.store import Store
from transforms.disclosure import Cell, Pattern, Withheld
from transforms.domain.errors import IntegrityError

CELLS = {("2010", "kept"): Cell(40, 12), (None, "kept"): Cell(3, 3), ("2012", "kept"): Cell(11, 11)}
WITHHELD = Withheld(
    (Pattern({(None, "kept"): 1, ("2012", "kept"): 2}, 2),),
    (Pattern({(None, "kept"): 1}),),
    frozenset({("2010", "kept")}),
)


def disclosure(version: str, withheld: Withheld | None = WITHHELD) -> Disclosure:
    return Disclosure(
        version, "ab" * 32, 10, {"years": CELLS}, None if withheld is None else {"years": withheld}
    )


def log(store: Store) -> Disclosures:
    return Disclosures(store.backend, store.dataset.path)


def test_disclosures_come_back_in_their_order_and_are_written_once(store: Store) -> None:
    made = [disclosure("9"), disclosure("10", None), disclosure("8")]
    assert log(store).all() == []
    assert [log(store).add(number, each) for number, each in enumerate(made, 1)] == [True] * 3
    assert not log(store).add(2, disclosure("11"))
    assert log(store).all() == made
    assert store.releases.versions() == []


def test_one_that_is_missing_or_damaged_stops_the_next(store: Store) -> None:
    for number in (1, 2):
        log(store).add(number, disclosure(str(number)))
    first, second = (f"{store.dataset.path}/disclosures/0000000{number}.json" for number in (1, 2))
    store.backend.remove(first)
    with pytest.raises(IntegrityError, match="00000001.json: is missing"):
        log(store).all()
    store.backend.create(first, b'{"format":"byleave-disclosure/1"}')
    with pytest.raises(IntegrityError, match="not a disclosure"):
        log(store).all()
    store.backend.remove(second)
    store.backend.remove(first)
    store.backend.create(first, b"[]")
    with pytest.raises(IntegrityError, match="its format is None"):
        log(store).all()
