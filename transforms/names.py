"""Names: under which targets an opt-out concerns an item: its own, its owner's, what it carries and shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import targets as forms

Target = tuple[str, str | None, str]
"""Kind, source and key."""

Owner = tuple[str, str]
"""Source and id."""


@dataclass(frozen=True)
class Names:
    """What owners are called.

    Attributes:
        told: of each owner, the aliases, names and former ids that lead to it by side files.
        called: those, and what rows of manifests show.
    """

    told: Mapping[Owner, frozenset[Target]]
    called: Mapping[Owner, frozenset[Target]]

    @staticmethod
    def of(aliases: pa.Table, manifests: Iterable[pa.Table]) -> Names:
        """By side files, and by what rows of manifests show.

        Args:
            aliases: in :data:`schemas.ALIASES`.
            manifests: columns source, owner_id, owner_name and page_url, of all manifests that were known.
        """
        direct: dict[Owner, set[Target]] = defaultdict(set)
        for row in aliases.to_pylist():
            direct[row["source"], row["owner_id"]].add((row["kind"], row["source"], row["key"]))
        shown: dict[Owner, set[Target]] = defaultdict(set)
        for rows in map(_distinct, manifests):
            for source, owner, names in zip(rows["source"], rows["owner_id"], _shown(rows), strict=True):
                shown[source, owner] |= names
        told, called = {}, {}
        for owner in {*direct, *shown}:
            # An id that the owner had before may have had names of its own.
            ids, former = {owner}, [owner]
            while former:
                for kind, source, key in direct.get(former.pop(), ()):
                    if kind == "owner" and source is not None and (source, key) not in ids:
                        ids.add((source, key))
                        former.append((source, key))
            told[owner] = frozenset(target for each in ids for target in direct.get(each, ()))
            called[owner] = told[owner] | shown.get(owner, set())
        return Names(told, called)


def targets_of(rows: Sequence[Mapping[str, Any]], names: Names) -> list[dict[Target, str]]:
    """Every target under which an opt-out concerns an item, and the kind of opt-out that it then is.

    Args:
        rows: of a manifest.
        names: of their owners.

    Returns:
        Row for row. A tag that says no by itself is among them.
    """
    found: list[dict[Target, str]] = [{("item", row["source"], row["item_id"]): "item"} for row in rows]
    columns = {name: [row[name] for row in rows] for name in _OWNER}
    columns["alias"] = forms.aliases_of(_texts(row["page_url"] for row in rows)).to_pylist()
    for row, targets, shown in zip(rows, found, _shown(columns), strict=True):
        owner = (row["source"], row["owner_id"])
        own = {("owner", *owner), *names.called.get(owner, ())} if row["owner_id"] is not None else ()
        targets |= dict.fromkeys([*own, *shown], "owner")
        if row["source"] != forms.FLICKR:
            targets |= _flickrs(row, names)
    for kind, (wanted, normal) in _CARRIED.items():
        said = [
            (place, text) for place, row in enumerate(rows) for name in wanted for text in _each(row[name])
        ]
        keys = normal(_texts(text for _, text in said)).to_pylist()
        for (place, _), key in zip(said, keys, strict=True):
            for each in _above(key) if kind == "host" and key else [key]:
                if each is not None:
                    found[place][kind, None, each] = kind
    return found


def tag_that_says_no(targets: Iterable[Target]) -> str | None:
    """The tag among an item's targets that says no by itself."""
    return next((key for kind, _, key in targets if kind == "tag" and key in forms.TAGS_THAT_SAY_NO), None)


_OWNER = ("source", "owner_id", "owner_name")
_CARRIED = {
    "url": (("page_url", "image_url", "owner_id"), forms.normalize_urls),
    "host": (("page_url", "image_url"), forms.hosts_of),
    "content": (("content_md5", "content_sha256"), forms.normalize_contents),
    "tag": (("tags", "machine_tags"), forms.normalize_tags),
}
"""What an item carries: the columns of a manifest in which it stands, and its one spelling."""


def _flickrs(row: Mapping[str, Any], names: Names) -> dict[Target, str]:
    """The items and owners of Flickr's that a row of another platform shows in its addresses."""
    items = forms.items_of(_texts([row["page_url"], row["image_url"]])).drop_null().to_pylist()
    pages = _texts([row["page_url"], row["owner_id"]])
    nsids = forms.nsids_of(pages).drop_null().to_pylist()
    found: dict[Target, str] = {("item", forms.FLICKR, item): "item" for item in items}
    for kind, keys in (("owner", nsids), ("alias", forms.aliases_of(pages).drop_null().to_pylist())):
        found |= {(kind, forms.FLICKR, key): "owner" for key in keys}
    for nsid in nsids:
        found |= dict.fromkeys(names.told.get((forms.FLICKR, nsid), ()), "owner")
    return found


def _each(cell: Any) -> list[str]:
    return [] if cell is None else cell if isinstance(cell, list) else [cell]


def _above(host: str) -> list[str]:
    """A host and those that it lies below: an opt-out of `example.com` is one of `img.example.com`."""
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def _texts(values: Iterable[str | None]) -> pa.Array:
    return pa.array([*values], pa.string())


def _shown(columns: Mapping[str, Sequence[Any]]) -> list[set[Target]]:
    """The aliases and names that each row shows."""
    owners, names = _texts(columns["owner_id"]), _texts(columns["owner_name"])
    # A platform, or a file, may know an owner by the alias alone.
    ids = pc.if_else(forms.are_nsids(owners), pa.scalar(None, pa.string()), pc.utf8_lower(owners))
    plain = forms.normalize_names(names)
    told = zip(columns["source"], columns["alias"], ids.to_pylist(), plain.to_pylist(), strict=True)
    return [
        {
            (kind, source, key)
            for kind, key in (("alias", alias), ("alias", id_), ("name", name))
            if key is not None
        }
        for source, alias, id_, name in told
    ]


def _distinct(rows: pa.Table) -> Mapping[str, list[Any]]:
    """What each owner shows, once: source, owner_id, owner_name and alias."""
    texts = {name: rows[name].combine_chunks().cast(pa.string()) for name in _OWNER}
    table = pa.table(
        {**texts, "alias": forms.aliases_of(rows["page_url"].combine_chunks().cast(pa.string()))}
    )
    distinct = table.group_by(table.column_names, use_threads=False).aggregate([])
    return {name: distinct[name].to_pylist() for name in table.column_names}
