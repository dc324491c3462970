"""Host names: one spelling for each, out of URLs or by themselves.

A host is in lower case and in ASCII (``xn--``, as UTS #46 has it), without port and final dot, and otherwise
as written: ``www.example.com`` is not ``example.com``. An opt-out of a host covers the hosts below it.
"""

from __future__ import annotations

from urllib.parse import unquote

import idna
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import encode

_HOST = r"^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$"
_MOST_CHARACTERS = 253  # RFC 1035, 2.3.4, less the lengths around it
_PORT = ":[0-9]*$"
_USUAL_PORTS = ["http:", "https:", "http:80", "https:443"]
_COMMON_URL = r"^https?://[a-z0-9.-]*[a-z0-9]/"
_AUTHORITY = r"^\s*(?i:(?:https?:)?//)*(?:[^/?#\\]*@)?(?P<host>[^/?#\\\s]*)"
_SCHEME_AND_PORT = r"^\s*(?P<scheme>(?i:https?))://(?:[^/?#\\]*@)?[^/?#\\\s:]*(?P<port>(?::[0-9]*)?)"


def normalize_hosts(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Each host name in its one spelling: ``Bücher.Ex%61mple.:443`` is ``xn--bcher-kva.example``.

    Args:
        texts: text or dictionary-encoded text, nullable.

    Returns:
        Text, row for row, null where the text is null or no host name. Normalizing again changes nothing.
    """
    encoded = encode(texts)
    hosts = pc.replace_substring_regex(encoded.dictionary.cast(pa.string()), _PORT, "")
    if pc.any(pc.match_substring_regex(hosts, r"[^\x00-\x7F]|%")).as_py():
        hosts = pa.array([_to_ascii(host) for host in hosts.to_pylist()], pa.string())
    hosts = pc.ascii_lower(pc.replace_substring_regex(hosts, r"\.$", ""))
    sound = pc.and_(
        pc.match_substring_regex(hosts, _HOST), pc.less_equal(pc.binary_length(hosts), _MOST_CHARACTERS)
    )
    return pc.if_else(sound, hosts, pa.scalar(None, pa.string())).take(encoded.indices)


def hosts_of(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The host of each URL, with a scheme or without, as :func:`normalize_hosts` leaves it.

    Args:
        urls: text or dictionary-encoded text, nullable.

    Returns:
        Text, row for row, null where the URL is null or names no host.
    """
    encoded = urls.combine_chunks() if isinstance(urls, pa.ChunkedArray) else urls
    if pa.types.is_dictionary(encoded.type):
        return hosts_of(encoded.dictionary).take(encoded.indices)
    # Nearly every URL is written plainly, and splitting is a third of the cost of matching.
    if pc.all(pc.match_substring_regex(encoded, _COMMON_URL), min_count=0).as_py():
        return normalize_hosts(pc.list_element(pc.split_pattern(encoded, "/", max_splits=3), 2))
    return normalize_hosts(pc.struct_field(pc.extract_regex(encoded, _AUTHORITY), [0]))


def authorities_of(urls: pa.Array) -> pa.Array:
    """Who answers for each URL: scheme, host, and port where the scheme has another by itself.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, as ``http://example.org:8080``; null where it names no scheme or host.
    """
    scheme, port = pc.extract_regex(urls, _SCHEME_AND_PORT).flatten()
    scheme = pc.ascii_lower(scheme)
    port = pc.replace_substring_regex(port, "^:0*", ":")
    usual = pc.is_in(pc.binary_join_element_wise(scheme, port, ""), pa.array(_USUAL_PORTS))
    port = pc.if_else(usual, "", port)
    return pc.binary_join_element_wise(scheme, "://", hosts_of(urls), port, "")


def covered_by(hosts: pa.Array) -> pa.Table:
    """Each host and all that it lies below, so that a join finds an opt-out of any of them.

    Args:
        hosts: normalized, nullable.

    Returns:
        ``row``, the place in ``hosts``, and ``key``, a host: of ``img.example.com`` itself, ``example.com``
        and ``com``. Nulls have no rows.
    """
    labels = pc.split_pattern(hosts, ".")
    depth = pc.max(pc.list_value_length(labels)).as_py() or 0
    rows, keys = [], []
    for above in range(depth):
        deep = pc.greater(pc.list_value_length(labels), above).fill_null(False)
        rows.append(pc.indices_nonzero(deep).cast(pa.int32()))
        keys.append(pc.replace_substring_regex(hosts.filter(deep), rf"^(?:[^.]*\.){{{above}}}", ""))
    return pa.table(
        {
            "row": pa.chunked_array(rows, pa.int32()).combine_chunks(),
            "key": pa.chunked_array(keys, pa.string()).combine_chunks(),
        }
    )


def to_unicode(host: str) -> str:
    """A normalized host with its ``xn--`` labels in the letters that people see."""
    return ".".join(_label_to_unicode(label) for label in host.split("."))


def _label_to_unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _to_ascii(host: str | None) -> str | None:
    if host is None or (host.isascii() and "%" not in host):
        return host
    try:
        mapped = idna.uts46_remap(unquote(host, errors="strict"), std3_rules=False)
    except (idna.IDNAError, UnicodeDecodeError):
        return None
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode()
        for label in mapped.split(".")
    )
