"""Requests that a person must look at before they remove anything: patterns, look-alikes, hosts of everybody.

Nothing here is ever run: keys are compared as they are, so that `*` removes nothing. But whoever sends such a
value means something else than it says, and a request that asks for all must not be answered with none.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.hosts import to_unicode
from transforms.domain.lookalikes import why_deceptive
from transforms.domain.platforms import are_platforms, are_suffixes
from transforms.domain.readings import only
from transforms.domain.targets import parse_targets

# `%` is a wildcard of SQL unless two digits behind it make it a byte of a URL.
_PATTERN = (
    r"\*|^%|%(?:[^0-9A-Fa-f]|.?$|[0-9A-Fa-f][^0-9A-Fa-f])"  # a*, %a, a%
    r"|^\^|\$$|\.\+|\\[A-Za-z.]"  # ^a, a$, .+, \d
    r"|\[[^\]]*\][+?{]|\(\?|\)[+{]"  # [a-z]+, (?:a), (a)+; `?` alone begins the query of a URL
)
_KIND = r"^(?i:(?:alias|name|host|tag|url|item|owner|content):|#)\s*"
_TOP_LEVEL = r"^(?i:host:\s*|https?://|\.)\.?[A-Za-z0-9-]+/*$"  # `host:com`
_LONG_NUMBER = "^[0-9]{7,}$"
_SCHEME = "^(?i:(?:https?:)?//|host:)"
_ENCODED_HOST = re.compile(r"\S*xn--\S*", re.IGNORECASE)


def suspicions(values: pa.Array) -> pa.Array:
    """Why a person must look at each value before it counts.

    Args:
        values: text, nullable, as it was sent.

    Returns:
        Text, row for row, null where there is nothing to look at; one of a few texts.
    """
    texts = pc.utf8_trim_whitespace(values.fill_null(""))
    bare = pc.replace_substring_regex(texts, _KIND, "")
    targets = parse_targets(texts)
    kinds, keys = (targets[name].combine_chunks() for name in ("kind", "key"))
    hosts = only(pc.equal(kinds, "host"), keys)
    aliases = only(pc.equal(kinds, "alias"), keys)
    return pc.coalesce(
        _where(pc.equal(bare, ""), "names nothing"),
        _where(pc.match_substring_regex(bare, _PATTERN), "is a pattern"),
        _where(are_platforms(hosts), "is a host of many people"),
        _where(are_suffixes(hosts), "is a host of many people"),
        _where(pc.match_substring_regex(texts, _TOP_LEVEL), "is a host of many people"),
        _where(
            pc.match_substring_regex(aliases, _LONG_NUMBER), "is an alias that looks like the id of an item"
        ),
        _deceptions(texts, kinds),
    )


def _where(which: pa.Array, why: str) -> pa.Array:
    return only(which, pa.repeat(pa.scalar(why), len(which)))


def _deceptions(texts: pa.Array, kinds: pa.Array) -> pa.Array:
    """Why each text may deceive a reader; of a URL its host alone is what one goes by."""
    odd = pc.match_substring_regex(texts, r"[^\x00-\x7F]|%|(?i:xn--)")
    rows = pc.indices_nonzero(odd)
    some = texts.take(rows)
    by_host = pc.is_in(kinds.take(rows), pa.array(["url", "host"]))
    hosts = pc.replace_substring_regex(pc.replace_substring_regex(some, _SCHEME, ""), "(?s)[/?#].*", "")
    encoded = pc.if_else(by_host, hosts, some).dictionary_encode()
    why = pa.array([_why_deceptive(text) for text in encoded.dictionary.to_pylist()], pa.string())
    found = pa.nulls(len(texts), pa.string())
    return pc.replace_with_mask(found, odd, why.take(encoded.indices))


def _why_deceptive(text: str) -> str | None:
    return why_deceptive(_ENCODED_HOST.sub(lambda host: to_unicode(host[0].lower()), unquote(text)))
