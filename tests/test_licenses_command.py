"""``byleave licenses normalize``: a line for each line, however many there are and whatever they hold."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cli import run
from pipelines.commands import licenses
from transforms.domain.errors import InputError
from transforms.domain.license_spellings import OUTCOMES, read_one

LINES = [
    "CC-BY-4.0",
    "by-nc\t2.0",
    "by\t4.0\thttp://creativecommons.org/licenses/by/2.0/",
    "cc0 3.0",
    "4",
    "",
    'a "quoted", thing',
    "café",
    "4",
]
ROWS = [(line, *read_one(line)) for line in LINES]


def normalize(data: bytes, *options: str) -> tuple[str, str]:
    """What the command prints on standard output and on standard error."""
    words = [sys.executable, "-m", "pipelines.cli", "licenses", "normalize", *options]
    done = subprocess.run(words, input=data, capture_output=True, check=True)
    return done.stdout.decode(), done.stderr.decode()


def test_text_has_the_raw_value_first_and_id_and_outcome_last() -> None:
    out, err = normalize("\r\n".join(LINES).encode())
    assert [tuple(line.rsplit("\t", 2)) for line in out.splitlines()] == ROWS
    assert err == "9 lines: exact 1 (11.1%), normalized 3 (33.3%), conflict 1 (11.1%), unknown 4 (44.4%)\n"
    assert [outcome for *_, outcome in ROWS].count("conflict") == 1


def test_csv_and_json_hold_the_same_rows(tmp_path: Path) -> None:
    file = tmp_path / "licenses.txt"
    file.write_text("\ufeff" + "\n".join(LINES) + "\n", encoding="utf-8")
    out, _ = normalize(b"", str(file), "--csv")
    assert [tuple(row) for row in csv.reader(io.StringIO(out))] == [("raw", "license", "outcome"), *ROWS]
    out, _ = normalize(b"", str(file), "--json")
    assert [tuple(row.values()) for row in json.loads(out)] == ROWS


def test_no_lines_are_no_rows() -> None:
    assert normalize(b"") == ("", "0 lines: " + ", ".join(f"{each} 0 (0.0%)" for each in OUTCOMES) + "\n")
    assert normalize(b"", "--json")[0] == "[]\n"
    assert normalize(b"", "--csv")[0] == "raw,license,outcome\n"


@pytest.mark.parametrize(
    ("name", "why"), [("none.txt", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    file = tmp_path / name
    assert run(["licenses", "normalize", str(file)], {}) == 4
    assert capsys.readouterr() == (
        "",
        f"byleave: {file}: cannot be read: {why}. Give a file, or - for standard input\n",
    )


def test_bytes_that_are_no_text_are_shown_and_unknown() -> None:
    out, _ = normalize(b"by 2.0\xff\nby 2.0\n")
    assert out == "by 2.0\\xff\tunknown\tunknown\nby 2.0\tCC-BY-2.0\tnormalized\n"


@settings(max_examples=60)
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", codec="utf-8"), max_size=6)),
    st.integers(1, 9),
    st.booleans(),
)
def test_where_blocks_end_makes_no_difference(lines: list[str], block_bytes: int, ended: bool) -> None:
    data = "\n".join(lines).encode() + b"\n" * (ended and bool(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(licenses, "_BLOCK_BYTES", block_bytes)
        patch.setattr(licenses, "_LINE_BYTES", 100)
        found = [line for block in licenses._blocks(io.BytesIO(data)) for line in block]
    assert found == (lines if ended or not lines or lines[-1] else lines[:-1])


def test_a_line_that_never_ends_is_refused() -> None:
    file = io.BytesIO(b"ok\n" + b"x" * (3 << 20))
    file.name = "licenses.bin"
    with pytest.raises(InputError, match=r"licenses\.bin: line 2 is longer than 1,048,576 bytes\. Write one"):
        list(licenses._blocks(file))


def test_memory_is_that_of_a_block_and_not_of_the_file(tmp_path: Path) -> None:
    def peak_bytes(file: Path) -> int:
        words = [sys.executable, "-m", "pipelines.cli", "licenses", "normalize", str(file), "--json"]
        code = (
            "import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        return 1024 * int(
            subprocess.check_output([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL)
        )

    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    for file, blocks in ((small, 3), (large, 15)):
        with file.open("w") as out:
            out.writelines(f"é{line:0100000}\n" for line in range(blocks * licenses._BLOCK_BYTES // 100_000))
    assert peak_bytes(large) < peak_bytes(small) + 4 * licenses._BLOCK_BYTES
