from __future__ import annotations

import pytest

from transforms.domain.errors import ConfigError
from transforms.formats.registry import FORMATS, FileFormat, LineFormat, find_format


def test_every_format_is_of_one_sort() -> None:
    assert {name: one.name for name, one in FORMATS.items()} == {name: name for name in FORMATS}
    assert all(isinstance(one, LineFormat) != isinstance(one, FileFormat) for one in FORMATS.values())


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("manifests", "yfcc100m", "yfcc100m"),
        ("manifests", "canonical", "canonical"),
        ("licenses", "canonical", "canonical-licenses"),
        ("licenses", "canonical-licenses", "canonical-licenses"),
        ("licenses", "csv", "licenses-csv"),
        ("licenses", "openverse", "openverse"),
    ],
)
def test_formats_are_found_by_name(kind: str, name: str, found: str) -> None:
    assert find_format(kind, name).name == found


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (
            "manifests",
            "yfc100m",
            "'yfc100m' is not a format of manifests. Did you mean 'yfcc100m'? There are: ",
        ),
        (
            "manifests",
            "csv",
            "'csv' is not a format of manifests. There are: yfcc100m, openverse, canonical.",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest(kind: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        find_format(kind, name)
    assert str(error.value).startswith(message)
