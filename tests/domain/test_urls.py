"""URLs and hosts: one spelling for each, whatever they are written like; and which hosts are below which."""

import re
import string
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

import idna
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.contents import normalize_contents
from transforms.domain.flickrurls import aliases_of
from transforms.domain.hosts import authorities_of, covered_by, hosts_of, normalize_hosts, to_unicode
from transforms.domain.urls import normalize_urls

LABEL = "[a-z0-9_-]+"
UNRESERVED = string.ascii_letters + string.digits + "-._~"
RESERVED = ":/?#@!$&'()*+,;="  # in a path; `[` and `]` are a host's


def plain_host(text):
    """The oracle of hosts, by the reference encoder label by label; None where it is no host name."""
    text = re.sub(":[0-9]*$", "", text)
    try:
        text = unquote(text, errors="strict")
        text = text if text.isascii() else idna.uts46_remap(text, std3_rules=False)
    except (idna.IDNAError, UnicodeDecodeError):
        return None
    labels = [
        label if label.isascii() else "xn--" + label.encode("punycode").decode()
        for label in text.lower().removesuffix(".").split(".")
    ]
    host = ".".join(labels)
    return host if len(host) <= 253 and all(re.fullmatch(LABEL, label) for label in labels) else None


def plain_escape(found):
    letter = unquote_to_bytes(found[0]).decode("latin-1")
    return letter if letter in UNRESERVED + "@" else "%25" if letter == "%" else found[0].upper()


def plain_url(url):
    if url is None:
        return None
    url = url.split("#")[0]
    url = re.sub("^([ \\t\\n\\f\\r]|(https?:)?//)+", "", url, flags=re.IGNORECASE).rstrip(" \t\n\f\r")
    escapes = "%[0-9a-fA-F]{2}|%"
    authority, rest = re.fullmatch(r"([^/?]*)(.*)", url, re.DOTALL).groups()
    host, port = re.fullmatch(r"(.*?)((?:[ \t\n\f\r]*:[0-9]*)?)", authority, re.DOTALL).groups()
    spelled = re.sub(escapes, plain_escape, host)
    lowered = "".join(letter.lower() if letter.isascii() else letter for letter in spelled)
    known = plain_host(host) if host and ":" not in host else None
    if host and ":" not in host and port.strip() in (":", ":80", ":443"):
        port = ""
    authority = (lowered if known is None else known) + port
    if re.search(r"(^|\.)(static)?flickr\.com$|(^|\.)flic\.kr$", authority):
        path, *query = rest.split("?", 1)
        rest = "?".join([re.sub("/+", "/", path), *query])
    return quote(
        re.sub(escapes, plain_escape, authority + rest).rstrip("/"), safe=UNRESERVED + RESERVED + "%"
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
        "www.flickr.com",
        "e%78ample%2eorg",
        "b%C3%bccher.de",
        "%ff.de",
        "%4De%40x",
        "A%2fb",
    ]
) | st.text("aA.-:@\u00e9\u3002\uff21", max_size=6)
URLS = st.none() | st.builds(
    "{}{}{}".format,
    st.sampled_from(["http://", "HTTPS://", "//", "", " http://", "\nhttp:// "]),
    HOSTS,
    st.text("aA/#?%40@:\n \u00c9", max_size=8)
    | st.lists(
        st.sampled_from(["//", "%", "%7e", "%2f", "%25", "41", "%C3", " ", "<", "\u00e9", "?", "a"])
    ).map("".join),
)


@given(st.lists(URLS), st.integers(0, 2))
def test_urls_are_normalized_row_for_row_once_and_for_all(urls, skipped):
    column = pa.array(urls, pa.string())[skipped:]
    once = normalize_urls(column)
    assert once.to_pylist() == [plain_url(url) for url in urls[skipped:]]
    assert normalize_urls(once).equals(once)


# What may stand in a path, once each: a letter, whatever it is written like, or the escape of one that means
# something as itself.
LETTERS = st.sampled_from(
    [*"aF4~-", *"@ /<[%", "\u00e9", "\U0001f41d", *(("escaped", one) for one in "/?:#")]
)


def escaped(letters, capitals):
    text = "".join(f"%{byte:02x}" for byte in letters.encode())
    return text.upper() if capitals else text


@st.composite
def paths(draw, letters):
    """A way to write a path."""
    written = []
    for letter in letters:
        ways = [letter]
        if isinstance(letter, tuple) or letter == "%":
            ways = [escaped(letter[-1], False), escaped(letter[-1], True)]
        elif letter != "/":
            ways += [escaped(letter, False), escaped(letter, True)]
        written.append(draw(st.sampled_from(ways)))
    return "".join(written)


@given(st.data(), st.lists(LETTERS, max_size=6), st.lists(LETTERS, max_size=6))
def test_all_spellings_of_a_path_come_to_one_key_and_other_paths_to_another(data, one, other):
    one, other = [*one, "end"], [*other, "end"]
    keys = [
        normalize_urls(pa.array([f"http://h/{data.draw(paths(path))}"]))[0].as_py()
        for path in (one, one, other)
    ]
    assert keys[0] == keys[1]
    assert (keys[0] == keys[2]) == (one == other)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("http://ex%61mple.org/%7ejoe", "example.org/~joe"),
        ("http://b%C3%BCcher.example/caf%c3%a9", "xn--bcher-kva.example/caf%C3%A9"),
        ("http://example.org/a%2fb/%2541/100%", "example.org/a%2Fb/%2541/100%25"),
        ("http://example.org/a//b c ", "example.org/a//b%20c"),
        ("http://www.flickr.com//photos///x//1?u=http://a", "www.flickr.com/photos/x/1?u=http://a"),
        ("flickr.com//photos/x", "flickr.com/photos/x"),
        ("http://www.flickr.com.example//a", "www.flickr.com.example//a"),
    ],
)
def test_an_escape_says_no_more_than_what_it_stands_for(written, key):
    assert normalize_urls(pa.array([written])).to_pylist() == [key]


def test_no_escape_reaches_from_a_url_into_the_next():
    assert normalize_urls(pa.array(["h/a%", "41%7e", "h/%4", "1%"])).to_pylist() == [
        "h/a%25",
        "41~",
        "h/%254",
        "1%25",
    ]


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


@given(
    st.sampled_from(["http", "HTTPS", "https", "ftp"]),
    st.sampled_from(["", "me@", "me:80@", "a@b:c@"]),
    st.sampled_from(["h.example", "H.Example.", "b\u00fccher.example"]),
    st.none() | st.integers(0, 65535) | st.sampled_from([80, 443]),
    st.sampled_from(["", "/a:80", "?@x:81", "#:82"]),
)
def test_an_authority_is_scheme_host_and_port(scheme, user, host, port, behind):
    written = f"{scheme}://{user}{host}{'' if port is None else f':{port:05}'}{behind}"
    parts = urlsplit(written)
    usual = port is None or port == {"http": 80, "https": 443}.get(parts.scheme)
    expected = f"{parts.scheme}://{plain_host(parts.hostname)}{'' if usual else f':{port}'}"
    (found,) = authorities_of(pa.array([written])).to_pylist()
    assert found == (expected if parts.scheme in ("http", "https") else None)
    assert authorities_of(pa.array([written, None, "https://[::1]/"])).to_pylist() == [found, None, None]


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
        ("https://www.flickr.com//photos//b%65es/", "bees"),
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
