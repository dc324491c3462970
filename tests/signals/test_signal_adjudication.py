"""What signals come to: the same as rule by rule and row by row; and what stands of several days."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from answers import DAY, answer, rows_of, signaled
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracle_signals import expected, matches
from protego import Protego

from transforms.domain.purposes import BIT
from transforms.domain.schemas import SIGNALED, SIGNALS
from transforms.signals.adjudicate import STANDING, adjudicate, standing_signals
from transforms.signals.paths import longest, paths_of
from transforms.signals.registry import read_registry
from transforms.signals.robots_txt import group_for
from transforms.signals.rules import (
    FACTS,
    MECHANISMS,
    Rule,
    host,
    item,
    silent,
    table_of,
    unavailable,
    unreadable,
    url,
)

_SEGMENTS = st.lists(
    st.sampled_from(["a", "b", "img", "%41", "A", "%2f", "%40", "@", "é", "$", "*"]), max_size=3
)
_PATHS = _SEGMENTS.map(lambda segments: "/" + "/".join(segments))
_PATTERNS = st.tuples(_PATHS, st.sampled_from(["", "/", "*", "$", "*.jpg", "*.jpg$"])).map("".join)
_PLAIN_PATHS = st.lists(st.sampled_from(["a", "b", "img"]), max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
_PLAIN_PATTERNS = st.tuples(_PLAIN_PATHS, st.sampled_from(["", "/", "*", "$", "*.jpg", "*.jpg$"])).map(
    "".join
)
_HOSTS = st.sampled_from(["h.example", "H.example", "i.example"])
_PORTS = st.sampled_from(["", ":443", ":80"])
_TAILS = st.sampled_from(["", "/", "?x=1", "#top", ".jpg", "/a.jpg"])
_URLS = st.tuples(
    st.sampled_from(["https://", "http://"]), _HOSTS, st.sampled_from(["", ":443"]), _PATHS, _TAILS
).map("".join)
_ITEMS = st.lists(
    st.tuples(st.sampled_from("123"), st.none() | _URLS, st.none() | _URLS),
    min_size=1,
    unique_by=lambda row: row[0],
)
_BITS = st.sampled_from([0, 0, *BIT.values(), BIT["search"] | BIT["face-detection"]])
_WHERE = st.sampled_from(["", "https://", "http://"])
_SUBJECTS = st.one_of(
    st.builds(lambda scheme, name, port: host(scheme + name + port), _WHERE, _HOSTS, _PORTS),
    st.builds(url, _URLS),
    st.builds(item, st.just("flickr"), st.sampled_from("12")),
)
_DAYS = st.integers(0, 3).map(lambda days: DAY + datetime.timedelta(days))
_RULES = st.builds(
    lambda subject, mechanism, on, no, yes, fact, path: Rule(
        subject,
        mechanism,
        on,
        no=no if fact in FACTS[:2] else 0,
        yes=yes if fact in FACTS[:2] else 0,
        fact=fact,
        path=path if fact in FACTS[:2] else "/",
    ),
    _SUBJECTS,
    st.sampled_from(MECHANISMS),
    _DAYS,
    _BITS,
    _BITS,
    st.sampled_from(["ok", "ok", *FACTS]),
    _PATTERNS,
)


@given(
    _ITEMS,
    st.lists(_RULES, max_size=8),
)
def test_adjudicates_as_rule_by_rule(
    items: list[tuple[str, str | None, str | None]], rules: list[Rule]
) -> None:
    rows, signals = rows_of(*items), standing_signals(table_of(rules), datetime.date.max)
    found = adjudicate(rows, signals)
    assert found.schema == SIGNALED
    assert found.to_pylist() == expected(rows.to_pylist(), signals.to_pylist())


@given(st.lists(_RULES, max_size=10), _DAYS)
def test_what_stands_is_the_newest_answer(rules: list[Rule], on: datetime.date) -> None:
    standing = standing_signals(table_of(rules), on)
    assert standing.schema == STANDING
    seen = [rule for rule in table_of(rules).to_pylist() if rule["observed_on"] <= on]
    kept = []
    for rule in seen:
        kin = [
            each
            for each in seen
            if all(each[name] == rule[name] for name in ("kind", "source", "key", "mechanism"))
        ]
        by_anyone = {each["fact"] for each in kin}
        kin = [each for each in kin if each["authority"] == rule["authority"]]
        of = {fact: [each["observed_on"] for each in kin if each["fact"] == fact] for fact in FACTS}
        day = rule["observed_on"]
        answers = max(of["ok"] + of["malformed"], default=datetime.date.min)
        failures = max(of["unreadable"] + of["unavailable"], default=datetime.date.min)
        if rule["fact"] in ("ok", "malformed") and day == answers:
            kept.append({**rule, "stale": failures > answers})
        elif rule["fact"] == "unreadable" and day == max(of["unreadable"]) and day > answers:
            kept.append({**rule, "stale": failures > day})
        elif by_anyone == {"unavailable"} and day == failures:
            kept.append({**rule, "stale": True})
    assert standing.to_pylist() == kept


@settings(max_examples=40)
@given(st.lists(_RULES, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_snapshots_does_not_matter(rules: list[Rule], random: object) -> None:
    rows = rows_of(("1", "https://h.example/a", "https://i.example/img/a.jpg"))
    mixed = list(rules)
    random.shuffle(mixed)
    come_to = [
        adjudicate(rows, standing_signals(table_of(each), datetime.date.max)) for each in (rules, mixed)
    ]
    assert come_to[0] == come_to[1]


@settings(max_examples=40)
@given(st.lists(_RULES, max_size=6), _RULES)
def test_one_more_no_never_takes_a_no_away(rules: list[Rule], one: Rule) -> None:
    """But for a longer pattern or newer answer of the same mechanism, and for TDMRep's header."""
    others = [rule for rule in rules if rule.mechanism != one.mechanism and "tdmrep" not in rule.mechanism]
    rows = rows_of(("1", "https://h.example/a", "https://i.example/img/a.jpg"))
    before, after = (
        {row["row"]: row for row in adjudicate(rows, standing_signals(table_of(each), DAY)).to_pylist()}
        for each in (others, [*others, one])
    )
    for place, row in before.items():
        assert row["no"] & ~after[place]["no"] == 0
        assert after[place]["yes"] & row["no"] == 0


@given(_PATTERNS, _URLS)
@example("/a/b", "https://h.example/a%2fb")
@example("/%2a", "https://h.example/x")
@example("/a%24", "https://h.example/a")
def test_a_pattern_matches_as_it_does_letter_by_letter(pattern: str, address: str) -> None:
    path = "/" + address.partition("#")[0].partition("://")[2].partition("/")[2]
    found = [places.tolist() for places, _ in longest(paths_of(pa.array([address])), [pattern])]
    assert bool(found) == matches(pattern, path)


@given(
    st.lists(st.tuples(st.booleans(), _PLAIN_PATTERNS), min_size=1, unique_by=lambda line: len(line[1])),
    st.tuples(_PLAIN_PATHS, st.sampled_from(["", "/", ".jpg", "?x=1"])).map("".join),
)
def test_the_longest_pattern_decides_as_in_protego(lines: list[tuple[bool, str]], path: str) -> None:
    """But for ties, in which it lets `Allow` win; and it counts an escape as three letters."""
    text = "\n".join(f"{'Allow' if allow else 'Disallow'}: {pattern}" for allow, pattern in lines)
    address, patterns = f"https://h.example{path}", [pattern for _, pattern in lines]
    allowed = Protego.parse(f"User-agent: *\n{text}").can_fetch(address, "ourbot")
    deciding = [place for _, place in longest(paths_of(pa.array([address])), patterns)]
    assert allowed == (not deciding or lines[deciding[0]][0])


_AGENTS = st.sampled_from(["ourbot", "OurBot/1.0", "otherbot", "*"])


@given(st.lists(st.tuples(st.lists(_AGENTS, min_size=1, max_size=2), st.booleans()), max_size=4))
def test_the_group_that_speaks_is_protego_s(groups: list[tuple[list[str], bool]]) -> None:
    text = ""
    for place, (agents, comes_apart) in enumerate(groups):
        text += "".join(f"User-agent: {agent}\n" for agent in agents) + "# who\n\n" * comes_apart
        text += f"Disallow: /{place}/\n"
    read = Protego.parse(text.replace("/1.0", ""))
    wanted = [
        place for place in range(len(groups)) if not read.can_fetch(f"https://h.example/{place}/", "ourbot")
    ]
    assert [line.value for line in group_for(text, "OurBot")] == [f"/{place}/" for place in wanted]


def test_nothing_said_comes_to_nothing() -> None:
    rows = rows_of(("1", "https://h.example/a", None))
    assert len(adjudicate(rows, standing_signals(SIGNALS.empty_table(), DAY))) == 0
    assert len(adjudicate(rows.slice(0, 0), standing_signals(table_of([_rule(host("h.example"))]), DAY))) == 0
    assert signaled([silent(host("h.example"), "ai-txt", DAY)], "https://h.example/a")["no"] == 0


def test_a_source_that_is_down_keeps_its_answer() -> None:
    said_no = _rule(host("h.example"), path="/img/")
    down = unavailable(host("h.example"), "ai-txt", DAY + datetime.timedelta(1), "503")
    assert signaled([said_no, down], "https://h.example/img/1") == signaled(
        [said_no], "https://h.example/img/1"
    )
    later = signaled([said_no, down], "https://h.example/img/1", on=down.observed_on)
    assert later["stale"]
    assert answer(later, "generative-training") == "no"
    back = silent(host("h.example"), "ai-txt", DAY + datetime.timedelta(2))
    assert signaled([said_no, down, back], "https://h.example/img/1", on=back.observed_on)["no"] == 0


OTHERS = ["http://h.example", "http://h.example:8080", "https://h.example:8443", "h.example"]


@pytest.mark.parametrize("other", OTHERS)
def test_one_authority_s_answer_does_not_end_another_s(other: str) -> None:
    """What is not there on port 8080 is not gone from port 443 (RFC 9309, 2.3)."""
    robots, tomorrow = host("https://h.example"), DAY + datetime.timedelta(1)
    said_no = _rule(robots, path="/img/")
    nothing = silent(host(other), "ai-txt", tomorrow)
    longer = Rule(host(other), "ai-txt", tomorrow, path="/img/a")
    for rules in ([said_no, nothing], [said_no, longer], [said_no, nothing, longer]):
        said = signaled(rules, "https://h.example/img/a.jpg", on=tomorrow)
        assert answer(said, "generative-training") == "no"
    same = silent(host("HTTPS://H.example.:0443/ai.txt"), "ai-txt", tomorrow)
    assert (
        answer(signaled([said_no, same], "https://h.example/img/a.jpg", on=tomorrow), "search") == "unknown"
    )
    assert signaled([said_no, same], "https://h.example/img/a.jpg", on=tomorrow)["no"] == 0


def test_who_is_sent_on_to_another_scheme_met_no_outage() -> None:
    moved = unavailable(host("http://h.example"), "ai-txt", DAY, "status 301")
    said = signaled([moved, _rule(host("https://h.example"))], "https://h.example/img/1")
    assert (answer(said, "generative-training"), said["stale"]) == ("no", False)
    assert signaled([moved], "https://h.example/img/1")["stale"]


@pytest.mark.parametrize(("file", "wanted"), [("https://h.example", "yes"), ("http://h.example", "no")])
def test_a_header_beats_the_file_of_its_own_authority(file: str, wanted: str) -> None:
    header = Rule(url("https://h.example/a"), "tdmrep-header", DAY, yes=BIT["generative-training"])
    says_no = Rule(host(file), "tdmrep-file", DAY, no=BIT["computer-vision"])
    assert answer(signaled([header, says_no], "https://h.example/a"), "generative-training") == wanted


def test_garbage_takes_no_answer_back() -> None:
    garbled = unreadable(host("h.example"), "ai-txt", DAY + datetime.timedelta(1), "not text")
    said = signaled(
        [_rule(host("h.example"), "/img/"), garbled], "https://h.example/img/1", on=garbled.observed_on
    )
    assert (answer(said, "generative-training"), said["unreadable"], said["stale"]) == ("no", True, True)


@pytest.mark.parametrize("content", [None, b"<html>", b"[]", b'{"urls": 7}', b'{"error": "no such key"}'])
def test_a_registry_that_is_down_keeps_its_answers(content: bytes | None) -> None:
    text = '{"urls": [{"url": "https://h.example/x.jpg", "optOut": true}]}'
    tomorrow = DAY + datetime.timedelta(1)
    for asked in ([], ["https://h.example/x.jpg"]):
        rules = read_registry(text, DAY) + read_registry(content, tomorrow, asked=asked)
        said = signaled(rules, "https://h.example/x.jpg", on=tomorrow)
        assert (answer(said, "generative-training"), said["stale"]) == ("no", True)
        other = read_registry(text, DAY, registry="other") + read_registry(content, tomorrow)
        assert not signaled(other, "https://h.example/x.jpg", on=tomorrow)["stale"]


def test_an_answer_without_the_key_is_none() -> None:
    first = read_registry('{"urls": [{"url": "https://h.example/x.jpg", "optOut": true}]}', DAY)
    for answered in ('{"urls": [{"url": "https://h.example/x.jpg"}]}', '{"urls": []}'):
        tomorrow = DAY + datetime.timedelta(1)
        rules = first + read_registry(answered, tomorrow, asked=["https://h.example/x.jpg"])
        said = signaled(rules, "https://h.example/x.jpg", on=tomorrow)
        assert (answer(said, "generative-training"), said["stale"]) == ("no", True)


def test_answers_of_two_registries_stand_beside_each_other() -> None:
    text = '{"urls": [{"url": "https://h.example/x.jpg", "optOut": %s}]}'
    tomorrow = DAY + datetime.timedelta(1)
    rules = read_registry(text % "true", DAY) + read_registry(text % "false", tomorrow, registry="other")
    assert answer(signaled(rules, "https://h.example/x.jpg", on=tomorrow), "generative-training") == "no"


def _rule(subject: object, path: str = "/") -> Rule:
    return Rule(subject, "ai-txt", DAY, no=BIT["generative-training"], path=path)
