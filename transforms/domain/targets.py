"""What an opt-out names: an item, an owner, a URL or a tag, out of the many ways people write them.

Whatever is not surely one of these is not understood. That is an answer, and the reader of a list turns it
into an error: an opt-out that silently matches nothing would be worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KINDS = ("item", "owner", "alias", "name", "url", "host", "content", "tag")
"""`alias` is an owner's name in addresses, `name` the one shown; `content` is a hash of the bytes."""

TAGS_THAT_SAY_NO = ("nocv",)  # normalized tags that are an opt-out by themselves

# Patterns are RE2's, in which `$` is the end of the text. Hosts are read in any case, paths as written.
_ID = "[1-9][0-9]{0,18}"
_NSID = "[0-9]{1,19}(?:@|%40)(?i:N)[0-9]{2}"
_HTTP = "(?:(?i:https?:)?//)?"
_SITE = rf"^{_HTTP}(?i:(?:www\.|m\.)?flickr\.com)"
_BEHIND = r"(?:[/?#][^\s*]*)?$"
_IMAGE_HOST = r"(?i:(?:farm[0-9]+\.)?static\.flickr\.com|(?:farm[0-9]+|live|c[0-9]+)\.staticflickr\.com)"
_BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_BASE58_LENGTH = 10  # 58 ** 10 is below 2 ** 63; ids have 7 such digits today

_ITEM_PAGE = rf"{_SITE}/(?:photos|videos)/[A-Za-z0-9@%._-]+/(?P<key>{_ID}){_BEHIND}"
_IMAGE = rf"^{_HTTP}{_IMAGE_HOST}/(?:[0-9]+/){{1,2}}(?P<key>{_ID})_[0-9A-Za-z]+[^\s/*]*$"
_SHORT = rf"^{_HTTP}(?i:flic\.kr)/p/(?P<key>[{_BASE58[1:]}][{_BASE58}]{{0,{_BASE58_LENGTH - 1}}}){_BEHIND}"
_TAG = r"^(?:#|(?i:tag:))(?P<key>(?:[^*?,#\pC\pZ]| )+)$"
_PAGE = r"^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?::[0-9]{1,5})?/[^\s\pC\pZ*{}\[\]<>|\\^`\"]+$"
_FLICKR_HOST = r"^(?:[^/]*\.)?(?:flickr\.com|staticflickr\.com|flic\.kr)(?::[0-9]*)?/"
_BY_ALIAS = re.compile(
    r"(?:(?:https?:)?//)?(?:www\.|m\.)?flickr\.com/(?:photos|people)/[a-z0-9_-]+/?", re.IGNORECASE
)


def normalize_urls(urls: pa.Array) -> pa.Array:
    """Each URL without scheme, fragment and final slashes, its host in lower case, ``%40`` as ``@``.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is. Normalizing again changes nothing.
    """
    # Fragments and capitals in hosts are rare: looking for them is cheaper than replacing.
    if pc.any(pc.match_substring(urls, "#")).as_py():
        urls = pc.replace_substring_regex(urls, "(?s)#.*", "")
    urls = pc.replace_substring_regex(urls, "^(?i:(?:https?:)?//)+", "")
    urls = pc.replace_substring(urls, "%40", "@")
    if pc.any(pc.match_substring_regex(urls, "^[^/]*:(?:80|443)(?:/|$)")).as_py():
        urls = pc.replace_substring_regex(urls, "^([^/:]*):(?:80|443)(/|$)", r"\1\2")
    urls = pc.ascii_rtrim(urls, characters="/")
    capital = pc.match_substring_regex(urls, "^[^/?]*[A-Z]")
    if pc.any(capital).as_py():
        odd = urls.filter(capital)
        hosts = pc.struct_field(pc.extract_regex(odd, "(?s)^(?P<host>[^/?]*)"), [0])
        paths = pc.replace_substring_regex(odd, "^[^/?]*", "")
        lowered = pc.binary_join_element_wise(pc.ascii_lower(hosts), paths, "")
        urls = pc.replace_with_mask(urls, capital, lowered)
    return urls


def normalize_owners(owners: pa.Array) -> pa.Array:
    """Owner ids with Flickr's NSIDs in one spelling: ``12%40n00`` is ``12@N00``. Others stay as they are.

    Args:
        owners: text, nullable.

    Returns:
        Text, row for row, null where the id is.
    """
    # Hardly an id is written otherwise: looking for what could be is cheaper than matching each of them.
    odd = pc.or_(pc.match_substring(owners, "@n"), pc.match_substring(owners, "%40"))
    odd = pc.or_(odd, pc.match_substring(owners, " ")).fill_null(False)
    if not pc.any(odd).as_py():
        return owners
    written = owners.filter(odd)
    spelled = _owners(f"^(?P<key>{_NSID})$")(pc.utf8_trim_whitespace(written))
    return pc.replace_with_mask(owners, odd, pc.coalesce(spelled, written))


def are_nsids(owners: pa.Array) -> pa.Array:
    """Whether each owner id is one that Flickr gives, in any spelling of it; null where the id is."""
    return pc.match_substring_regex(owners, f"^{_NSID}$")


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


def _captured(texts: pa.Array, pattern: str) -> pa.Array:
    """What the pattern's group ``key`` holds; null where the pattern does not match."""
    return pc.struct_field(pc.extract_regex(texts, pattern), [0])


def _only(kept: pa.Array, keys: pa.Array) -> pa.Array:
    return pc.if_else(kept, keys, pa.scalar(None, keys.type))


def _item_pages(texts: pa.Array) -> pa.Array:
    # `/photos/tags/2015` lists the items of a tag: the number is a tag, not an id.
    return _only(pc.invert(pc.match_substring(texts, "/photos/tags/")), _captured(texts, _ITEM_PAGE))


def _short_links(texts: pa.Array) -> pa.Array:
    codes = _captured(texts, _SHORT)
    padded = pc.ascii_lpad(codes.fill_null(""), _BASE58_LENGTH, padding=_BASE58[0])
    _, _, data = padded.buffers()
    letters = np.frombuffer(data, np.uint8, len(padded) * _BASE58_LENGTH).reshape(-1, _BASE58_LENGTH)
    digit_of = np.zeros(256, np.int64)
    digit_of[np.frombuffer(_BASE58.encode(), np.uint8)] = np.arange(58)
    numbers = digit_of[letters] @ (58 ** np.arange(_BASE58_LENGTH - 1, -1, -1, dtype=np.int64))
    return _only(codes.is_valid(), pa.array(numbers).cast(pa.string()))


def _owners(pattern: str) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: pc.ascii_upper(pc.replace_substring(_captured(texts, pattern), "%40", "@"))


def _tags(texts: pa.Array) -> pa.Array:
    tags = normalize_tags(_captured(texts, _TAG))
    return _only(pc.not_equal(tags, ""), tags)


def _pages(texts: pa.Array) -> pa.Array:
    urls = normalize_urls(texts)
    understood = pc.and_(
        pc.match_substring_regex(texts, "^(?i:https?)://"),
        # On Flickr's own hosts the rules before have read whatever can be read: a URL that is left is an
        # album, an alias, a search, and would match no item.
        pc.and_not(pc.match_substring_regex(urls, _PAGE), pc.match_substring_regex(urls, _FLICKR_HOST)),
    )
    return _only(understood, urls)


_RULES: tuple[tuple[str, Callable[[pa.Array], pa.Array]], ...] = (
    ("item", lambda texts: _only(pc.match_substring_regex(texts, f"^{_ID}$"), texts)),
    ("owner", _owners(f"^(?P<key>{_NSID})$")),
    ("item", _item_pages),
    ("item", lambda texts: _captured(texts, _IMAGE)),
    ("item", _short_links),
    ("owner", _owners(rf"{_SITE}/photos/(?P<key>{_NSID})/?(?:[?#][^\s*]*)?$")),
    ("owner", _owners(f"{_SITE}/people/(?P<key>{_NSID}){_BEHIND}")),
    ("tag", _tags),
    ("url", _pages),
)


def parse_targets(values: pa.Array) -> pa.Table:
    """What each value names.

    Args:
        values: text, nullable, with white space around it or not.

    Returns:
        Row for row, two columns of text, both null where the value is not understood: ``kind``, one of
        :data:`KINDS`, and ``key``, normalized: an item id, an NSID (``12345678@N00``), a URL as
        :func:`normalize_urls` leaves it, a tag as :func:`normalize_tags` does.
    """
    texts = pc.utf8_trim_whitespace(values)
    rest = np.arange(len(texts))
    kinds = np.full(len(texts), -1, np.int8)
    places = np.full(len(texts), -1, np.int64)  # of each value's key among the keys found
    found = [pa.array([], pa.string())]
    count = 0
    for kind, rule in _RULES:
        if not len(rest):
            break
        keys = rule(texts)
        hits = keys.is_valid().to_numpy(zero_copy_only=False)
        rows = rest[hits]
        kinds[rows] = KINDS.index(kind)
        places[rows] = count + np.arange(len(rows))
        count += len(rows)
        found.append(keys.drop_null())
        rest, texts = rest[~hits], texts.filter(pa.array(~hits))
    unknown = kinds < 0
    return pa.table(
        {
            "kind": pa.array(KINDS).take(pa.array(kinds, mask=unknown)),
            "key": pa.concat_arrays(found).take(pa.array(places, mask=unknown)),
        }
    )


def why_not(value: str, expected: str) -> str:
    """What to say, after quoting it, of a value that :func:`parse_targets` does not understand."""
    if _BY_ALIAS.fullmatch(value.strip()):
        return "names its owner by an alias, which cannot be looked up; give the NSID (as 12345678@N00)"
    return f"is not {expected}"
