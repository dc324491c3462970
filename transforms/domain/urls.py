"""URLs in one spelling each, so that one that is asked for is found however it is written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.escapes import escape_unwritable, hold, plain_escapes
from transforms.domain.hosts import normalize_hosts
from transforms.domain.readings import only

# A host with capitals, escapes, letters beyond ASCII, a final dot, or a port that its scheme has anyway.
_ODD_HOST = r"^[^/?]*(?:[A-Z%]|[^\x00-\x7F]|\.(?::[0-9]*)?(?:[/?]|$)|:(?:80|443)?(?:[/?]|$))"

FLICKRS = r"(?:flickr\.com|staticflickr\.com|flic\.kr)"
"""Its hosts, or the ends of their names."""


def normalize_urls(urls: pa.Array) -> pa.Array:
    """Each URL in its one spelling: as :func:`plain_urls` leaves it, and what no URL may hold as escapes.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is. Normalizing again changes nothing.
    """
    return escape_unwritable(plain_urls(urls))


def plain_urls(urls: pa.Array) -> pa.Array:
    """Each URL without scheme, fragment and final slashes, its host in its one spelling, and its escapes.

    White space around it is no part of it, as wherever a URL is followed. Inside it, it is kept: words that
    somebody wrote behind an address can be told from it.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is.
    """
    # Fragments and odd hosts are rare: looking for them is cheaper than replacing.
    if hold(urls, b"#"):
        urls = pc.replace_substring_regex(urls, "(?s)#.*", "")
    urls = pc.ascii_rtrim(_without_scheme(urls), characters=" \t\n\f\r")
    odd = pc.match_substring_regex(urls, _ODD_HOST).fill_null(False)
    if pc.any(odd).as_py():
        urls = pc.replace_with_mask(urls, odd, _with_plain_host(urls.filter(odd)))
    if hold(urls, b"//"):
        urls = _with_single_slashes(urls)
    return pc.ascii_rtrim(plain_escapes(urls), characters="/")


def _without_scheme(urls: pa.Array) -> pa.Array:
    for scheme in ("https://", "http://"):  # cut off, which takes a fifth of the time of replacing
        begins = pc.starts_with(urls, scheme).fill_null(False)
        if pc.any(begins).as_py():
            cut = pc.utf8_slice_codeunits(urls, len(scheme))
            urls = cut if pc.all(begins).as_py() else pc.if_else(begins, cut, urls)
    if pc.any(pc.match_substring_regex(urls, r"^(?i:\s|(?:https?:)?//)")).as_py():
        urls = pc.replace_substring_regex(urls, r"^(?i:\s|(?:https?:)?//)+", "")
    return urls


def _with_plain_host(urls: pa.Array) -> pa.Array:
    parts = pc.extract_regex(urls, r"(?s)^(?P<host>[^/?]*?)(?P<port>(?:\s*:[0-9]*)?)(?P<path>(?:[/?].*)?)$")
    host, port, path = parts.flatten()
    # What is no host name, such as one with a user before it or with two ports, keeps its letters.
    plain = pc.invert(pc.match_substring_regex(host, "^$|:"))
    port = pc.if_else(plain, pc.replace_substring_regex(port, r"^\s*:(?:80|443)?$", ""), port)
    host = pc.coalesce(only(plain, normalize_hosts(host)), pc.ascii_lower(plain_escapes(host)))
    return pc.binary_join_element_wise(host, port, path, "")


def _with_single_slashes(urls: pa.Array) -> pa.Array:
    """Flickr takes several slashes for one; elsewhere they may be another path."""
    odd = pc.match_substring_regex(urls, rf"^(?:[^/?]*\.)?{FLICKRS}(?:/[^?]*)?//").fill_null(False)
    if not pc.any(odd).as_py():
        return urls
    path, query = pc.extract_regex(urls.filter(odd), r"(?s)^(?P<path>[^?]*)(?P<query>.*)$").flatten()
    single = pc.binary_join_element_wise(pc.replace_substring_regex(path, "/{2,}", "/"), query, "")
    return pc.replace_with_mask(urls, odd, single)
