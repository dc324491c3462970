"""Names as people show them, and tags: each spelling of one name is one text."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import encode

TAGS_THAT_SAY_NO = ("nocv",)  # normalized tags that are an opt-out by themselves


def normalize_names(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Each name without regard to case, to white space around and between its words, and to Unicode's ways.

    Letters that compatibility (NFKC) or case folding make the same are the same, and marks that nobody sees
    (format characters) are left out.

    Args:
        names: text or dictionary-encoded text, nullable.

    Returns:
        Text, row for row, null where the name is null or nothing is left of it. Normalizing again changes
        nothing.
    """
    encoded = encode(names)
    texts = encoded.dictionary.cast(pa.string())
    ascii_only = pc.string_is_ascii(texts)
    folded = pc.ascii_lower(texts)
    if not pc.all(ascii_only).as_py():
        others = pa.array(
            [_fold(text) for text in texts.filter(pc.invert(ascii_only)).to_pylist()], pa.string()
        )
        folded = pc.replace_with_mask(folded, pc.invert(ascii_only).fill_null(False), others)
    # What Python takes for white space, since other names are split by it.
    folded = pc.replace_substring_regex(folded, r"[\x09-\x0d\x1c-\x1f ]+", " ")
    folded = pc.ascii_trim(folded, characters=" ")
    kept = pc.not_equal(folded, "")
    return pc.if_else(kept, folded, pa.scalar(None, pa.string())).take(encoded.indices)


def normalize_tags(tags: pa.Array) -> pa.Array:
    """Each tag in lower case, without spaces, ``_`` and ``-``: ``No-CV`` and ``no cv`` are ``nocv``.

    Letters that Unicode can write in several ways (NFKD) are one.

    Args:
        tags: text, nullable.

    Returns:
        Text, row for row, null where the tag is. Normalizing again changes nothing.
    """
    tags = pc.utf8_lower(pc.utf8_normalize(tags, form="NFKD"))
    for dropped in (" ", "_", "-"):
        tags = pc.replace_substring(tags, dropped, "")
    return tags


def _fold(name: str) -> str:
    """Unicode's compatibility caseless matching (D146), composed, without format characters."""
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    text = unicodedata.normalize("NFD", seen).casefold()
    text = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())
