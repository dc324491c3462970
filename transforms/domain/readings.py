"""What a text says, by the first of several rules that understands it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Rule = Callable[[pa.Array], pa.Array]
"""The key that each text names, row for row; null where the rule does not understand it."""


def first_reading(texts: pa.Array, rules: Sequence[tuple[str, Rule]]) -> pa.Table:
    """What the first rule that understands it makes of each text; a rule sees what those before it left.

    Args:
        texts: text, nullable.
        rules: each with the kind of what it finds.

    Returns:
        Row for row, two columns of text, both null where no rule understands it: ``kind`` and ``key``.
    """
    rest = np.arange(len(texts))
    kinds = np.full(len(texts), -1, np.int8)
    places = np.full(len(texts), -1, np.int64)  # of each text's key among the keys found
    found = [pa.array([], pa.string())]
    count = 0
    for number, (_, rule) in enumerate(rules):
        if not len(rest):
            break
        keys = rule(texts)
        hits = keys.is_valid().to_numpy(zero_copy_only=False)
        rows = rest[hits]
        kinds[rows] = number
        places[rows] = count + np.arange(len(rows))
        count += len(rows)
        found.append(keys.drop_null())
        rest, texts = rest[~hits], texts.filter(pa.array(~hits))
    unknown = kinds < 0
    names = pa.array([kind for kind, _ in rules], pa.string())
    return pa.table(
        {
            "kind": names.take(pa.array(kinds, mask=unknown)),
            "key": pa.concat_arrays(found).take(pa.array(places, mask=unknown)),
        }
    )


def captured(texts: pa.Array, pattern: str) -> pa.Array:
    """What the pattern's group ``key`` holds; null where the pattern does not match."""
    return pc.struct_field(pc.extract_regex(texts, pattern), [0])


def only(kept: pa.Array, keys: pa.Array) -> pa.Array:
    """``keys`` where ``kept``, else null."""
    return pc.if_else(kept, keys, pa.scalar(None, keys.type))
