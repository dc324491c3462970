"""What signals have to come to, case by case: captures of a host or an item, and the answer for a purpose.

All are of `https://h.example`, seen by the agent `ourbot`. Documents are a site's, headers those of an item's
image, manifests those of the image's bytes.
"""

from __future__ import annotations

import json
from typing import NamedTuple

GENERATIVE, DISCRIMINATIVE = "generative-training", "discriminative-training"


class Vector(NamedTuple):
    name: str
    answer: str
    headers: str | None = None
    robots: str | None = None
    tdmrep: str | None = None
    manifest: str | None = None
    purpose: str = GENERATIVE
    path: str = "/img/a.jpg"
    fact: str = "ok"  # of what was read
    vocabulary: str | None = None
    evidence: str = ""  # part of it


def x_robots_tag(*values: str, answer: str, **more: str) -> Vector:
    lines = "\n".join(f"X-Robots-Tag: {value}" for value in values)
    return Vector(f"X-Robots-Tag: {' | '.join(values)}", answer, headers=lines, **more)


def content_usage(value: str, answer: str, **more: str) -> Vector:
    return Vector(f"Content-Usage: {value}", answer, headers=f"Content-Usage: {value}", **more)


def every_agent(*lines: str) -> str:
    return "\n".join(["User-agent: *", "Allow: /", *lines])


def assertion(entries: dict[str, dict[str, str]], label: str = "cawg.training-mining") -> str:
    manifest = {"assertions": [{"label": label, "data": {"entries": entries}}]}
    return json.dumps({"active_manifest": "urn:1", "manifests": {"urn:1": manifest}})


def rules_of_paths(*rules: tuple[str, int]) -> str:
    return json.dumps([{"location": path, "tdm-reservation": value} for path, value in rules])


_EXPIRES = "unavailable_after: 25 Jun 2030 15:00:00 PST"
_RESERVED_IMAGES = json.dumps([{"location": "/img/*", "tdm-reservation": 1}])
_OFFER = json.dumps([{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://h.example/policy.json"}])
_ONE_FOLDER = every_agent("Content-Usage: /photos/ train-ai=n")

X_ROBOTS_TAG = [
    x_robots_tag("noai", answer="no"),
    x_robots_tag("NoAI", answer="no"),
    x_robots_tag(f"noai, {_EXPIRES}", answer="no"),
    x_robots_tag(f"{_EXPIRES}, noai", answer="no"),
    x_robots_tag("unavailable_after: Tue, 25 Jun 2030 15:00:00 GMT, noai", answer="no"),
    x_robots_tag("unavailable_after: Tuesday, 25-Jun-30 15:00:00 UTC, ourbot: noai", answer="no"),
    x_robots_tag(f"ourbot: {_EXPIRES}, noai", answer="no"),
    x_robots_tag(f"otherbot: {_EXPIRES}, noai", answer="unknown"),
    x_robots_tag("ourbot: noai", answer="no"),
    x_robots_tag("OurBot: noai", answer="no"),
    x_robots_tag("OURBOT/2.1: noai", answer="no"),
    x_robots_tag("otherbot: nofollow, ourbot: noai", answer="no"),
    x_robots_tag("ourbot: nofollow, noai", answer="no"),
    x_robots_tag("otherbot: noindex, noai", answer="unknown"),
    x_robots_tag("googlebot: nofollow, otherbot: noai", answer="unknown"),
    x_robots_tag("ourbot2: noai", answer="unknown"),
    x_robots_tag("otherbot: noai", "noai", answer="no"),
    x_robots_tag("noai;", answer="no", fact="malformed"),
    x_robots_tag(f"{_EXPIRES}, noai;", answer="no", fact="malformed"),
    x_robots_tag("noindex noai", answer="no", fact="malformed"),
    x_robots_tag("none", answer="unknown"),
    x_robots_tag("none", answer="no", purpose="search"),
    x_robots_tag("noindex", answer="no", purpose="search"),
    x_robots_tag("noindex", answer="unknown"),
    x_robots_tag("max-image-preview: none", answer="unknown"),
    x_robots_tag("max-image-preview: none", answer="unknown", purpose="search"),
    x_robots_tag("ourbot: max-image-preview: none, noai", answer="no"),
    x_robots_tag("noindex", "noai", answer="no"),
    x_robots_tag("noimageai", answer="no"),
    x_robots_tag("noai", answer="no", purpose="face-recognition"),
    x_robots_tag("noai", answer="unknown", purpose="commercial"),
    x_robots_tag("all", answer="unknown"),
]

TDMREP = [
    Vector("header 1", "no", headers="tdm-reservation: 1"),
    Vector("header 1, for commerce", "no", headers="tdm-reservation: 1", purpose="commercial"),
    Vector(
        "header 1, for research", "unknown", headers="tdm-reservation: 1", purpose="research-noncommercial"
    ),
    Vector("header 1, for search", "unknown", headers="tdm-reservation: 1", purpose="search"),
    Vector(
        "header 1 with an offer", "no", headers="tdm-reservation: 1\ntdm-policy: https://h.example/p.json"
    ),
    Vector("header 0", "yes", headers="tdm-reservation: 0"),
    Vector("header 0, for faces", "unknown", headers="tdm-reservation: 0", purpose="face-detection"),
    Vector("header 0, for commerce", "unknown", headers="tdm-reservation: 0", purpose="commercial"),
    Vector("header beats file", "yes", headers="tdm-reservation: 0", tdmrep=_RESERVED_IMAGES),
    Vector("no header leaves the file", "no", headers="Server: x", tdmrep=_RESERVED_IMAGES),
    Vector("header true", "unknown", headers="tdm-reservation: true", fact="malformed"),
    Vector("header 0 and 1", "no", headers="tdm-reservation: 0\ntdm-reservation: 1", fact="malformed"),
    Vector("file", "no", tdmrep=_RESERVED_IMAGES),
    Vector("file of other paths", "unknown", tdmrep=_RESERVED_IMAGES, path="/about/a.jpg"),
    Vector("file with an offer", "no", tdmrep=_OFFER, evidence="policy.json"),
    Vector("first in sequence", "no", tdmrep=rules_of_paths(("/", 1), ("/img/", 0))),
    Vector("most specific", "yes", tdmrep=rules_of_paths(("/img/", 0), ("/", 1))),
    Vector("perhaps first", "unknown", tdmrep=rules_of_paths(("/*.png", 1), ("/img/a.jpg", 0))),
    Vector("file true", "unknown", tdmrep='[{"location": "/", "tdm-reservation": true}]', fact="malformed"),
    Vector("file '1'", "unknown", tdmrep='[{"location": "/", "tdm-reservation": "1"}]', fact="malformed"),
    Vector(
        "file without a slash", "no", tdmrep='[{"location": "img", "tdm-reservation": 1}]', fact="malformed"
    ),
    Vector(
        "no file but a page", "unknown", tdmrep="<!doctype html>", fact="unreadable", evidence="parse_error"
    ),
]

AIPREF = [
    content_usage("train-ai=n", "no", vocabulary="aipref-07"),
    content_usage("train-ai=n", "unknown", purpose=DISCRIMINATIVE),
    content_usage("train-ai=N", "unknown", fact="malformed"),
    content_usage("Train-AI=n", "unknown", fact="malformed"),
    content_usage('train-ai="n"', "unknown", fact="malformed"),
    content_usage("train-ai", "unknown", fact="malformed"),
    content_usage("train-ai=?0", "unknown", fact="malformed"),
    content_usage("train-ai=n, train-ai=y", "yes"),
    content_usage("train-ai=y, train-ai=n", "no"),
    content_usage("train-ai;why=n, train-ai=y", "yes"),
    content_usage("train-ai=y;note=n", "yes"),
    content_usage("train-ai=y, nonsense=?", "unknown", fact="malformed"),
    content_usage("x-own=n", "unknown"),
    content_usage("", "unknown"),
    content_usage("search=n", "unknown"),
    content_usage("search=n", "no", purpose="search"),
    content_usage("genai=n", "no", vocabulary="aipref-01"),
    content_usage("genai=n", "unknown", purpose=DISCRIMINATIVE),
    content_usage("ai=n", "no", vocabulary="aipref-01", purpose=DISCRIMINATIVE),
    content_usage("tdm=n", "no", vocabulary="aipref-01", purpose="ai-inference"),
    content_usage("all=n, search=y", "yes", vocabulary="aipref-02", purpose="search"),
    content_usage("all=n, search=y", "no", vocabulary="aipref-02"),
    content_usage("train-ai=n, train-genai=n", "no", vocabulary="aipref-03", purpose=DISCRIMINATIVE),
    content_usage("bots=n", "no", vocabulary="aipref-04", purpose="computer-vision"),
    content_usage("ai-output=n", "no", vocabulary="aipref-04", purpose="ai-inference"),
    content_usage("bots=n, genai=y", "no", vocabulary="aipref-04+aipref-01"),
    Vector(
        "two lines are one dictionary", "yes", headers="Content-Usage: train-ai=n\nContent-Usage: train-ai=y"
    ),
    Vector("path", "no", robots=_ONE_FOLDER, path="/photos/1"),
    Vector("other path", "unknown", robots=_ONE_FOLDER, path="/about"),
    Vector(
        "longest path",
        "yes",
        robots=every_agent("Content-Usage: /photos/ train-ai=n", "Content-Usage: /photos/free/ train-ai=y"),
        path="/photos/free/1",
    ),
    Vector(
        "no longest path",
        "no",
        robots=every_agent("Content-Usage: /photos/ train-ai=n", "Content-Usage: /photos/free/ train-ai=y"),
        path="/photos/1",
    ),
    Vector(
        "one path twice",
        "no",
        robots=every_agent("Content-Usage: /img/ train-ai=n", "Content-Usage: /img/ train-ai=y"),
    ),
    Vector(
        "header yes, robots.txt no",
        "no",
        headers="Content-Usage: train-ai=y",
        robots=_ONE_FOLDER,
        path="/photos/1",
    ),
    Vector(
        "our own group",
        "yes",
        robots="User-agent: *\nContent-Usage: train-ai=n\n\nUser-agent: OurBot\nContent-Usage: train-ai=y",
    ),
    Vector(
        "a group of several",
        "no",
        robots="User-agent: ourbot\nUser-agent: otherbot\nContent-Usage: train-ai=n",
    ),
    Vector("before any group, no", "no", robots="Content-Usage: train-ai=n\nUser-agent: *\nAllow: /"),
    Vector("before any group, yes", "unknown", robots="Content-Usage: train-ai=y\nUser-agent: *\nAllow: /"),
]

CONTENT_SIGNAL = [
    Vector("ai-train", "no", robots=every_agent("Content-Signal: search=yes, ai-train=no")),
    Vector(
        "search",
        "yes",
        robots=every_agent("Content-Signal: search=yes, ai-train=no"),
        purpose="search",
    ),
    Vector(
        "training of any kind",
        "no",
        robots=every_agent("content-signal: ai-train=no"),
        purpose=DISCRIMINATIVE,
    ),
    Vector("ai-input", "no", robots=every_agent("Content-Signal: ai-input=no"), purpose="ai-inference"),
    Vector("nothing said of it", "unknown", robots=every_agent("Content-Signal: search=yes")),
    Vector("both", "no", robots=every_agent("Content-Signal: ai-train=yes, ai-train=no")),
    Vector("maybe", "unknown", robots=every_agent("Content-Signal: ai-train=maybe"), fact="malformed"),
    Vector("fetching is not use", "unknown", robots="User-agent: *\nDisallow: /"),
]

_NOT_ALLOWED = {"use": "notAllowed"}
_UNTIL_ASKED = "ask first"

C2PA = [
    Vector(
        "ai_training",
        "no",
        manifest=assertion({"cawg.ai_training": _NOT_ALLOWED}),
        purpose=DISCRIMINATIVE,
        vocabulary="cawg.training-mining",
    ),
    Vector(
        "ai_training is not generative", "unknown", manifest=assertion({"cawg.ai_training": _NOT_ALLOWED})
    ),
    Vector("ai_generative_training", "no", manifest=assertion({"cawg.ai_generative_training": _NOT_ALLOWED})),
    Vector(
        "ai_inference",
        "no",
        manifest=assertion({"cawg.ai_inference": _NOT_ALLOWED}),
        purpose="ai-inference",
    ),
    Vector(
        "data_mining", "no", manifest=assertion({"cawg.data_mining": _NOT_ALLOWED}), purpose="computer-vision"
    ),
    Vector(
        "legacy label",
        "no",
        manifest=assertion({"c2pa.ai_generative_training": _NOT_ALLOWED}, "c2pa.training-mining"),
        vocabulary="c2pa.training-mining",
    ),
    Vector(
        "several assertions",
        "no",
        manifest=assertion({"cawg.ai_generative_training": _NOT_ALLOWED}, "cawg.training-mining__2"),
    ),
    Vector("constrained", "no", manifest=assertion({"cawg.ai_generative_training": {"use": "constrained"}})),
    Vector(
        "legacy constrained",
        "no",
        manifest=assertion({"c2pa.ai_generative_training": {"use": "constrained"}}, "c2pa.training-mining"),
    ),
    *(
        Vector(
            spelling,
            "no",
            manifest=assertion(
                {"cawg.ai_generative_training": {"use": "constrained", spelling: _UNTIL_ASKED}}
            ),
            evidence=_UNTIL_ASKED,
        )
        for spelling in ("constraint_info", "constraints_info")
    ),
    Vector("allowed", "yes", manifest=assertion({"cawg.ai_generative_training": {"use": "allowed"}})),
    Vector(
        "allowed, for faces",
        "unknown",
        manifest=assertion({"cawg.ai_training": {"use": "allowed"}}),
        purpose="face-detection",
    ),
    Vector(
        "allowed by what is not valid",
        "unknown",
        manifest=assertion({"cawg.ai_generative_training": {"use": "allowed"}})[:-1]
        + ', "validation_state": "Invalid"}',
    ),
    Vector(
        "another spelling",
        "unknown",
        manifest=assertion({"cawg.ai_generative_training": {"use": "Allowed"}}),
        fact="malformed",
    ),
    Vector("unreadable", "unknown", manifest="error: ", fact="unreadable", evidence="parse_error"),
    Vector("no such assertion", "unknown", manifest='{"active_manifest": null, "manifests": {}}'),
]

VECTORS = X_ROBOTS_TAG + TDMREP + AIPREF + CONTENT_SIGNAL + C2PA
