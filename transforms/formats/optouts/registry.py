"""What a registry of opt-outs answers, as Spawning's does: of each URL whether it is opted out.

The registry is one of AI training, and an answer says no to both kinds of training and nothing of search or
of research without models. An answer `false` withdraws what the same registry said before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from transforms.domain.texts import shown
from transforms.formats.lists import Faults
from transforms.formats.optouts.entries import Received

PURPOSES = ("generative-training", "discriminative-training")
ORIGIN = "registry"


def rows(
    line: int, answers: Sequence[object], received: Received, faults: Faults
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The answers on ``line`` as rows of cells. Members other than ``url`` and ``optOut`` are not read."""
    same = {"purposes": "" if received.purposes is not None else ";".join(PURPOSES)}
    same["origin"] = received.origin or ORIGIN
    for place, answer in enumerate(answers):
        url, opted_out = (
            (answer.get("url"), answer.get("optOut")) if isinstance(answer, Mapping) else (None, None)
        )
        if not isinstance(url, str) or not url.strip():
            words = f", urls[{place}].url: {shown(url)} is not a URL"
        elif not isinstance(opted_out, bool):
            words = f", urls[{place}].optOut: {shown(opted_out)} is not true or false"
        else:
            yield line, {"url": url.strip(), "state": "active" if opted_out else "withdrawn", **same}
            continue
        faults.add(np.array([line], np.int64), iter([words]))
