"""What one look at an item said: its license and visibility on a day; and which of two looks counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

VISIBILITIES = ("deleted", "private", "missing", "unknown", "public")
"""From the worst news to the best: of two looks on one day, the worse one is believed.

No file says `missing`: it is what a snapshot of everything says of an item that it does not list.
"""


_NEWEST = np.iinfo(np.int32).max


def severity(visibility: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The place of each visibility in :data:`VISIBILITIES`: smaller is worse news."""
    places = pc.index_in(visibility.cast(pa.string()), pa.array(VISIBILITIES))
    return places.to_numpy(zero_copy_only=False).astype(np.int64)


def newest_first(rows: pa.Table) -> pa.Table:
    """Columns that sort the look to believe first: newest, worst news, then by license and raw text."""
    return pa.table(
        {
            # Without a day of its own a row is of the snapshot's, and no row is newer than that.
            "age": pc.negate(rows["observed_on"].cast(pa.int32()).fill_null(_NEWEST)),
            "severity": severity(rows["visibility"]),
            "license": rows["license"].cast(pa.string()),
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
