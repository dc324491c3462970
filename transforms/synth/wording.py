"""What people write: titles, descriptions, tags and names, form-encoded as in YFCC100M.

``+`` is a space and every byte outside of letters, digits and ``.-*_`` a ``%xx``; only a bare ``"`` and a
bare U+2028, which a reader must take as data, break that rule. All texts are made up. They do not depend on
the seed; which item has which does.
"""

from __future__ import annotations

import functools
from urllib.parse import quote_plus

import numpy as np

from transforms.synth.cells import Cells
from transforms.synth.draws import I64, draw, pick, weighted

NO_CV_SPELLINGS = ("no_cv", "NO_CV", "nocv", "no+cv", "No-CV")

_TEXT = """
acorn alley anchor april archway attic autumn bakery balcony barn beach bicycle birch blossom boat bonfire
bridge brook cabin candle canyon carnival castle cathedral cat ceiling cellar chapel cherry church cliff
clock cloud coast concert corner cottage courtyard creek dance dawn desert dinner dog door dune dusk eclipse
engine evening fair farm feather fence fern ferry festival field fireworks fjord flower fog forest fountain
fox frost garden gate glacier goose grandma granite grass gull hallway harbor harvest heron hill horse house
iceland island ivy january jazz jetty kitchen kite ladder lake lamp lantern leaf library lighthouse lily
lobby luggage macro maple market meadow midnight mill mirror mist moon morning moss mountain mural museum
night oak ocean old orchard owl palace parade park party path pebble picnic pier pigeon pine platform plaza
pond poppy porch portrait puddle quarry railway rain reef reflection ridge river road roof rose ruins rust
sail sand school shadow shore sidewalk silhouette skate sky snow sparrow spring square stairs station statue
steam storm street summer sun sunset swan table temple terrace theater tide tower train tree trip tulip
tunnel valley village vine wall waterfall wave wedding wheel willow window winter wolf wood yard 2005 2007
2009 2011 2012 2013 35mm 50mm café crème forêt été hôtel niño mañana jardín straße brücke grün über ærø
smørrebrød žižkov łódź москва река 東京 京都 海辺 서울 القاهرة rock'n'roll don't b&w f/2.8 c++ #12 (two) 100%
x=y a;b rock,paper
"""
_WORDS = tuple(quote_plus(word, safe="*") for word in _TEXT.split())

# Valid, and each a trap for some reader.
_HOSTILE = (
    '"', 'the "best" one', '"unclosed', "%22quoted%22", "%22%2C%22", "bare\u2028separator",
    "line%E2%80%A8separator", "tab%09inside", "two%0D%0Alines", "%0A---%0Alicense%3A+cc0%0A---",
    "%3C%2Fscript%3E%3Cscript%3E", "%3Dcmd%7C%27+%2FC+calc%27%21A0", "%1B%5B31mred",
    "%E2%80%AEthgir+ot+tfel", "%EF%BB%BFmark", "%0Bvertical", "%5CN", "NULL", "null", "NaN", "-", "%2C", "+",
    "%25", "%2541", "0",
)  # fmt: skip

_DEVICES = tuple(
    quote_plus(name)
    for name in (
        *(f"Canon EOS {n}" for n in ("5D", "5D Mark II", "7D", "40D", "60D", "DIGITAL REBEL XT", "Kiss X3")),
        *(f"Canon PowerShot {n}" for n in ("A510", "S2 IS", "SD800 IS", "G9", "ELPH 310 HS")),
        *(f"NIKON CORPORATION NIKON {n}" for n in ("D40", "D70", "D90", "D300", "D3100", "D7000")),
        *(f"SONY DSC-{n}" for n in ("P10", "H5", "W80", "HX9V")),
        *(f"Panasonic DMC-{n}" for n in ("LX3", "FZ28", "ZS10", "GF1")),
        *(f"OLYMPUS IMAGING CORP. {n}" for n in ("E-510", "E-PL1", "SP-550UZ")),
        *(f"Apple iPhone{n}" for n in ("", " 3GS", " 4", " 4S", " 5")),
        *("PENTAX Corporation PENTAX K10D", "FUJIFILM FinePix S5700 ", "SAMSUNG GT-I9100", "Nokia N95"),
        *("EASTMAN KODAK COMPANY KODAK DX6490 ZOOM", "HTC Desire (unlocked)", "Scan, 35mm negative"),
    )
)


def _numbers(name: str, count: int, choices: int) -> I64:
    return pick(draw(0, f"wording: {name}", np.arange(count)), choices)


def _runs(name: str, lengths: I64, joint: str) -> list[str]:
    """One run of words for each length, joined by ``joint``."""
    words = iter(_numbers(name, int(lengths.sum()), len(_WORDS)).tolist())
    return [joint.join(_WORDS[next(words)] for _ in range(length)) for length in lengths.tolist()]


def _phrases(name: str, count: int, most_words: int) -> list[str]:
    return _runs(name, 1 + _numbers(f"{name}, lengths", count, most_words), "+")


def _sentences() -> list[str]:
    ends = ("", ".", "%21", "+%3A-%29", "%3F", ".%0A", "%0A%0A", ".+It%27s+here%3A")
    links = (
        *[""] * 12,
        "+%3Ca+href%3D%22http%3A%2F%2Fexample.org%2Falbum%22+rel%3D%22nofollow%22%3Ealbum%3C%2Fa%3E",
    )
    count = 2_048
    bodies = _runs("sentences", 5 + _numbers("sentence lengths", count, 12), "+")
    closes = zip(_numbers("links", count, len(links)), _numbers("ends", count, len(ends)), strict=True)
    return [
        body[:1].upper() + body[1:] + links[link] + ends[end]
        for body, (link, end) in zip(bodies, closes, strict=True)
    ]


def _paragraphs() -> list[str]:
    """Descriptions of one to 21 sentences, most of them short: up to about 2 kB."""
    count = 4_096
    sentences = _sentences()
    lengths = 1 + weighted(draw(0, "wording: paragraphs", np.arange(count)), [1 / (n + 2) for n in range(21)])
    chosen = iter(_numbers("paragraph sentences", int(lengths.sum()), len(sentences)).tolist())
    return ["+".join(sentences[next(chosen)] for _ in range(length)) for length in lengths.tolist()]


def _tag_runs(name: str, count: int, most: int) -> list[str]:
    return [",".join(sorted(run.split(","))) for run in _runs(name, 1 + _numbers(name, count, most), ",")]


class Wording:
    """The cells of every column of text."""

    def __init__(self) -> None:
        camera = [f"{head}{n:04d}" for head in ("IMG_", "DSC_", "DSC0", "P10") for n in range(10_000)]
        self.title = Cells(
            (0.045, [""]), (0.33, camera), (0.6245, _phrases("titles", 16_384, 6)), (0.0005, _HOSTILE)
        )
        self.title_end = Cells((0.5, [""]), (0.5, [f"+{phrase}" for phrase in _phrases("ends", 8_192, 2)]))
        self.description = Cells((0.76, [""]), (0.2396, _paragraphs()), (0.0004, _HOSTILE))
        self.description_end = Cells((1, [f"+{phrase}" for phrase in _phrases("closings", 8_192, 3)]))
        self.tags = Cells((0.355, [""]), (0.645, _tag_runs("tags", 16_384, 8)))
        tags_end = [f",{run}" for run in _tag_runs("more tags", 8_192, 6)]
        # What resembles `no_cv` and is not: a tag ends at a comma, not at an encoded one.
        alike = [",nocvs", ",piano_cv", ",no", ",cv", ",paris%2Cno_cv", ",%22quoted%22"]
        self.tags_end = Cells((0.4, [""]), (0.599, tags_end), (0.001, alike))
        self.no_cv = Cells((1, NO_CV_SPELLINGS))
        self.machine_tags = Cells(
            (0.994, [""]), (0.006, ["uploaded%3Aby%3Dinstagram", "upload%3Aby%3Dmobile,camera%3Aiso%3D400"])
        )
        self.device = Cells((0.13, [""]), (0.87, _DEVICES))
        self.nickname = Cells((0.6, _phrases("nicknames", 8_192, 2)), (0.4, _WORDS))
        self.nickname_end = Cells(
            (0.4, [""]), (0.4, [str(n) for n in range(1_000)]), (0.2, [f"+{w}" for w in _WORDS])
        )


@functools.cache
def wording() -> Wording:
    """The one :class:`Wording` of this process: its fifty thousand cells are made once."""
    return Wording()
