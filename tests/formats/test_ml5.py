"""ml5's search results: an object with a member for each image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.answers import DAY, SHARED, read, refused

from transforms.domain.errors import InputError


def image(item: object = "11624560624", **changes: object) -> dict[str, object]:
    url = f"https://farm4.staticflickr.com/3779/{item}_600b918603.jpg"
    return {
        "url": url,
        "name": url,
        "license": "1",
        "title": "City lights",
        "owner": "Ada",
        "clean_name": f"{item}_600b918603.jpg",
        "keyword": "city",
        "owner_id": "12345678@N00",
        **changes,
    }


def read_images(*images: object) -> Any:
    return read("ml5", json.dumps({f"{n}.jpg": each for n, each in enumerate(images)}).encode(), "city.json")


def test_a_row() -> None:
    (row,) = read_images(image()).rows.to_pylist()
    assert str(row.pop("observed_on")) == DAY
    assert row == {
        "source": "flickr",
        "item_id": "11624560624",
        "owner_id": "12345678@N00",
        "license": "CC-BY-NC-SA-2.0",
        "license_raw": "1",
        "visibility": "public",
    }


def test_what_cannot_be_read_goes_to_quarantine() -> None:
    images = [
        image(1),
        image(2, url="https://example.org/2_a.jpg"),
        image(3, url=None),
        image(4, url="4"),
        image(5, license=""),
        image(6, owner_id="ada"),
        image(7, owner_id=None, license=7),
        "8",
        image(9, url="https://farm4.staticflickr.com/3779/9_\ud83d.jpg"),
        image(10),
    ]
    found = read_images(*images)
    assert found.rows["item_id"].to_pylist() == ["1", "7", "10"]
    assert found.rows["license"][1].as_py() == "no-known-copyright-restrictions"
    no_photo = "item_id_unparsable"
    assert refused(found) == [
        *((number, no_photo) for number in (1, 2, 3)),
        (4, "license_missing"),
        (5, "owner_id_unparsable"),
        (7, no_photo),
        (8, no_photo),
    ]
    assert json.loads(found.quarantined["raw"][0].as_py()) == {"1.jpg": images[1]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b'{"a.jpg": {"url": "u", "owner_id": "1"}, "a.jpg": {}}',
            "cannot be read as JSON: an object has a member",
        ),
        (b'{"a.jpg": {"url": "u", "owner_id": "1"}', "cannot be read as JSON: Expecting ',' delimiter"),
        (b'{"url": "u", "owner_id": NaN}', "cannot be read as JSON: NaN is no number"),
        (b'{"url": "u", "owner_id": ' + b"9" * 5000 + b"}", "cannot be read as JSON: Exceeds the limit"),
        (b'{"url": "u", "owner_id": ' + b"[" * 100_000, "cannot be read as JSON: it is nested too deep"),
        (b'{"url": "\xff", "owner_id": 1}', "cannot be read as JSON: 'utf-8' codec can't decode"),
        (b'{"url": {}, "owner_id": {}}\n{\n', "line 2 cannot be read (no JSON: "),
        (b'{"url": {}, "owner_id": {}}\n5\n', "line 2 is no object with a member for each image."),
        (b'["url", "owner_id"]', "city.json: not ml5: found JSON, expected an object with a member for each"),
    ],
)
def test_files_that_lie_are_one_clear_error(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("ml5", data, "city.json")
    assert str(error.value).startswith(message)
    assert len(str(error.value)) < 300


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}")
@pytest.mark.parametrize(("name", "images"), [("city", 348), ("lake", 595)])
def test_real_results(name: str, images: int) -> None:
    found = read("ml5", (SHARED / "ml5" / f"{name}_photos_info.json").read_bytes())
    assert (len(found.rows), len(found.quarantined)) == (images, 0)
    assert len(found.rows["item_id"].unique()) == images
    assert "unknown" not in found.rows["license"].to_pylist()
