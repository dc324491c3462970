"""The ways in which people write what they mean, each with what it names."""

import re
import unicodedata

from hypothesis import strategies as st

from transforms.domain.targets import KINDS

BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

ITEM_IDS = st.integers(1, 10**19 - 1).map(str)
SECRETS = st.text("0123456789abcdef", min_size=1, max_size=10)
NSIDS = st.builds("{}@N{:02}".format, st.integers(1, 10**9), st.integers(0, 99))
ALIASES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-", min_size=1, max_size=9).filter(
    lambda alias: alias.lower() not in ("tags", "me", "search", "upload", "friends", "groups")
)
NAMES = st.text("aB \u00e9\u0416\u5c71*'", min_size=1, max_size=8).filter(lambda name: name.strip())
HEX = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)
DOMAINS = st.sampled_from(
    ["example.com", "img.museum.example", "xn--bcher-kva.de", "93.184.216.34", "a_b.c-d.io"]
)
SCHEMES = st.sampled_from(["http://", "https://", "HTTPS://", "//", ""])
USERS = st.sampled_from(["", "", "me@", "Me:pw@x@", "12@n01@"])  # before a host: nobody whom it names
HOSTS = st.sampled_from(
    ["www.flickr.com", "flickr.com", "m.flickr.com", "WWW.Flickr.com", "secure.flickr.com", "flickr.com:443"]
)
IMAGE_HOSTS = st.sampled_from(
    ["farm3.static.flickr.com", "farm66.staticflickr.com", "live.staticflickr.com", "c1.staticflickr.com"]
)
BEHIND = st.sampled_from(["", "/", "/in/photostream/", "/sizes/l", "?size=b", "#comments", "/?x=1#y"])
OWN_LISTS = st.sampled_from(["", "/", "?a=b", "/?a=b", "/#x", "/albums", "/sets/", "/page2"])
WORDS = st.sampled_from(["", ",", ".", " please", " (mine, all of it)", ")."])
SPACE = st.sampled_from(["", " ", "\t", "\r\n", "\u00a0"])


def base58(number):
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = BASE58[digit] + digits
    return digits


def written_in_some_case(text):
    return st.sampled_from([text, text.upper(), text.title()])


@st.composite
def items(draw, item):
    """A way to write an item."""
    site = draw(SCHEMES) + draw(USERS) + draw(HOSTS)
    behind, words = draw(BEHIND), draw(WORDS)
    who = draw(NSIDS | ALIASES)
    scheme, size = draw(SCHEMES) + draw(USERS), draw(st.sampled_from(["", "_b", "_o_d"]))
    image = f"{draw(st.sampled_from(['65535', '7/6543']))}/{item}_{draw(SECRETS)}{size}.jpg"
    query = draw(st.sampled_from(["id={}", "rb=1&id={}", "id={}&size=o"])).format(item)
    ways = [
        item,
        f"{site}/photos/{who}/{item}{behind}{words}",
        f"{site}/videos/{who}/{item}{behind}",
        f"{site}/x/t/0092009/photos/{who}/{item}/",
        f"{site}/photo.gne?{query}",
        f"{site}/photo_zoom.gne?{query}",
        f"{site}/apps/video/stewart.swf?v=1&photo_id={item}",
        f"{scheme}embedr.flickr.com/photos/{item}",
        f"{scheme}{draw(IMAGE_HOSTS)}/{image}{draw(st.sampled_from(['', '?x=1', ' mine']))}",
        f"{scheme}photos23.flickr.com/{item}_{draw(SECRETS)}_o.jpg",
        f"{scheme}live.staticflickr.com/video/{item}/{draw(SECRETS)}/720p.mp4?s=eyJ",
    ]
    if int(item) < 58**10:
        code = base58(int(item))
        ways += [f"{scheme}flic.kr/p/{code}{draw(st.sampled_from(['', '/', ' mine']))}"]
        ways += [f"{site}/photo.gne?short={code}"]
    return draw(st.sampled_from(ways))


@st.composite
def owners(draw, nsid):
    """A way to write an owner."""
    at = draw(st.sampled_from([nsid, nsid.replace("@", "%40"), nsid.replace("@N", "%40n")]))
    site = draw(SCHEMES) + draw(USERS) + draw(HOSTS)
    return draw(
        st.sampled_from(
            [
                at,
                f"{site}/photos/{at}{draw(OWN_LISTS)}{draw(WORDS)}",
                f"{site}/people/{at}{draw(BEHIND)}{draw(WORDS)}",
            ]
        )
    )


@st.composite
def aliases(draw, alias):
    """A way to write an alias."""
    site, alias = draw(SCHEMES) + draw(USERS) + draw(HOSTS), draw(written_in_some_case(alias))
    ways = [
        f"alias:{alias}",
        f"{site}/photos/{alias}{draw(OWN_LISTS)}",
        f"{site}/people/{alias}{draw(BEHIND)}",
    ]
    return draw(st.sampled_from(ways))


@st.composite
def spelled(draw):
    """A target as written, and what it names."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "item":
        item = draw(ITEM_IDS)
        return draw(items(item)), (kind, item)
    if kind == "owner":
        nsid = draw(NSIDS)
        return draw(owners(nsid)), (kind, nsid)
    if kind == "alias":
        alias = draw(ALIASES)
        return draw(aliases(alias)), (kind, alias.lower())
    if kind == "name":
        name = draw(NAMES)
        return draw(st.sampled_from(["name:", "Name: "])) + name, (kind, " ".join(name.lower().split()))
    if kind == "host":
        host = draw(DOMAINS)
        written = draw(written_in_some_case(host)) + draw(st.sampled_from(["", ".", ":80", ":8080"]))
        marks = [
            ("", ""),
            ("", "/"),
            ("host:", ""),
            ("https://", ""),
            ("HTTP://", "//"),
            ("https://", "/#top"),
        ]
        before, behind = draw(st.sampled_from(marks))
        return before + written + behind, (kind, host)
    if kind == "content":
        digits = draw(HEX)
        function, times = draw(st.sampled_from([("md5", 1), ("sha256", 2)]))
        before = draw(st.sampled_from(["", f"{function}:", f"{function.upper()}:"]))
        return before + digits * times, (kind, f"{function}:{digits.lower() * times}")
    if kind == "url":
        host, path = draw(DOMAINS), draw(st.sampled_from(["a", "A/b.JPG", "a?b&c", "caf%C3%A9", "~joe/x"]))
        written = path.replace(*draw(st.sampled_from([("~", "~"), ("%C3%A9", "\u00e9"), ("~", "%7e")])))
        scheme = draw(st.sampled_from(["http://", "https://", "HTTP://"]))
        behind = draw(st.sampled_from(["", "/", "#top", "//#x"]))
        return f"{scheme}{draw(written_in_some_case(host))}/{written}{behind}", (kind, f"{host}/{path}")
    tag = draw(st.text("aBc1_- \u00e9\u0416", min_size=1, max_size=8).filter(lambda tag: tag.strip(" _-")))
    return draw(st.sampled_from(["#", "tag:", "TAG:"])) + tag, ("tag", plain_tag(tag))


def plain_tag(tag):
    return re.sub("[ _-]", "", unicodedata.normalize("NFKD", tag).lower())
