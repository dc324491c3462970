"""Who speaks of an item: by its id, by the URL of its page or its image, or by their hosts.

Of a host, the rules of the longest pattern that matches the path speak, for each mechanism by itself, and for
each authority: what a host says on one port leaves what it says on another, and an item hears both.
TDMRep's header beats its file on the same URL (TDMRep, "Processing priority"); nothing else beats anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.hosts import hosts_of
from transforms.domain.lookup import Ids
from transforms.domain.targets import normalize_urls
from transforms.domain.texts import encode
from transforms.signals import paths

SIDES = ("page_url", "image_url")
"""An item's own addresses."""

_Places = npt.NDArray[np.int64]


class Said(NamedTuple):
    """Which rules speak of which rows: pairs of places, each once, by row and then by rule."""

    rows: _Places
    rules: _Places


def who_speaks(rows: pa.Table, signals: pa.Table) -> Said:
    """Which of the signals speak of which rows, also those that say nothing; see :func:`adjudicate`."""
    said = _together([_by_item(rows, signals), *(_by_address(rows[side], signals) for side in SIDES)])
    count = max(len(signals), 1)
    pairs = np.unique(said.rows * count + said.rules)
    return Said(*np.divmod(pairs, count))


def _of_kind(signals: pa.Table, kind: str) -> _Places:
    return np.flatnonzero(pc.equal(signals["kind"], kind).to_numpy())


def _by_item(rows: pa.Table, signals: pa.Table) -> Said:
    rules = _of_kind(signals, "item")
    few = signals.select(["source", "key"]).take(pa.array(rules))
    places = Ids(rows["source"], rows["item_id"]).find(Ids(few["source"], few["key"]))
    return Said(places[places >= 0], rules[places >= 0])


def _by_address(urls: pa.ChunkedArray, signals: pa.Table) -> Said:
    """Who speaks of the rows by one of their addresses."""
    urls = _one_chunk(urls)
    of_urls, of_hosts = _of_kind(signals, "url"), _of_kind(signals, "host")
    said = [Said(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    if len(of_urls):
        said.append(_meet(normalize_urls(urls), _one_chunk(signals["key"]), of_urls))
    if len(of_hosts):
        said.append(_by_host(urls, signals, of_hosts))
    return _without_beaten(_together(said), signals)


def _together(said: Sequence[Said]) -> Said:
    return Said(np.concatenate([each.rows for each in said]), np.concatenate([each.rules for each in said]))


def _without_beaten(said: Said, signals: pa.Table) -> Said:
    """``said`` of one address each, without TDMRep's file where the same authority's header says anything."""
    of_file = pc.equal(signals["mechanism"], "tdmrep-file").to_numpy()[said.rules]
    stated = (signals["no"].to_numpy() | signals["yes"].to_numpy()) != 0
    header = pc.equal(signals["mechanism"], "tdmrep-header").to_numpy()
    header &= stated & pc.equal(signals["kind"], "url").to_numpy()
    authorities = encode(signals["authority"])
    codes = authorities.indices.fill_null(len(authorities.dictionary)).to_numpy()
    heard = said.rows * (len(authorities.dictionary) + 1) + codes[said.rules]
    beaten = of_file & np.isin(heard, heard[header[said.rules]])
    return Said(said.rows[~beaten], said.rules[~beaten])


def _by_host(urls: pa.Array, signals: pa.Table, rules: _Places) -> Said:
    hosts = pc.dictionary_encode(hosts_of(urls))
    few = signals.select(["key", "authority", "path", "mechanism", "fact"]).take(pa.array(rules))
    keys, authorities, mechanisms = (encode(few[name]) for name in ("key", "authority", "mechanism"))
    documents = (len(authorities.dictionary) + 1) * len(mechanisms.dictionary)
    group = authorities.indices.fill_null(len(authorities.dictionary)).to_numpy().astype(np.int64)
    group = group * len(mechanisms.dictionary) + mechanisms.indices.to_numpy()
    group += keys.indices.to_numpy().astype(np.int64) * documents
    answers = pc.is_in(few["fact"], pa.array(["ok", "malformed"])).to_numpy()
    # Most answers are about all of a host; and that one could not be read is about all of it too.
    in_parts = answers & np.isin(group, group[answers & pc.not_equal(few["path"], "/").to_numpy()])
    said = [_meet(hosts, _one_chunk(signals["key"]), rules[~in_parts])]
    host = pc.index_in(hosts.dictionary, keys.dictionary).take(hosts.indices).fill_null(-1).to_numpy()
    for each in np.unique(group[in_parts]).tolist():
        rows = np.flatnonzero(host == each // documents)
        if not len(rows):
            continue
        ours = np.flatnonzero(in_parts & (group == each))
        patterns = encode(few["path"].take(pa.array(ours)))
        which, known = patterns.indices.to_numpy(), patterns.dictionary.to_pylist()
        for places, pattern in paths.longest(paths.paths_of(urls.take(pa.array(rows))), known):
            speak = rules[ours[which == pattern]]
            said.append(Said(np.repeat(rows[places], len(speak)), np.tile(speak, len(places))))
    return _together(said)


def _meet(keys: pa.Array, known: pa.Array, rules: _Places) -> Said:
    """The rows whose key is a rule's, with each such rule."""
    distinct = pc.dictionary_encode(known.take(pa.array(rules)))
    code = distinct.indices.to_numpy()
    order = rules[np.argsort(code, kind="stable")]
    counts = np.bincount(code, minlength=len(distinct.dictionary)).astype(np.int64)
    begins = np.cumsum(counts) - counts
    if pa.types.is_dictionary(keys.type):
        met = pc.index_in(keys.dictionary, distinct.dictionary).take(keys.indices)
    else:
        met = pc.index_in(keys, distinct.dictionary)
    met = met.fill_null(-1).to_numpy().astype(np.int64)
    rows = np.flatnonzero(met >= 0)
    times = counts[met[rows]]
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    return Said(np.repeat(rows, times), order[np.repeat(begins[met[rows]], times) + within])


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    chunk = column.combine_chunks()
    chunk = pa.concat_arrays(chunk.chunks) if isinstance(chunk, pa.ChunkedArray) else chunk
    return chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
