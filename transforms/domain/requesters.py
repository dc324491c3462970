"""People who ask, as keyed hashes: enough to see that two requests are one person's, and no more.

Addresses and account names can be enumerated, so that a plain hash of one protects nobody. HMAC with a key
that is kept outside the store does, as long as the key stays there. A person is stored as ``<key id>:<hex>``:
what was hashed with another key is another person, as far as anybody can see.
"""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import encode

LEAST_KEY_BYTES = 16


def key_id(key: bytes) -> str:
    """Which key it is, as 8 hex digits that do not tell the key."""
    return hashlib.sha256(b"byleave requester key\n" + key).hexdigest()[:8]


def keyed(values: pa.Array, key: bytes) -> pa.Array:
    """The keyed hash of each person.

    Args:
        values: text, nullable; empty is null. Capitals, white space around it, and the ways in which Unicode
            can write a letter (NFKC) make no difference.
        key: at least :data:`LEAST_KEY_BYTES` long. Each distinct value is hashed once.

    Returns:
        Text, row for row: ``<key id>:<64 hex digits>``, null where the value is null or blank.
    """
    of = key_id(key)
    people = encode(pc.utf8_trim_whitespace(pc.utf8_normalize(encode(values).cast(pa.string()), form="NFKC")))
    hashed = [
        f"{of}:{hmac.new(key, person.casefold().encode(), hashlib.sha256).hexdigest()}" if person else None
        for person in people.dictionary.to_pylist()
    ]
    return pa.array(hashed, pa.string()).take(people.indices)
