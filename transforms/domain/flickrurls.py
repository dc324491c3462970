"""The many addresses of Flickr: which item or owner each names.

Each form is of a URL as :func:`transforms.domain.urls.plain_urls` leaves it: without scheme, its host in
lower case. What leads to several items or to other people's (albums, galleries, groups, favorites), and what
only Flickr can resolve (guest passes, the short links of albums and people), names nothing here.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.escapes import plain_escapes
from transforms.domain.readings import Rule, captured, first_reading, only
from transforms.domain.urls import FLICKRS, plain_urls

FLICKR = "flickr"
"""Its name as a source."""

# Patterns are RE2's, in which `$` is the end of the text.
ITEM_ID = "[1-9][0-9]{0,18}"
NSID = "[0-9]{1,19}(?:@|%40)(?i:N)[0-9]{2}"
ALIAS = "[A-Za-z0-9_-]+"
_NO_ALIASES = pa.array(["tags", "me", "search", "upload", "organize", "friends", "contacts", "groups"])

_OPENING = r"[<(\[\"'\s]"  # of whatever encloses an address
_FLICKRS = rf"^{_OPENING}*(?i:(?:https?:)?//)*(?:[^/?#\s]*[.@])?(?i:{FLICKRS})\.?(?::[0-9]*)?/+."
_TO_HOST = r"^(?i:\s|(?:https?:)?//)*[^/?#\\\s]*@"
# People write words behind an address. What could be another address or id is not passed over.
_MORE_THAN_ONE = r"(?s)\s.*[/@*%0-9]"

_SITE = r"^(?:(?:www|m|secure)\.)?flickr\.com(?:/x/t/[0-9]+)?"  # `/x/t/` is in links of Flickr's mails
_WORDS = r"[.,;:!)>\]\"']*(?:\s[^*]*)?$"
_BEHIND = rf"(?:[/?&][^\s*]*)?{_WORDS}"
_LISTS = r"(?:/(?:albums|sets|page[0-9]+))?/?(?:\?[^\s*]*)?"  # of what is an owner's own
_IMAGE_HOST = (
    r"(?:(?:(?:farm[0-9]+\.)?static\.flickr\.com|(?:farm[0-9]+|live|c[0-9]+)\.staticflickr\.com)/(?:[0-9]+/){1,2}"
    r"|photos[0-9]+\.flickr\.com/(?:[0-9]+/)?)"
)
_BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_BASE58_LENGTH = 10  # 58 ** 10 is below 2 ** 63; ids have 7 such digits today
_CODE = f"(?P<key>[{_BASE58[1:]}][{_BASE58}]{{0,{_BASE58_LENGTH - 1}}})"

_PAGE = rf"{_SITE}/(?:photos|videos)/[A-Za-z0-9@._-]+/(?P<key>{ITEM_ID}){_BEHIND}"
_EMBEDDED = rf"^embedr\.flickr\.com/photos/(?P<key>{ITEM_ID}){_BEHIND}"
_BY_QUERY = (
    rf"{_SITE}/(?:(?:photo|video)[a-z_]*\.gne\?(?:[^\s*]*&)?id|apps/video/[a-z_.]+\?(?:[^\s*]*&)?photo_id)"
    rf"=(?P<key>{ITEM_ID})(?:&[^\s*]*)?{_WORDS}"
)
_IMAGE = rf"^{_IMAGE_HOST}(?P<key>{ITEM_ID})_[0-9A-Za-z]+(?:[_.?][^\s/*]*)?(?:\s[^*]*)?$"
_VIDEO = rf"^live\.staticflickr\.com/video/(?P<key>{ITEM_ID})/[^\s*]+(?:\s[^*]*)?$"
_SHORT = rf"^(?:www\.)?flic\.kr/p/{_CODE}{_BEHIND}"
_SHORT_BY_QUERY = rf"{_SITE}/photo\.gne\?(?:[^\s*]*&)?short={_CODE}(?:&[^\s*]*)?{_WORDS}"


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
    return pc.replace_with_mask(owners, odd, pc.coalesce(nsids(pc.utf8_trim_whitespace(written)), written))


def are_nsids(owners: pa.Array) -> pa.Array:
    """Whether each owner id is one that Flickr gives, in any spelling of it; null where the id is."""
    return pc.match_substring_regex(owners, f"^{NSID}$")


def nsids(texts: pa.Array) -> pa.Array:
    """Each text that is an NSID, in its one spelling; else null."""
    return _owners(texts, f"^(?P<key>{NSID})$")


def aliases_of(page_urls: pa.Array) -> pa.Array:
    """The path alias of the owner in each address of a page on Flickr, in lower case.

    Args:
        page_urls: text, nullable; normalized or not.

    Returns:
        Text, row for row, null where the page is not of Flickr or its owner is named by an NSID.
    """
    return _aliases(_without_users(plain_escapes(page_urls)), _below_owner(ALIAS))


def nsids_of(page_urls: pa.Array) -> pa.Array:
    """The NSID of the owner in each address of a page on Flickr; null where none is in it.

    As :func:`aliases_of`, of the owners whom an address names by their id.
    """
    return _owners(_without_users(plain_escapes(page_urls)), _below_owner(NSID))


def items_of(urls: pa.Array) -> pa.Array:
    """The id of the item that each address on Flickr is of, be it a page, an image or a short link.

    Args:
        urls: text, nullable; normalized or not.

    Returns:
        Text, row for row, null where the address is not on Flickr or of no single item.
    """
    flickrs = are_flickrs(urls)
    items = pa.nulls(len(urls), pa.string())
    if not pc.any(flickrs).as_py():
        return items
    found = parse_flickr_urls(urls.filter(flickrs)).combine_chunks()
    return pc.replace_with_mask(
        items, flickrs, only(pc.equal(found["kind"], "item"), found["key"]).combine_chunks()
    )


def _without_users(urls: pa.Array) -> pa.Array:
    """Each address; one with a user before its host (RFC 3986, 3.2.1) from the host on."""
    # Hardly one has: looking for what could be costs less than a pattern that allows for it.
    if not pc.any(pc.match_substring_regex(urls, "^(?:[^/@]*//)*[^/@]*@")).as_py():
        return urls
    return pc.replace_substring_regex(urls, _TO_HOST, "")


def _below_owner(owner: str) -> str:
    """The pattern of a page that lies below the name of an owner."""
    return (
        r"^\s*(?i:(?:https?:)?//)*(?i:(?:(?:www|m|secure)\.)?flickr\.com)\.?(?::[0-9]+)?"
        rf"/+(?:photos|people|videos)/+(?P<key>{owner})(?:[/?#\s]|$)"
    )


def are_flickrs(texts: pa.Array) -> pa.Array:
    """Whether each text begins with an address below one of Flickr's hosts."""
    return pc.match_substring_regex(plain_escapes(texts), _FLICKRS).fill_null(False)


def parse_flickr_urls(texts: pa.Array) -> pa.Table:
    """What each address names: an item, an owner or an alias.

    Args:
        texts: of which :func:`are_flickrs` is true.

    Returns:
        As :func:`transforms.domain.readings.first_reading`; an alias is in lower case.
    """
    if pc.any(pc.match_substring_regex(texts, f"^{_OPENING}")).as_py():
        texts = pc.replace_substring_regex(texts, f"^{_OPENING}+", "")
    texts = _without_users(texts)
    urls = only(pc.invert(pc.match_substring_regex(texts, _MORE_THAN_ONE)), texts)
    return first_reading(plain_urls(urls), _RULES)


def why_not_flickr(text: str) -> str | None:
    """What to say of an address on Flickr that names nothing; None if there is no more to say."""
    if re.search(r"flic\.kr/(?:s|y|ps|g)/|flickr\.com/gp/", text, re.IGNORECASE):
        return "is a link that only Flickr can follow; open it and give the address that it leads to"
    if re.search(r"flickr\.com/(?:photos|people)/[^/\s]+/(?:sets|albums|galler)", text, re.IGNORECASE):
        return "is an album or a gallery; name its photos one by one, or their owner"
    return None


def _owners(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.ascii_upper(pc.replace_substring(captured(texts, pattern), "%40", "@"))


def _pages(urls: pa.Array) -> pa.Array:
    # `/photos/tags/2015` lists the items of a tag: the number is a tag, not an id.
    return only(pc.invert(pc.match_substring(urls, "/photos/tags/")), captured(urls, _PAGE))


def _from_base58(codes: pa.Array) -> pa.Array:
    padded = pc.ascii_lpad(codes.fill_null(""), _BASE58_LENGTH, padding=_BASE58[0])
    _, _, data = padded.buffers()
    letters = np.frombuffer(data, np.uint8, len(padded) * _BASE58_LENGTH).reshape(-1, _BASE58_LENGTH)
    digit_of = np.zeros(256, np.int64)
    digit_of[np.frombuffer(_BASE58.encode(), np.uint8)] = np.arange(58)
    numbers = digit_of[letters] @ (58 ** np.arange(_BASE58_LENGTH - 1, -1, -1, dtype=np.int64))
    return only(codes.is_valid(), pa.array(numbers).cast(pa.string()))


def _aliases(urls: pa.Array, pattern: str) -> pa.Array:
    aliases = pc.ascii_lower(captured(urls, pattern))
    return only(pc.invert(pc.is_in(aliases, _NO_ALIASES)), aliases)


_RULES: tuple[tuple[str, Rule], ...] = (
    ("item", _pages),
    *(
        ("item", lambda urls, pattern=pattern: captured(urls, pattern))
        for pattern in (_IMAGE, _VIDEO, _EMBEDDED, _BY_QUERY)
    ),
    *(
        ("item", lambda urls, pattern=pattern: _from_base58(captured(urls, pattern)))
        for pattern in (_SHORT, _SHORT_BY_QUERY)
    ),
    ("owner", lambda urls: _owners(urls, rf"{_SITE}/photos/(?P<key>{NSID}){_LISTS}{_WORDS}")),
    ("owner", lambda urls: _owners(urls, rf"{_SITE}/people/(?P<key>{NSID}){_BEHIND}")),
    ("alias", lambda urls: _aliases(urls, rf"{_SITE}/photos/(?P<key>{ALIAS}){_LISTS}{_WORDS}")),
    ("alias", lambda urls: _aliases(urls, rf"{_SITE}/people/(?P<key>{ALIAS}){_BEHIND}")),
)
