"""What an opt-out names: an item, an owner, a URL or a tag, out of the many ways people write them.

Whatever is not surely one of these is not understood. That is an answer, and the reader of a list turns it
into an error: an opt-out that silently matches nothing would be worse than none. The forms are listed in
``docs/targets.md``; each has its module, and what they share is the cascade here.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.contents import normalize_contents
from transforms.domain.flickrurls import (
    ALIAS,
    FLICKR,
    ITEM_ID,
    aliases_of,
    are_flickrs,
    are_nsids,
    items_of,
    normalize_owners,
    nsids,
    nsids_of,
    parse_flickr_urls,
    why_not_flickr,
)
from transforms.domain.hosts import covered_by, hosts_of, normalize_hosts
from transforms.domain.names import TAGS_THAT_SAY_NO, normalize_names, normalize_tags
from transforms.domain.readings import Rule, captured, first_reading, only
from transforms.domain.urls import normalize_urls

__all__ = [
    "FLICKR",
    "KINDS",
    "TAGS_THAT_SAY_NO",
    "aliases_of",
    "are_flickrs",
    "are_nsids",
    "covered_by",
    "hosts_of",
    "items_of",
    "normalize_contents",
    "normalize_hosts",
    "normalize_names",
    "normalize_owners",
    "normalize_tags",
    "normalize_urls",
    "nsids_of",
    "parse_targets",
    "why_not",
]

KINDS = ("item", "owner", "alias", "name", "url", "host", "content", "tag")
"""`alias` is an owner's name in addresses, `name` the one shown; `content` is a hash of the bytes."""

_TAG = r"^(?:#|(?i:tag:))(?P<key>(?:[^*?,#\pC\pZ]| )+)$"
_ALIAS = rf"^(?i:alias:)\s*(?P<key>{ALIAS})$"
_NAME = r"^(?i:name:)(?P<key>[^\p{Cc}]+)$"
_PAGE = r"^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?::[0-9]{1,5})?/[^*]+$"
# What a URL may not hold has an escape by then. Here it would mean that words stand behind it, or no URL.
_ONE_URL = r"(?s)^(?i:https?:)//(?i:\s|(?:https?:)?//)*[^\s\pC\pZ*{}\[\]<>|\\^`\"#]+\s*(?:#.*)?$"

_NAMED_HOST = r"^(?i:host:)\s*(?P<key>[^\s/?#@*:]+(?::[0-9]+)?)$"
_HOST_BY_URL = r"^(?i:https?:)//(?P<key>[^\s/?#@*:]+(?::[0-9]+)?)/*(?:#.*)?$"
_BARE_HOST = r"^(?P<key>[^\s/?#@*:]+(?::[0-9]+)?)/?$"
# A word with a dot in it may be a file or somebody's name. These endings, those of countries, and numbers are
# a host's; any other can be written with `host:` or `https://` before it.
_ENDINGS = (
    "com|net|org|edu|gov|mil|int|info|biz|name|museum|photo|photos|photography|gallery|art|pictures|blog"
)
_ENDINGS += (
    "|app|dev|site|online|store|shop|xyz|cloud|design|studio|media|agency|live|news|space|world|club|example"
)
_SURELY_A_HOST = rf"\.(?:[a-z]{{2}}|xn--[a-z0-9-]+|{_ENDINGS})$"
_IPV4 = r"^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.|$)){4}$"


def _tags(texts: pa.Array) -> pa.Array:
    tags = normalize_tags(captured(texts, _TAG))
    return only(pc.not_equal(tags, ""), tags)


def _hosts(texts: pa.Array) -> pa.Array:
    stated = pc.coalesce(captured(texts, _NAMED_HOST), captured(texts, _HOST_BY_URL))
    bare = normalize_hosts(captured(texts, _BARE_HOST))
    likely = pc.or_(pc.match_substring_regex(bare, _SURELY_A_HOST), pc.match_substring_regex(bare, _IPV4))
    hosts = pc.coalesce(normalize_hosts(stated), only(likely, bare))
    # What has no dot is a machine of somebody's own, or all of `com`.
    return only(pc.match_substring(hosts, "."), hosts)


def _pages(texts: pa.Array) -> pa.Array:
    urls = normalize_urls(texts)
    understood = pc.and_(pc.match_substring_regex(texts, _ONE_URL), pc.match_substring_regex(urls, _PAGE))
    return only(understood, urls)


_RULES: tuple[tuple[str, Rule], ...] = (
    ("item", lambda texts: only(pc.match_substring_regex(texts, f"^{ITEM_ID}$"), texts)),
    ("owner", nsids),
    ("content", normalize_contents),
    ("tag", _tags),
    ("alias", lambda texts: pc.ascii_lower(captured(texts, _ALIAS))),
    ("name", lambda texts: normalize_names(captured(texts, _NAME))),
    ("host", _hosts),
    ("url", _pages),
)


def parse_targets(values: pa.Array) -> pa.Table:
    """What each value names.

    Args:
        values: text, nullable, with white space around it or not.

    Returns:
        Row for row, two columns of text, both null where the value is not understood: ``kind``, one of
        :data:`KINDS`, and ``key``, normalized: an item id, an NSID (``12345678@N00``), an alias in lower
        case, and the others as the ``normalize_`` function of their kind leaves them.
    """
    texts = pc.utf8_trim_whitespace(values)
    # On Flickr's own hosts only its forms count: another page there, such as a search, would match no item.
    flickrs = are_flickrs(texts)
    if not pc.any(flickrs).as_py():
        return first_reading(texts, _RULES)
    by_flickr = parse_flickr_urls(texts.filter(flickrs))
    others = first_reading(texts.filter(pc.invert(flickrs)), _RULES)
    places = pa.concat_arrays([pc.indices_nonzero(flickrs), pc.indices_nonzero(pc.invert(flickrs))])
    back = pc.inverse_permutation(places.cast(pa.int32()))
    return pa.concat_tables([by_flickr, others]).take(back).combine_chunks()


def why_not(value: str, expected: str) -> str:
    """What to say, after quoting it, of a value that :func:`parse_targets` does not understand."""
    return why_not_flickr(value) or f"is not {expected}"
