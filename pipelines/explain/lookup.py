"""Finding what a person means: an item, an owner, or whatever carries a URL, a hash or a name."""

from __future__ import annotations

import pyarrow as pa

from pipelines.explain.explainer import Explainer
from pipelines.explain.records import Item
from pipelines.store.blobs import Blob
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.domain.errors import InputError
from transforms.domain.schemas import MANIFEST
from transforms.domain.targets import FLICKR, are_flickrs, parse_targets
from transforms.domain.texts import shown
from transforms.match import FLICKRS, OWNER_KINDS, columns_for, match

Owner = tuple[str, str]
"""Source and id."""


def look_up(store: Store, explainer: Explainer, target: str, source: str) -> tuple[list[Item], list[Owner]]:
    """The items and owners that ``target`` names among those of a release's manifest.

    Items and owners are found by the index and by their bucket. For a URL that is none of Flickr's, a hash, a
    host or a name all buckets are looked at; also for Flickr's, if rows of other platforms may show it.

    Raises:
        InputError: it names nothing that is there.
    """
    (parsed,) = parse_targets(pa.array([target])).to_pylist()
    kind, key = parsed["kind"], parsed["key"]
    records = explainer.records
    if kind not in ("item", "owner") and kind is not None:
        items, owners = _met(store, explainer, kind, key)
        if items or owners:
            return items, owners
    whose = FLICKR if are_flickrs(pa.array([target]))[0].as_py() else source
    for named in dict.fromkeys([(whose, key), (source, target.strip())][kind not in FLICKRS :]):
        if kind != "owner" and records.homes([named]):
            return [named], []
        if kind != "item" and records.of_owner(*named):
            return [], [named]
    if kind in FLICKRS and explainer.inputs.manifest.foreign:
        items, _ = _met(store, explainer, kind, key)
        if items:
            return items, []
    what = f"{kind} {key}" if kind else shown(target)
    raise InputError(
        f"{what}: manifest {explainer.inputs.manifest.name!r} of release {explainer.release.version!r} has no"
        f" such item or owner of {source}. Give an id, a URL or an NSID; and --source if it is another's"
    )


def _met(store: Store, explainer: Explainer, kind: str, key: str) -> tuple[list[Item], list[Owner]]:
    """What carries a target that does not say where it lives, in the order of the manifest's buckets."""
    asked = pa.table({"kind": [kind], "key": [key]})
    columns = list(dict.fromkeys(["source", "item_id", "owner_id", *columns_for([kind])]))

    def look(blob: Blob) -> tuple[list[Item], list[Owner]]:
        rows = store.blobs.get_table(blob, columns, schema=MANIFEST)
        met = match(rows, asked)
        places = met["row"].drop_null()
        items = [(row["source"], row["item_id"]) for row in rows.take(places).to_pylist()]
        owners = [(row["source"], row["owner_id"]) for row in met.to_pylist() if row["owner_id"]]
        return items, owners

    blobs = [blob for _, blob in sorted(explainer.inputs.manifest.buckets.items())]
    found = list(in_threads(look, blobs, store.rows_at_once))
    items = [item for some, _ in found for item in some]
    owners = [owner for _, some in found for owner in some] if kind in OWNER_KINDS else []
    return list(dict.fromkeys(items)), list(dict.fromkeys(owners))
