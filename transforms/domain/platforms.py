"""Hosts that hold many people's pictures: an opt-out of one would speak for all of them.

``platforms.csv`` says of each what the hosts below it are: more of the ``platform``, as ``live`` is below
staticflickr.com, or each a ``customer`` of its own, as below blogspot.com.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.hosts import covered_by
from transforms.domain.readings import only


def _known(below_it: str) -> pa.Array:
    rows = csv.DictReader(
        resources.files(__package__).joinpath("platforms.csv").read_text("utf-8").splitlines()
    )
    return pa.array([row["host"] for row in rows if row["below_it"] == below_it])


_WHOLE, _ALONE = _known("platform"), _known("customer")

# Names below which a country lets others be registered, such as `co.uk`. One that is no such name but looks
# so, as `go.de` does, waits for a person too.
_SUFFIX = r"^[^.]+$|^(?:ac|asso|co|com|edu|go|gob|gov|gv|ltd|mil|ne|net|nhs|nom|or|org|plc|sch)\.[a-z]{2}$"


def are_platforms(hosts: pa.Array) -> pa.Array:
    """Whether each normalized host is a platform's own; null where the host is."""
    above = covered_by(hosts)
    rows = above["row"].combine_chunks().filter(pc.is_in(above["key"].combine_chunks(), _WHOLE))
    whole = pc.is_in(pa.array(np.arange(len(hosts), dtype=np.int32)), rows)
    alone = pc.is_in(pc.replace_substring_regex(hosts, r"^www\.", ""), _ALONE)
    return only(hosts.is_valid(), pc.or_(whole, alone))


def are_suffixes(hosts: pa.Array) -> pa.Array:
    """Whether others register their hosts below each normalized host; null where it is null."""
    return pc.match_substring_regex(hosts, _SUFFIX)
