"""Lines of a synthetic YFCC100M manifest: 23 columns, or the later form's 25; no header, tabs, no quoting.

A line is one template whose gaps are filled column by column; nothing runs row by row. The columns: photo
id, owner's NSID, nickname, date taken, date uploaded, device, title, description, tags, machine tags,
longitude, latitude, accuracy, page URL, download URL, license name, license URL, server, farm, secret,
original's secret, extension, marker (1: video). The later form starts with a line number and has the photo's
MD5 third.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.keys import U64
from transforms.synth.cells import is_empty
from transforms.synth.draws import I64, chance, draw, pick
from transforms.synth.population import INGEST_LICENSES, Population
from transforms.synth.wording import wording

COLUMNS = (23, 25)

_WORDS_OF_NAMES = {"BY": "Attribution", "NC": "NonCommercial", "ND": "NoDerivs", "SA": "ShareAlike"}

_UPLOADS_FROM = np.datetime64("2004-02-10", "s").astype(np.int64)
_UPLOADS_SECONDS = np.datetime64("2014-04-30", "s").astype(np.int64) - _UPLOADS_FROM
_DAY = 86_400
_FIRST_DAY = np.datetime64("2002-01-01", "D")
_DAYS = int((np.datetime64("2014-05-01", "D") - _FIRST_DAY).astype(np.int64))
_ABSURD_DAYS = ("1864-11-03", "4501-01-01", "1980-01-01")
_ABSURD_SHARE = 0.001
_GEO_SHARE = 0.14
_PLACES = 4_096


def _license_name(license_id: str) -> str:
    return "-".join(_WORDS_OF_NAMES[element] for element in license_id.split("-")[1:-1]) + " License"


def _license_url(license_id: str) -> str:
    elements, version = license_id.removeprefix("CC-").lower().rsplit("-", 1)
    return f"http://creativecommons.org/licenses/{elements}/{version}/"


_LICENSES = pa.array([f"{_license_name(each)}\t{_license_url(each)}" for each in INGEST_LICENSES])
_PATHS = pa.array(["photos/", "videos/"])
_HOSTS = pa.array(
    [*(f"http://farm{farm}.staticflickr.com/" for farm in range(1, 10)), "http://www.flickr.com/videos/"]
)
_MIDDLES = pa.array(["_", "/play/orig/"])
_ENDS = pa.array([".jpg", ".png", "/"])
_TAILS = pa.array([f"\t{extension}\t{marker}\n" for marker in (0, 1) for extension in ("jpg", "png")])


@functools.cache
def _clock() -> tuple[pa.Array, pa.Array]:
    """Every day, the absurd ones last, and every second of a day, as text."""
    days = np.datetime_as_string(_FIRST_DAY + np.arange(_DAYS))
    seconds = range(_DAY)
    return (
        pa.array([*days.tolist(), *_ABSURD_DAYS]),
        pa.array([f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.0" for s in seconds]),
    )


@functools.cache
def _hex_digits() -> npt.NDArray[np.uint32]:
    """The four hexadecimal digits of every 16-bit number, as the four bytes of a word."""
    return np.frombuffer("".join(f"{n:04x}" for n in range(1 << 16)).encode(), np.uint32)


def _hex(words: list[U64], digits: int) -> pa.Array:
    """``words`` side by side as text of ``digits`` hexadecimal digits a row."""
    lookup = _hex_digits()
    shifts = [np.uint64(shift) for shift in (48, 32, 16, 0)]
    parts = [
        lookup[((word >> shift) & np.uint64(0xFFFF)).astype(np.int64)] for word in words for shift in shifts
    ]
    text = np.ascontiguousarray(np.stack(parts, axis=1).view(np.uint8)[:, :digits])
    offsets = np.arange(len(text) + 1, dtype=np.int32) * digits
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(text))


@functools.cache
def _geography() -> tuple[pa.Array, pa.Array, pa.Array]:
    """Longitudes and latitudes of places to a hundredth of a degree, and the four digits that follow.

    Place 0 and digits 0 are the empty cell of a photo without one.
    """
    drawn = draw(0, "places", np.arange(_PLACES))
    longitude = (pick(drawn, 36_000) - 18_000).tolist()
    latitude = (pick(drawn << np.uint64(32), 13_000) - 5_500).tolist()

    def text(hundredths: int) -> str:
        return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"

    return (
        pa.array(["", *map(text, longitude)]),
        pa.array(["", *map(text, latitude)]),
        pa.array(["", *(f"{n:04d}".rstrip("0") for n in range(10_000))]),
    )


def server_ids(people: Population, item: I64) -> I64:
    """The number of the server that holds each item's image."""
    return 2 + pick(draw(people.seed, "server", item), 9_400)


def secrets(people: Population, item: I64) -> pa.Array:
    """The ten hexadecimal digits in each item's image URL, as string."""
    return _hex([draw(people.seed, "secret", item)], 10)


def _number(values: I64) -> pa.Array:
    return pc.cast(pa.array(values), pa.string())


def _nicknames(people: Population, owner: I64) -> list[pa.Array]:
    words = wording()
    return [
        words.nickname.choose(people.seed, "nickname", owner),
        words.nickname_end.choose(people.seed, "nickname end", owner),
    ]


def _dates(people: Population, item: I64) -> list[pa.Array | str]:
    uploaded = _UPLOADS_FROM + pick(draw(people.seed, "uploaded", item), int(_UPLOADS_SECONDS))
    # Most photos are uploaded within days, some after years; the day is the local one of the camera.
    lag = draw(people.seed, "lag", item)
    taken = uploaded - np.where(
        chance(lag, 0.85), pick(lag << np.uint64(32), 20 * _DAY), pick(lag, 700 * _DAY)
    )
    day = taken // _DAY - _FIRST_DAY.astype(np.int64)
    second = taken % _DAY
    absurd = draw(people.seed, "absurd date", item)
    is_absurd = chance(absurd, _ABSURD_SHARE)
    which = pick(absurd << np.uint64(32), len(_ABSURD_DAYS))
    days, seconds = _clock()
    return [
        days.take(pa.array(np.where(is_absurd, _DAYS + which, day))),
        seconds.take(pa.array(np.where(is_absurd, 0, second))),
        "\t",
        _number(uploaded),
    ]


def _texts(people: Population, item: I64, owner: I64) -> list[pa.Array | str]:
    words, seed = wording(), people.seed
    # An owner has up to three devices.
    device = words.device.choose(seed, "device", owner * 3 + pick(draw(seed, "which device", item), 3))
    title = words.title.choose(seed, "title", item)
    description = words.description.choose(seed, "description", item)
    tags = words.tags.choose(seed, "tags", item)
    tagged = ~is_empty(tags)
    no_cv = people.has_no_cv(item)
    first = no_cv & chance(draw(seed, "no_cv first", item), 0.5)
    comma = pa.array(["", ","])
    return [
        device,
        "\t",
        title,
        words.title_end.choose(seed, "title end", item, where=~is_empty(title)),
        "\t",
        description,
        words.description_end.choose(seed, "description end", item, where=~is_empty(description)),
        "\t",
        words.no_cv.choose(seed, "no_cv spelling", item, where=first),
        comma.take(pa.array((first & tagged).astype(np.int8))),
        tags,
        words.tags_end.choose(seed, "tags end", item, where=tagged),
        comma.take(pa.array((no_cv & ~first & tagged).astype(np.int8))),
        words.no_cv.choose(seed, "no_cv spelling", item, where=no_cv & ~first),
        "\t",
        words.machine_tags.choose(seed, "machine tags", item),
    ]


def _place(people: Population, item: I64) -> list[pa.Array | str]:
    drawn = draw(people.seed, "place", item)
    has = chance(draw(people.seed, "has a place", item), _GEO_SHARE)
    longitudes, latitudes, digits = _geography()
    place = pa.array(np.where(has, 1 + pick(drawn, _PLACES), 0))
    more = draw(people.seed, "place digits", item)
    accuracy = np.where(has, 16 - pick(more, 16) * pick(more << np.uint64(32), 2), 0)
    return [
        longitudes.take(place),
        digits.take(pa.array(np.where(has, 1 + pick(drawn << np.uint64(32), 10_000), 0))),
        "\t",
        latitudes.take(place),
        digits.take(pa.array(np.where(has, 1 + pick(drawn << np.uint64(16), 10_000), 0))),
        "\t",
        pa.array(["", *map(str, range(1, 17))]).take(pa.array(accuracy)),
    ]


def yfcc100m_lines(people: Population, low: int, high: int, columns: int = 23) -> pa.StringArray:
    """Lines ``low`` to ``high`` of the manifest, each with its newline."""
    line = np.arange(low, high)
    item = people.item_of_line(line)
    owner = people.owner_of(item)
    number = _number(people.item_number(item))
    nsid = people.nsids.take(pa.array(owner))
    video = people.is_video(item)
    server = server_ids(people, item)
    farm = 1 + server * 9 // 9_402
    secret = secrets(people, item)
    png = chance(draw(people.seed, "extension", item), 0.045) & ~video
    server_text = _number(server)
    server_path = pc.if_else(pa.array(video), "", pc.binary_join_element_wise(server_text, "/", ""))
    opening: list[pa.Array | str] = [number, "\t"]
    if columns == 25:
        md5 = _hex(
            [draw(people.seed, "md5, first half", item), draw(people.seed, "md5, second half", item)], 32
        )
        opening = [_number(line), "\t", number, "\t", md5, "\t"]
    template: list[pa.Array | str] = [
        *opening,
        nsid,
        "\t",
        *_nicknames(people, owner),
        "\t",
        *_dates(people, item),
        "\t",
        *_texts(people, item, owner),
        "\t",
        *_place(people, item),
        "\thttp://www.flickr.com/",
        _PATHS.take(pa.array(video.astype(np.int8))),
        nsid,
        "/",
        number,
        "/\t",
        _HOSTS.take(pa.array(np.where(video, 9, farm - 1))),
        server_path,
        number,
        _MIDDLES.take(pa.array(video.astype(np.int8))),
        secret,
        _ENDS.take(pa.array(np.where(video, 2, png.astype(np.int8)))),
        "\t",
        _LICENSES.take(pa.array(people.license_then(item, owner))),
        "\t",
        server_text,
        "\t",
        _number(farm),
        "\t",
        secret,
        "\t",
        _hex([draw(people.seed, "secret of the original", item)], 10),
        _TAILS.take(pa.array(video * 2 + png)),
    ]
    return pc.binary_join_element_wise(*template, "")


def line_bytes(lines: pa.StringArray | pa.BinaryArray) -> memoryview:
    """The text of ``lines`` without a copy: in Arrow, the rows of a column of text lie end to end."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    data = lines.buffers()[2]
    if data is None:
        return memoryview(b"")
    return memoryview(data)[offsets[lines.offset] : offsets[lines.offset + len(lines)]]
