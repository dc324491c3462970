"""What a file looks like from its first bytes: for the message when it is not what it was said to be."""

from __future__ import annotations

from transforms.domain.errors import InputError

SAMPLE_BYTES = 1 << 18

_MAGIC = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "gzip data inside gzip",
    b"BZh": "bzip2 data inside a compressed file",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\xfd7zXZ": "xz data",
    b"PK\x03\x04": "a zip file",
    b"ARROW1": "an Arrow file",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def sample(head: bytes) -> bytes:
    """Some whole lines of ``head``, or as much of the first as there is."""
    cut = head.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    return head[: cut or SAMPLE_BYTES]


def describe(head: bytes) -> str:
    """The file in words: `20 tab-separated columns`, `a Parquet file`, `UTF-16`."""
    for magic, words in _MAGIC.items():
        if head.startswith(magic):
            return words
    if not head.strip(b"\r\n"):
        return "only blank lines" if head else "an empty file"
    if not head.strip(b"\0"):
        return "only NUL bytes"
    if b"\0" in head[::2] and head[::2].count(b"\0") > len(head) // 4:
        return "UTF-16"
    if b"\0" in head[1::2] and head[1::2].count(b"\0") > len(head) // 4:
        return "UTF-16"
    line = head.split(b"\n", 1)[0]
    for separator, words in ((b"\t", "tab"), (b",", "comma")):
        if separator in line and not head.startswith((b"{", b"[")):
            return f"{line.count(separator) + 1:,} {words}-separated columns"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return "HTML" if b"<html" in text[:SAMPLE_BYTES].lower() else "XML"
    return "JSON" if text.startswith((b"{", b"[")) else "text in one column"


def not_of_format(head: bytes, place: str, name: str, expected: str) -> InputError:
    """The error of a file that is not of the stated format."""
    return InputError(
        f"{place}: not {name}: found {describe(head)}, expected {expected}. "
        "State the format that the file is in, or leave the file out."
    )
