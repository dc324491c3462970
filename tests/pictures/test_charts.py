from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drifts import drift

from pipelines.pictures import charts, page
from pipelines.pictures.matrix import MIXED, matrix
from transforms.domain.license_changes import DIRECTIONS

HERE = Path(__file__).parent


def texts(svg: str) -> set[str]:
    return {
        "".join(node.itertext())
        for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    }


def luminance(color: str, opacity: float = 1.0) -> float:
    channels = (int(color[place : place + 2], 16) / 255 * opacity + 1 - opacity for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_direction_has_a_color_of_its_own() -> None:
    assert charts.COLORS.keys() == {*DIRECTIONS, MIXED}
    assert len(set(charts.COLORS.values())) == len(charts.COLORS)


@pytest.mark.parametrize("direction", charts.COLORS)
def test_numbers_can_be_read_on_every_color(direction: str) -> None:
    """WCAG 2's contrast for text of this size, on the faintest cell and the strongest."""
    for percent in range(30, 101):
        ground = luminance(charts.COLORS[direction], percent / 100)
        ink = luminance(charts._ink(charts.COLORS[direction], percent / 100))
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5


def test_the_matrix_says_its_numbers_and_licenses() -> None:
    made = matrix(drift().tables["license"].to_pylist())
    written = texts(charts.svg(charts.matrix_chart(made, "2025-06-01", "2026-11-01")))
    assert {"1,204,317", "12,345", "806", "31", "license on 2025-06-01", "license on 2026-11-01"} <= written
    assert {*made.licenses, "withdrawn", "version change", "same"} <= written


def test_time_goes_on_where_nothing_changed() -> None:
    rows = drift().tables["month"].to_pylist()
    written = texts(charts.svg(charts.timeline_chart(rows, "2025-12-24", "2026-11-01")))
    assert {"2025-12", "2026-01", "2026-03", "2026-11"} <= written
    assert not {"2025-11", "2026-12", "same"} & written
    # Over many years, the beginning of each is written, and no month in between.
    years = texts(charts.svg(charts.timeline_chart(rows, "2014-05-01", "2026-11-01")))
    assert {"2015-01", "2026-01"} <= years
    assert "2026-03" not in years


def test_the_end_of_time_is_not_drawn() -> None:
    rows = drift().tables["month"].to_pylist()
    drawn = charts.svg(charts.timeline_chart(rows, "2014-05-01", "9999-12-31"))
    assert float(ElementTree.fromstring(drawn).attrib["width"]) < 2 * charts._TIMELINE_PIXELS
    assert {"2026-03", "2026-10"} <= texts(drawn)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Anchorage"])
def test_the_same_drift_is_the_same_bytes_anywhere(zone: str) -> None:
    """In another process, another time zone, and with another seed of Python's hashes."""
    program = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from drifts import drift; from pipelines.pictures import page\n"
        "for made in (page.png(drift(), 'd'), page.html(drift(), 'd', 'l').encode()):\n"
        "    print(hashlib.sha256(made).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(HERE)],
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(HERE.parents[1]),
                "PYTHONHASHSEED": seed,
                "TZ": zone,
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_picture_is_a_png_at_twice_the_size() -> None:
    made = page.png(drift(), "yfcc100m")
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(made[16:20], "big") > 2 * charts._TIMELINE_PIXELS
