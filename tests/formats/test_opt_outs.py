"""Opt-out lists: all of what is written is found, or the list is refused with the lines that are not."""

import codecs
import csv
import datetime
import io
import itertools
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.optoutlists import entry, fault_in, merged, read

from transforms.domain.schemas import OPT_OUTS
from transforms.formats import lists
from transforms.formats.optouts.entries import merge_lists
from transforms.formats.optouts.rows import COLUMNS

GOLDEN = Path(__file__).parents[1] / "golden"


# Each kind's ways to write a few targets, so that the same one comes twice in other words.
WAYS = {
    "item": {
        "123": ["123", "https://www.flickr.com/photos/someone/123/", "flic.kr/p/38"],
        "45": ["45", "http://farm3.static.flickr.com/1/45_ab.jpg"],
    },
    "owner": {
        "123@N00": ["123@N00", "123%40N00", "https://flickr.com/people/123@N00/"],
        "9@N01": ["9@N01"],
    },
    "url": {
        "example.com/A": ["https://EXAMPLE.com/A/", "http://example.com/A#x"],
        "a.b/c": ["https://a.b/c"],
    },
    "tag": {"nocv": ["#no_cv", "tag:No CV"], "\u0436": ["#\u0416"]},
}
ENTRIES = [(kind, key, raw) for kind, keys in WAYS.items() for key, raws in keys.items() for raw in raws]
COLUMN_OF = {"item": "item_id", "owner": "owner_id", "url": "url", "tag": "tag"}
NEWLINES = st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"])


def expected(entries):
    return merged(entry(*each) for each in entries)


@given(
    entries=st.lists(st.sampled_from(ENTRIES)),
    newline=NEWLINES,
    space=st.sampled_from(["", " ", "\t"]),
    mark=st.booleans(),
    end=st.booleans(),
)
def test_text_lists_hold_what_is_written(entries, newline, space, mark, end):
    text = newline.join(space + raw + space for _, _, raw in entries) + (newline if end else "")
    table = read((codecs.BOM_UTF8 if mark else b"") + text.encode())
    assert table.schema == OPT_OUTS
    assert table.to_pylist() == expected(entries)


@settings(max_examples=40)
@given(
    rows=st.lists(st.lists(st.sampled_from(ENTRIES), max_size=3)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    newline=st.sampled_from(["\n", "\r\n"]),
    columns=st.permutations(COLUMNS),
)
def test_csv_lists_hold_what_is_written(rows, quoting, newline, columns):
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, quoting=quoting, lineterminator=newline)
    writer.writeheader()
    written = []
    for row in rows:
        cells = {"note": 'see "mail", all of it'} if row else {}
        for place, (kind, key, raw) in enumerate(row):
            into = {} if place == 2 else {COLUMN_OF[kind]: raw} if place == 0 else {"target": raw}
            into = into or {"kind": kind, "value": raw}
            if into.keys() <= cells.keys():
                continue
            cells |= into
            written.append((kind, key, raw))
        writer.writerow(cells)
    assert read(file.getvalue(), "list.csv").to_pylist() == expected(written)


@settings(max_examples=40)
@given(
    entries=st.lists(st.sampled_from(ENTRIES), min_size=1),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, 9), max_size=3),
)
def test_lists_are_one_whatever_their_order_and_number(entries, order, cuts):
    def text(some):
        return "\n".join(raw for _, _, raw in some)

    whole = read(text(entries))
    shuffled = entries.copy()
    order.shuffle(shuffled)
    edges = [0, *sorted(min(cut, len(entries)) for cut in cuts), len(entries)]
    parts = [read(text(shuffled[a:b])) for a, b in itertools.pairwise(edges)]
    order.shuffle(parts)
    assert merge_lists(parts).equals(whole)
    assert merge_lists([]).equals(OPT_OUTS.empty_table())


def test_entries_that_differ_in_more_than_their_spelling_all_stay():
    rows = [
        "5,search,,,,,,",
        "5,search commercial,,,,,,",
        "5,,withdrawn,,,,,",
        "5,,,2027-01-01,,,,",
        "5,,,,2027-01-01,,,",
        "5,,,,,form,,",
        "5,,,,,,me,",
        "5,,,,,,you,",
        "5,,,,,,,r1",
        "5,,,,,,,",
    ]
    header = "item_id,purposes,state,effective_on,expires_on,origin,requester,request\n"
    found = read(header + "\n".join([*rows, *rows]))
    assert len(found) == len(rows)
    assert merge_lists([read(header + row) for row in reversed(rows)]).equals(found)
    assert merge_lists([found, read("5", received_on=datetime.date(2026, 11, 11))]).num_rows == len(rows) + 1


def test_ids_are_of_the_datasets_platform_and_flickrs_of_flickr():
    rows = read(
        "item_id,owner_id,alias,name\n7,,,\n,12@N00,,\n,,ann,\n,,https://www.flickr.com/people/Bob/,\n"
        ",,,Flickr Fan\nhttps://flic.kr/p/38,,,\n",
        source="museum",
    ).to_pylist()
    assert {(row["kind"], row["source"], row["key"]) for row in rows} == {
        ("item", "museum", "7"),
        ("item", "flickr", "123"),
        ("owner", "flickr", "12@N00"),
        ("alias", "museum", "ann"),
        ("alias", "flickr", "bob"),
        # and as another platform's dataset holds Flickr's owners
        ("owner", "museum", "12@N00"),
        ("alias", "museum", "bob"),
        ("name", "museum", "flickr fan"),
    }


@settings(max_examples=40)
@given(
    size=st.integers(1, 40), entries=st.lists(st.sampled_from([*ENTRIES, None, ("", "", "")]), max_size=12)
)
def test_blocks_of_any_size_give_the_same_lines(size, entries):
    data = "".join(f"{entry[2] if entry else 'foo bar'}\r\n" for entry in entries).encode()
    good = b"".join(line for line in data.splitlines(keepends=True) if b"foo bar" not in line)
    with pytest.MonkeyPatch.context() as patch:
        whole, faults = read(good), [place for place, entry in enumerate(entries, 1) if entry is None]
        patch.setattr(lists, "_BLOCK_BYTES", size)
        assert read(good).equals(whole)
        if faults:
            lines = fault_in(data).splitlines()
            assert [line.split(":")[0] for line in lines] == [f"list.txt, line {place}" for place in faults]


@pytest.mark.parametrize("data", ["", "\n\n", codecs.BOM_UTF8, "item_id,note\n", "item_id,note\n,\n"])
def test_a_list_without_entries_is_an_empty_table(data):
    assert read(data).equals(OPT_OUTS.empty_table())


def test_the_faults_of_a_list_in_these_words():
    data = (GOLDEN / "opt_out_faults.csv").read_bytes()
    assert fault_in(data, "list.csv") + "\n" == (GOLDEN / "opt_out_faults.txt").read_text()


def test_only_the_first_faults_are_named_and_the_others_counted():
    lines = fault_in("123\n" + "foo bar\n" * 1000).splitlines()
    assert (
        lines[0] == "list.txt, line 2: 'foo bar' is not an item id, owner id, URL, host, content hash or #tag"
    )
    assert len(lines) == 21
    assert lines[-1] == "list.txt: and 980 more"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("item_ids\n1", "line 1: unknown column 'item_ids'. Did you mean 'item_id'?"),
        ("\n\nItem_ID\n1", "line 3: unknown column 'Item_ID'. Did you mean 'item_id'?"),
        ("item_id,xyz\n1,2", "line 1: unknown column 'xyz'. Columns are item_id, "),
        ("item_id;owner_id\n1;2", "line 1: unknown column 'item_id;owner_id'."),
        ("tag,tag\na,b", "line 1: column 'tag' comes twice"),
        ("kind,note\nitem,x", "line 1: columns 'kind' and 'value' go together"),
        ("note\nx", "line 1: no column names what is opted out."),
        ("123\n\xff".encode("latin-1"), "line 2: is not UTF-8"),
        ("123\n\ud800".encode("utf-8", "surrogatepass"), "line 2: is not UTF-8"),
        (b"123\n\xc0\xaf\n", "line 2: is not UTF-8"),
        (b"1\n2\0\n", "line 2: holds a NUL byte"),
        ("123\n".encode("utf-16"), "list.txt: is UTF-16; save it as UTF-8"),
        ("123\n".encode("utf-16-be"), "line 1: holds a NUL byte"),
        (b"PAR1\x15\x04", "line 1: 'PAR1\\x15\\x04' is not an item id"),
        ("1\r2\r3", "line 1: '1\\r2\\r3' is not an item id"),
        ("9" * 1_000_000, f"line 1: '{'9' * 80}'... (1,000,000 characters) is not an item id"),
        ("," * 200_000, "line 1: ',,,"),
        ('item_id,note\n1,"x\n2,y\n', "line 2: its quotes do not pair"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_the_place(data, words):
    assert words in fault_in(data)
    assert fault_in(data).startswith("list.txt")


def test_a_csv_without_a_header_that_is_known_is_refused():
    assert "unknown column 'photo'" in fault_in("photo,who\n1,2", "LIST.CSV")
    assert read("123\n45", "list.csv").num_rows == 2  # one id a line, under another name


def test_a_list_above_what_arrow_can_index_is_refused(monkeypatch):
    monkeypatch.setattr(lists, "_MOST_BYTES", 10)
    assert "split it into lists" in fault_in("1234567890\n")


def test_many_lines_are_a_matter_of_kernels():
    numbers = pa.array(range(1, 300_001)).cast(pa.string())
    data = "\n".join(numbers.to_pylist() * 2)
    table = read(data)
    assert table.num_rows == 300_000
    assert table["key"].to_pylist() == sorted(numbers.to_pylist())


SUSPICIOUS = ["*", "%", "^.+$", "foo*", "flickr.com", "p\u0430ypal", "https://example.com/*"]


@pytest.mark.parametrize("raw", SUSPICIOUS)
@pytest.mark.parametrize("line", ["{raw}", "target\n{raw}", "item_id\n{raw}", "name\n{raw}", "host\n{raw}"])
def test_what_is_suspicious_is_held_and_not_a_fault(raw, line):
    if raw == "flickr.com" and line.startswith("name"):
        return  # somebody's name may be anything
    data = line.format(raw=raw)
    rows = read(data + "\n").to_pylist()
    assert [(row["raw"], row["state"]) for row in rows] == [(raw, "held")]
    assert rows[0]["held_for"]
    kind = {"item_id": "item", "name": "name", "host": "host"}.get(data.split("\n")[0], rows[0]["kind"])
    assert rows[0]["kind"] == kind
    assert rows[0]["key"]


def test_what_is_suspicious_and_withdrawn_withdraws():
    rows = read("host,state\nflickr.com,withdrawn\nflickr.com,\n").to_pylist()
    assert [(row["state"], row["held_for"] is None) for row in rows] == [("held", False), ("withdrawn", True)]


def test_plain_names_in_any_script_are_not_held():
    rows = read("name\nAnn B.\n\u0410\u043d\u043d\u0430\n\u5c71\u7530\u592a\u90ce\nJos\u00e9\n").to_pylist()
    assert {row["state"] for row in rows} == {"active"}
