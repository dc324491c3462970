"""URLs and hosts: one spelling for each, whatever they are written like; and which hosts are below which."""

import re

import idna
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.contents import normalize_contents
from transforms.domain.flickrurls import aliases_of
from transforms.domain.hosts import covered_by, hosts_of, normalize_hosts, to_unicode
from transforms.domain.urls import normalize_urls

LABEL = "[a-z0-9_-]+"


def plain_host(text):
    """The oracle of hosts, by the reference encoder label by label; None where it is no host name."""
    text = re.sub(":[0-9]*$", "", text)
    try:
        text = text if text.isascii() else idna.uts46_remap(text, std3_rules=False)
    except idna.IDNAError:
        return None
    labels = [
        label if label.isascii() else "xn--" + label.encode("punycode").decode()
        for label in text.lower().removesuffix(".").split(".")
    ]
    host = ".".join(labels)
    return host if len(host) <= 253 and all(re.fullmatch(LABEL, label) for label in labels) else None


def plain_url(url):
    if url is None:
        return None
    url = url.split("#")[0]
    url = re.sub("^([ \\t\\n\\f\\r]|(https?:)?//)+", "", url, flags=re.IGNORECASE)
    url = url.replace("%40", "@").rstrip("/ \t\n\f\r")
    authority, rest = re.fullmatch(r"([^/?]*)(.*)", url, re.DOTALL).groups()
    host, port = re.fullmatch(r"(.*?)((?:[ \t\n\f\r]*:[0-9]*)?)", authority, re.DOTALL).groups()
    lowered = "".join(letter.lower() if letter.isascii() else letter for letter in host)
    known = None if ":" in host else plain_host(host)
    return (
        (lowered if known is None else known)
        + ("" if port.strip() in (":", ":80", ":443") and ":" not in host else port)
        + rest
    )


HOSTS = st.sampled_from(
    [
        "Example.COM",
        "a.b",
        "",
        "WWW.\u00c9.com",
        "b\u00fccher.de",
        "\u2603.net",
        "a..b",
        "me@x",
        "a.b.",
        "a:",
        "h:8080",
    ]
) | st.text("aA.-:@\u00e9\u3002\uff21", max_size=6)
URLS = st.none() | st.builds(
    "{}{}{}".format,
    st.sampled_from(["http://", "HTTPS://", "//", "", " http://", "\nhttp:// "]),
    HOSTS,
    st.text("aA/#?%40@:\n \u00c9", max_size=8),
)


@given(st.lists(URLS), st.integers(0, 2))
def test_urls_are_normalized_row_for_row_once_and_for_all(urls, skipped):
    column = pa.array(urls, pa.string())[skipped:]
    once = normalize_urls(column)
    assert once.to_pylist() == [plain_url(url) for url in urls[skipped:]]
    assert normalize_urls(once).equals(once)


@given(st.lists(st.none() | HOSTS), st.integers(0, 2))
def test_hosts_are_normalized_row_for_row_once_and_for_all(hosts, skipped):
    column = pa.array(hosts, pa.string())[skipped:]
    once = normalize_hosts(column)
    assert once.to_pylist() == [None if host is None else plain_host(host) for host in hosts[skipped:]]
    assert normalize_hosts(once).equals(once)


@given(
    st.lists(st.none() | HOSTS.filter(lambda host: "@" not in host)),
    st.sampled_from(["/a", "?a/b", "#a", "", "\\a"]),
)
def test_the_host_of_a_url_is_its_host_however_it_is_written(hosts, behind):
    expected = normalize_hosts(pa.array(hosts, pa.string())).to_pylist()
    for before in ("http://", "HTTPS://", "//", "https://me@", "https://me:pw@x@", " \nhttp://"):
        urls = [None if host is None else before + host + behind for host in hosts]
        assert hosts_of(pa.array(urls, pa.string())).to_pylist() == expected
        assert (
            hosts_of(pa.chunked_array([urls, urls], pa.string()).dictionary_encode()).to_pylist()
            == expected * 2
        )


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("日本。jp", "xn--wgv71a.jp"),
        ("\uff27\uff2f\uff2fgle.com", "google.com"),
        ("a." + "b" * 252, None),
        ("℀.com", None),
        ("[::1]", None),
    ],
)
def test_hosts_in_other_letters(written, host):
    assert normalize_hosts(pa.array([written])).to_pylist() == [host]
    if host:
        assert plain_host(to_unicode(host)) == host


@given(
    st.lists(st.none() | st.lists(st.sampled_from(["a", "b", "co"]), min_size=1, max_size=4).map(".".join))
)
def test_a_host_is_covered_by_itself_and_all_above_it(hosts):
    found = {*zip(*covered_by(pa.array(hosts, pa.string())).to_pydict().values(), strict=True)}
    assert found == {
        (row, ".".join(host.split(".")[above:]))
        for row, host in enumerate(hosts)
        if host
        for above in range(host.count(".") + 1)
    }


@pytest.mark.parametrize(
    ("page", "alias"),
    [
        ("http://www.flickr.com/photos/Bees/123/", "bees"),
        ("flickr.com/people/bee_s-1", "bee_s-1"),
        ("https://m.flickr.com/photos/bees?x", "bees"),
        ("https://WWW.Flickr.com/photos/bees", "bees"),
        (" https://www.flickr.com./photos/bees\n", "bees"),
        ("http://www.flickr.com/photos/123@N00/123/", None),
        ("http://www.flickr.com/photos/123%40N00/123/", None),
        ("http://www.flickr.com/photos/tags/bees/", None),
        ("http://www.flickr.com/groups/bees/", None),
        ("http://flickr.com.example/photos/bees/", None),
        ("http://example.com/flickr.com/photos/bees/", None),
        (None, None),
    ],
)
def test_the_alias_in_a_page(page, alias):
    assert aliases_of(pa.array([page], pa.string())).to_pylist() == [alias]


@given(st.lists(st.none() | st.text("0aF:md5", max_size=40) | st.text("aF9", min_size=64, max_size=64)))
def test_hashes_are_normalized_once_and_for_all(texts):
    once = normalize_contents(pa.array(texts, pa.string()))
    assert normalize_contents(once).equals(once)
    assert normalize_contents(pa.chunked_array([texts], pa.string())).equals(once)
