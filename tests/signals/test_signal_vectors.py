"""Every case of the table of vectors, from what was captured to the answer for the item."""

from __future__ import annotations

import pyarrow as pa
import pytest
from answers import DAY, answer, signaled
from vectors import VECTORS, Vector

from transforms.domain.purposes import BIT, spread_no
from transforms.domain.targets import TAGS_THAT_SAY_NO, normalize_tags
from transforms.signals import rules
from transforms.signals.c2pa import read_c2pa
from transforms.signals.headers import fields_of, read_headers
from transforms.signals.registry import read_registry
from transforms.signals.robots_txt import read_robots_txt
from transforms.signals.tdmrep import read_tdm_file


def read(vector: Vector) -> tuple[list[rules.Rule], str]:
    image = f"https://h.example{vector.path}"
    found: list[rules.Rule] = []
    if vector.headers is not None:
        found += read_headers(fields_of(vector.headers), rules.url(image), "ourbot", DAY)
    if vector.robots is not None:
        found += read_robots_txt(vector.robots.encode(), rules.host("https://h.example"), "ourbot", DAY)
    if vector.tdmrep is not None:
        found += read_tdm_file(vector.tdmrep.encode(), rules.host("https://h.example"), DAY)
    if vector.manifest is not None:
        found += read_c2pa(vector.manifest.encode(), rules.item("flickr", "7"), DAY)
    return found, image


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector.name}, {vector.purpose}")
def test_vector(vector: Vector) -> None:
    found, image = read(vector)
    assert answer(signaled(found, image), vector.purpose) == vector.answer
    spoken = [rule for rule in found if rule.evidence]
    if vector.fact != "ok":
        assert vector.fact in {rule.fact for rule in spoken}
    else:
        assert {rule.fact for rule in found} == {"ok"}
    assert any(vector.evidence in (rule.evidence or "") for rule in found)
    if vector.vocabulary:
        assert vector.vocabulary in {rule.vocabulary for rule in found}


def test_what_is_unreadable_flags_the_item() -> None:
    found = read_c2pa(b"error: no such file", rules.item("flickr", "7"), DAY)
    assert signaled(found, "https://h.example/x.jpg")["unreadable"]


def test_an_offer_that_is_known_and_free_is_a_yes() -> None:
    url = "https://h.example/policy.json"
    text = f'[{{"location": "/", "tdm-reservation": 1, "tdm-policy": "{url}"}}]'
    permission = {"free": '{"action": "tdm:mine"}', "paid": '{"action": "tdm:mine", "duty": [{}]}'}
    for kind, expected in (("free", "yes"), ("paid", "no")):
        offer = f'{{"@type": "Offer", "permission": [{permission[kind]}]}}'.encode()
        found = read_tdm_file(text, rules.host("https://h.example"), DAY, {url: offer})
        assert answer(signaled(found, "https://h.example/x.jpg"), "generative-training") == expected


def test_a_registry_says_no_and_never_yes() -> None:
    text = '{"urls": [{"url": "https://h.example/x.jpg", "optOut": %s}]}'
    for said, expected in (("true", "no"), ("false", "unknown")):
        found = read_registry(text % said, DAY)
        assert answer(signaled(found, "http://h.example/x.jpg"), "generative-training") == expected


@pytest.mark.parametrize("tag", ["no_cv", "no cv", "nocv", "NO_CV", "No-CV"])
def test_tags_that_say_no(tag: str) -> None:
    assert normalize_tags(pa.array([tag]))[0].as_py() in TAGS_THAT_SAY_NO
    assert int(spread_no(BIT["computer-vision"])) & BIT["face-recognition"]


@pytest.mark.parametrize("tag", ["nocvs", "piano_cv"])
def test_tags_that_only_look_like_it(tag: str) -> None:
    assert normalize_tags(pa.array([tag]))[0].as_py() not in TAGS_THAT_SAY_NO
