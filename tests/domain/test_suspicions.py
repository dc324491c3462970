"""What a person must look at: patterns, look-alikes, hosts of everybody; and whom it must not bother."""

# ruff: noqa: RUF001 (look-alikes are the matter here)

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.spellings import ALIASES, ITEM_IDS, NSIDS, aliases, items, owners

from transforms.domain.suspicions import suspicions

HELD = {
    "names nothing": ["", " ", "\t", None, "#", "tag:", "name:", "name: "],
    "is a pattern": [
        *(
            "*",
            "%",
            "%%",
            "^.+$",
            ".*",
            "^",
            "^a",
            "a$",
            "[a-z]+",
            r"\d+",
            "(a|b)*",
            "(?i)a",
            "a%",
            "%a",
            "a%b",
        ),
        *("foo*", "name:*", "name:%", "#*", "alias:a*", "*.example.com", "https://example.com/*.jpg"),
        *(
            "https://www.flickr.com/photos/*",
            "https://www.flickr.com/photos/12@N00/*",
            "12@N0%",
            "https://a.io/a%",
        ),
    ],
    "is a host of many people": [
        *("flickr.com", "FLICKR.com", "www.flickr.com", "https://www.flickr.com/", "farm3.staticflickr.com"),
        *("host:flic.kr", "https://flickr.com", "flickr.com.", "live.staticflickr.com:443", "i.imgur.com"),
        *(
            "upload.wikimedia.org",
            "blogspot.com",
            "www.tumblr.com",
            "co.uk",
            "https://com.au/",
            "host:com",
            ".com",
        ),
    ],
    "is an alias that looks like the id of an item": ["https://www.flickr.com/photos/52345678901/"],
    "mixes Cyrillic and Latin letters in a word": [
        *(
            "name:р\u0430ypal",
            "name:Jоhn Smith",
            "alias:Jоhn",
            "#саt",
            "fliсkr.com",
            "https://www.fliсkr.com/photos/a/1",
        ),
        *("xn--flikr-3ye.com", "https://XN--flikr-3ye.com/a", "flickr.com/photos/jоhn"),
    ],
    "mixes Greek and Latin letters in a word": ["name:pαul"],
    "mixes Cyrillic and Greek letters in a word": ["name:Αнна"],
    "passes for Latin letters, which it is not": [
        "name:раура",
        "name:аре",
        "#сосо",
        "name:ΑΒΕ",
        "name:ᎪᎡᎪ",
        "сосо.com",
    ],
    "holds characters that nobody sees": [
        *(
            "1\u202e2",
            "\ufeff123",
            "name:a\u200bb",
            "12\u200d3",
            "name:a\u00adb",
            "name:a\u3164b",
        ),
        *("https://exam\u200bple.com/a", "12345678\u2060@N00"),
    ],
}
LET_BY = [
    *(
        "name:Анна",
        "name:Сара Иванова",
        "name:山田太郎",
        "name:ヤマダ タロウ",
        "name:김철수",
        "name:Ελένη",
        "name:أحمد",
    ),
    *(
        "name:DJヒロ",
        "name:Zoë Müller",
        "name:Tóth Árpád",
        "name:Иванова (Anna)",
        "name:\U0001f469\u200d\U0001f467",
    ),
    *(
        "name:می\u200cخواهم",
        "name:नमस्ते",
        "name:José\u0301",
        "name:[Ben]",
        "name:a|b",
        "name:O'Neil (2)",
        "name:µTorrent",
    ),
    *(
        "#日本japan",
        "#Ж",
        "#no_cv",
        "tag:c++",
        "example.com",
        "bücher.de",
        "xn--bcher-kva.de",
        "joe.tumblr.com",
    ),
    *(
        "flickr.com.example",
        "notflickr.com",
        "https://example.com/%7Ejoe/a%20b",
        "https://example.com/a_(b)?c=d.e",
    ),
    *(
        "https://example.com/Анна-a/pαul",
        "12345678%40N00",
        "md5:" + "a" * 32,
        "https://flickr.com/photos/2001",
        "host:a.uk",
    ),
    *("...", ",,,,", "1\r2"),
    *("somebody", "photo.jpg", "https://com.example/a", "93.184.216.34"),
]


@pytest.mark.parametrize(("why", "value"), [(why, value) for why, values in HELD.items() for value in values])
def test_each_waits_for_a_person_and_is_told_why(why, value):
    assert suspicions(pa.array([value], pa.string())).to_pylist() == [why]


def test_people_are_not_kept_waiting_for_their_script_or_their_punctuation():
    assert dict(zip(LET_BY, suspicions(pa.array(LET_BY)).to_pylist(), strict=True)) == dict.fromkeys(LET_BY)


@settings(max_examples=40)
@given(
    st.lists(
        ITEM_IDS.flatmap(items)
        | NSIDS.flatmap(owners)
        | ALIASES.filter(lambda a: not a.isdigit()).flatmap(aliases)
    )
)
def test_no_spelling_of_an_item_or_owner_is_suspicious(values):
    assert suspicions(pa.array(values, pa.string())).null_count == len(values)


ANY = st.sampled_from([value for values in [*HELD.values(), LET_BY] for value in values]) | st.text(
    max_size=9
)


@settings(max_examples=40)
@given(st.lists(ANY, max_size=4), st.integers(0, 2))
def test_a_value_is_judged_by_itself_alone(values, skipped):
    column = pa.array(values, pa.string())[skipped:]
    alone = [suspicions(pa.array([value], pa.string()))[0].as_py() for value in values[skipped:]]
    assert suspicions(column).to_pylist() == alone
