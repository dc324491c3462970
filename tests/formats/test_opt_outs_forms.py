"""Forms of opt-out lists other than text and CSV: JSON lines, registries, block lists, issue forms."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.optoutlists import entry, fault_in, merged, read

from transforms.domain.purposes import bits_of

TRAINING = bits_of(["generative-training", "discriminative-training"])
CELLS = st.fixed_dictionaries(
    {"item_id": st.sampled_from(["1", "23", "https://flic.kr/p/38"])},
    optional={
        "owner_id": st.sampled_from(["12@N00", "https://www.flickr.com/people/ann/"]),
        "purposes": st.sampled_from(["", "search", "search;commercial"]),
        "state": st.sampled_from(["active", "withdrawn"]),
        "request": st.sampled_from(["r-1", "r-2"]),
        "expires_on": st.just("2027-01-01"),
        "note": st.just("seen"),
    },
)


@settings(max_examples=40)
@given(st.lists(CELLS, min_size=1, max_size=5), st.booleans())
def test_json_lines_say_what_csv_says(rows, listed):
    def member(name, cell):
        if name == "purposes" and listed:
            return [each for each in cell.split(";") if each]
        return int(cell) if name == "item_id" and cell.isdigit() else cell

    names = sorted({name for row in rows for name in row})
    lines = [json.dumps({name: member(name, cell) for name, cell in row.items()}) for row in rows]
    table = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    # What was written tells a number from a page, and the CSV's cells are the same texts.
    assert read("\n".join(lines)).equals(read("\n".join(table)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"itemid": 1}', ": unknown member 'itemid'. Did you mean 'item_id'?"),
        ('{"item_id": 1.5}', ", item_id: 1.5 is not text"),
        ('{"item_id": true}', ", item_id: True is not text"),
        ('{"item_id": "1", "purposes": [1]}', ", purposes: [1] is not text"),
        ('{"item_id": "1", "item_id": "2"}', ": no JSON: an object has a member twice"),
        ('{"item_id": "1"', ": no JSON: "),
        ("[1]", ": is no JSON object: [1]"),
        ('{"kind": "item"}', ": 'kind' and 'value' go together"),
        ('{"note": "x"}', ": names nothing that is opted out"),
        ('{"url": ""} ', None),
        ('{"item_id": "foo bar"}', ", item_id: 'foo bar' is not an item id"),
    ],
)
def test_a_line_of_json_that_is_not_understood_is_a_fault(line, words):
    data = f'{{"item_id": "1"}}\n\n{line}\n{{"item_id": "2"}}\n'
    if words is None:  # nothing is written in it, as in a blank row of CSV
        assert read(data).num_rows == 2
    else:
        assert fault_in(data).startswith(f"list.txt, line 3{words}")


def test_json_that_is_no_list_is_refused():
    assert "cannot be read as JSON" in fault_in("{")
    assert "is no JSON object" in fault_in('[{"item_id": "1"}]')


ANSWERS = {
    "urls": [
        {"url": "https://example.org/a.jpg", "optOut": True, "more": 1},
        {"url": "https://live.staticflickr.com/1/123_ab.jpg", "optOut": True},
        {"url": "https://example.org/b.jpg", "optOut": False},
    ]
}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_registrys_answer_says_no_to_training_and_withdraws_what_it_no_longer_says(indent):
    def answer(kind, key, raw, state="active", **how):
        return entry(kind, key, raw, state=state, **{"purposes": TRAINING, "origin": "registry", **how})

    a, b, c = (each["url"] for each in ANSWERS["urls"])
    expected = [
        answer("url", "example.org/a.jpg", a),
        answer("item", "123", b),
        answer("url", "example.org/b.jpg", c, "withdrawn"),
    ]
    data = json.dumps(ANSWERS, indent=indent)
    assert read(data).to_pylist() == merged(expected)
    assert set(read(data, purposes=1, origin="spawning")["purposes"].to_pylist()) == {1}
    assert set(read(data, origin="spawning")["origin"].to_pylist()) == {"spawning"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"url": "https://a.b/c"}, ", urls[1].optOut: None is not true or false"),
        ({"url": "https://a.b/c", "optOut": "true"}, ", urls[1].optOut: 'true' is not true or false"),
        ({"optOut": True}, ", urls[1].url: None is not a URL"),
        ("https://a.b/c", ", urls[1].url: None is not a URL"),
        ({"url": "a.b", "optOut": True}, ", url: 'a.b' is not the URL of an item, owner or host"),
    ],
)
def test_an_answer_that_is_not_understood_is_a_fault(answer, words):
    urls = [ANSWERS["urls"][0], answer]
    assert fault_in(json.dumps({"urls": urls})) == f"list.txt, line 1{words}"


HOSTS = """\ufeff### A block list, #made with love

# [sites]
0.0.0.0 art.example.com\t www.Example.ORG. # both
127.0.0.1 localhost
127.0.0.1\timg.example.net
::1 ip6-localhost
  0.0.0.0 art.example.com
#0.0.0.0 not.example.com
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_block_list_names_hosts(newline):
    found = read(HOSTS.replace("\n", newline))
    assert found["kind"].unique().to_pylist() == ["host"]
    assert found["key"].to_pylist() == ["art.example.com", "img.example.net", "www.example.org"]
    assert found["purposes"].unique().to_pylist() == [0xFFFF]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "192.168.1.5 printer.example.com",
            ": '192.168.1.5 printer.example.com' is not a host behind 0.0.0.0",
        ),
        ("0.0.0.0", ": '0.0.0.0' is not a host behind 0.0.0.0"),
        ("example.com", ": 'example.com' is not a host behind 0.0.0.0"),
        ("0.0.0.0 exa/mple", ": 'exa/mple' is not a host"),
    ],
)
def test_a_line_of_a_block_list_that_blocks_no_host_is_a_fault(line, words):
    assert fault_in(f"0.0.0.0 a.example.com\n{line}\n").startswith(f"list.txt, line 2{words}")


FORM = """### Accounts

- https://www.flickr.com/photos/Somebody/
* 12345678@N00
<https://www.flickr.com/people/9@N01/>

### Items

1. 555
[a photo](https://www.flickr.com/photos/somebody/777/)

### Purposes

- [x] generative-training
- [ ] search
- [X] commercial

### Contact

ann@example.org

### Anything else?

_No response_
"""


def test_an_issue_form_is_one_request():
    found = read(FORM).to_pylist()
    assert [(row["kind"], row["key"]) for row in found] == [
        ("alias", "somebody"),
        ("item", "555"),
        ("item", "777"),
        ("owner", "12345678@N00"),
        ("owner", "9@N01"),
    ]
    assert len({row["request"] for row in found}) == 1
    assert {row["purposes"] for row in found} == {bits_of(["generative-training", "commercial"])}
    assert len({row["requester"] for row in found} - {None}) == 1
    assert "ann@" not in repr(found)
    again = FORM.replace("\n", "\r\n").replace("* 12345678@N00", "12345678%40N00")
    assert {row["request"] for row in read(again).to_pylist()} == {found[0]["request"]}
    other = FORM.replace("555", "556")
    assert {row["request"] for row in read(other).to_pylist()} != {found[0]["request"]}
    assert read("## Items\n5\n## Purposes\n- [ ] search\n")["purposes"].to_pylist() == [0xFFFF]
    named = read(FORM + "### Reference\n2026-17\n")
    assert named["request"].unique().to_pylist() == ["2026-17"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## Acounts\n1", "line 1: unknown heading 'Acounts'. Did you mean 'accounts'?"),
        ("## Accounts\nsomebody", "line 2, owner_id: 'somebody' is not an owner id"),
        (
            "## Accounts\n1@N00\n## Purposes\n- [x] serch\n",
            "line 4, purposes: 'serch' holds 'serch', which is no purpose. Did you mean 'search'?",
        ),
        (
            "## Accounts\n_No response_\n## Purposes\nsearch",
            "list.txt: the form names no account and no item",
        ),
    ],
)
def test_a_form_that_is_not_understood_is_refused(text, words):
    assert words in fault_in(text)
