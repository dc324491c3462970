"""URLs in one spelling each, so that one that is asked for is found however it is written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.hosts import normalize_hosts
from transforms.domain.readings import only

# A host with capitals, letters beyond ASCII, a final dot, or a port that its scheme has anyway.
_ODD_HOST = r"^[^/?]*(?:[A-Z]|[^\x00-\x7F]|\.(?::[0-9]*)?(?:[/?]|$)|:(?:80|443)?(?:[/?]|$))"


def normalize_urls(urls: pa.Array) -> pa.Array:
    """Each URL without scheme, fragment and final slashes, its host in its one spelling, ``%40`` as ``@``.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is. Normalizing again changes nothing.
    """
    # Fragments and odd hosts are rare: looking for them is cheaper than replacing.
    if pc.any(pc.match_substring(urls, "#")).as_py():
        urls = pc.replace_substring_regex(urls, "(?s)#.*", "")
    urls = pc.replace_substring_regex(urls, "^(?i:(?:https?:)?//)+", "")
    urls = pc.replace_substring(urls, "%40", "@")
    urls = pc.ascii_rtrim(urls, characters="/")
    odd = pc.match_substring_regex(urls, _ODD_HOST).fill_null(False)
    if pc.any(odd).as_py():
        urls = pc.replace_with_mask(urls, odd, _with_plain_host(urls.filter(odd)))
    return urls


def _with_plain_host(urls: pa.Array) -> pa.Array:
    parts = pc.extract_regex(urls, r"(?s)^(?P<host>[^/?]*?)(?P<port>(?::[0-9]*)?)(?P<path>(?:[/?].*)?)$")
    host, port, path = parts.flatten()
    # What is no host name, such as one with a user before it or with two ports, keeps its letters.
    plain = pc.invert(pc.match_substring(host, ":"))
    port = pc.if_else(plain, pc.replace_substring_regex(port, "^:(?:80|443)?$", ""), port)
    host = pc.coalesce(only(plain, normalize_hosts(host)), pc.ascii_lower(host))
    return pc.binary_join_element_wise(host, port, path, "")
