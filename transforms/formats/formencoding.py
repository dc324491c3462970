"""Text as web forms send it, and YFCC100M stores it: ``+`` is a space, ``%2C`` a comma (WHATWG URL, 5.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_PLUS, _SPACE, _PERCENT = (ord(sign) for sign in "+ %")

_HEX = np.full(256, -1, np.int8)
for _digit in "0123456789abcdefABCDEF":
    _HEX[ord(_digit)] = int(_digit, 16)

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def decode(column: pa.Array) -> pa.Array:
    """Each text decoded; nulls stay, rows and order hold.

    A ``%`` that two hexadecimal digits do not follow is itself. A text that would decode to something other
    than UTF-8 stays exactly as written, so that nothing of it is lost.

    Args:
        column: text (``pa.string()``), possibly a slice or the values of a list.
    """
    if not len(column):
        return column
    offsets, data = _flat(column)
    if not len(data):
        return column
    plus = data == _PLUS
    escapes, values = _escapes(data, offsets)
    if not len(escapes) and not plus.any():
        return column
    # A mask would write one byte at a time; this is arithmetic on many at once.
    decoded = data - plus.view(np.uint8) * np.uint8(_PLUS - _SPACE)
    if len(escapes):
        decoded[escapes] = values
        kept = np.ones(len(data), np.bool_)
        kept[escapes + 1] = False
        kept[escapes + 2] = False
        decoded = decoded[kept]
        offsets = offsets - 2 * np.searchsorted(escapes, offsets).astype(np.int32)
    result = _text(column, offsets, decoded)
    return _restore_broken(result, column) if (values >= 0x80).any() else result


def _flat(column: pa.Array) -> tuple[Offsets, Bytes]:
    """Where each text begins and ends, and the bytes, both counted from the column's own first byte."""
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]


def _escapes(data: Bytes, offsets: Offsets) -> tuple[Places, Bytes]:
    """Where a ``%`` and two hexadecimal digits stand within one text, and the byte that each of them means.

    Two of them never overlap.
    """
    found = np.flatnonzero(data[:-2] == _PERCENT)
    high, low = _HEX[data[found + 1]], _HEX[data[found + 2]]
    sound = (high | low) >= 0
    # Of few texts the last two bytes hold one: it would take its digits from the text behind.
    ends = offsets[1:]
    for back in (1, 2):
        cut = ends[data[np.maximum(ends - back, 0)] == _PERCENT] - back
        sound &= ~np.isin(found, cut) if len(cut) else True
    if not sound.all():
        found, high, low = found[sound], high[sound], low[sound]
    return found, (high.view(np.uint8) << np.uint8(4)) | low.view(np.uint8)


def _text(column: pa.Array, offsets: Offsets, data: Bytes) -> pa.Array:
    validity = None
    if column.null_count:
        validity = pa.py_buffer(np.packbits(column.is_valid().to_numpy(False), bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(column), buffers)


def _restore_broken(decoded: pa.Array, written: pa.Array) -> pa.Array:
    try:
        decoded.validate(full=True)
    except pa.ArrowInvalid:
        pass
    else:
        return decoded
    cells = decoded.view(pa.binary())
    suspects = np.flatnonzero(~pc.string_is_ascii(decoded).fill_null(True).to_numpy(False))
    broken = np.zeros(len(decoded), np.bool_)
    for place in suspects.tolist():
        try:
            cells[place].as_py().decode()
        except UnicodeDecodeError:
            broken[place] = True
    return pc.if_else(pa.array(broken), written.view(pa.binary()), cells).view(pa.string())
