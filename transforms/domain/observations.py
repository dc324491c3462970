"""What one look at an item said: its license and visibility on a day; and which of two looks counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.license_changes import strictest_first
from transforms.domain.texts import encode

VISIBILITIES = ("deleted", "private", "missing", "unknown", "public")
"""From the worst news to the best: of two looks on one day, the worse one is believed.

No file says `missing`: it is what a snapshot of everything says of an item that it does not list.
"""


def severity(visibility: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The place of each visibility in :data:`VISIBILITIES`: smaller is worse news."""
    places = pc.index_in(visibility.cast(pa.string()), pa.array(VISIBILITIES))
    return places.to_numpy(zero_copy_only=False).astype(np.int64)


def worst_first(rows: pa.Table) -> pa.Table:
    """Columns that sort the look of a day to believe first: the worst news, then the strictest license."""
    license_id = encode(rows["license"])
    names = license_id.dictionary.to_pylist()
    ranks = pa.array([sorted(names, key=strictest_first).index(name) for name in names], pa.int32())
    return pa.table(
        {
            "severity": severity(rows["visibility"]),
            "license": ranks.take(license_id.indices),
            "license_raw": rows["license_raw"].cast(pa.string()),
            "owner_id": rows["owner_id"].cast(pa.string()),
        }
    )


def of_manifest(rows: pa.Table, observed_on: pa.Scalar) -> pa.Table:
    """What a manifest taken on a day says about licenses: each of its items was on show that day.

    Args:
        rows: in :data:`schemas.MANIFEST`.
        observed_on: date32.

    Returns:
        In :data:`schemas.LICENSES`, row for row.
    """
    count = len(rows)
    return pa.table(
        {
            "source": rows["source"],
            "item_id": rows["item_id"],
            "owner_id": rows["owner_id"],
            "license": rows["license"],
            "license_raw": rows["license_raw"],
            "visibility": pa.repeat("public", count),
            "observed_on": pa.repeat(observed_on, count),
        }
    )
