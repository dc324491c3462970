"""A town: records of every kind about the same few owners and items, so that they meet."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from typing import Any

import pyarrow as pa

from pipelines.store.store import Store
from pipelines.store.tables import Table
from transforms.domain import purposes, schemas

ROWS = 10_000
OWNERS = 60
ARCHIVED = 500


def day(number: int) -> datetime.date:
    return datetime.date(2026, 11, number)


class Town:
    """Draws records: the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.items = [str(10_000_000 + place) for place in range(ROWS)]
        self.owners = [f"{1000 + place}@N00" for place in range(OWNERS)]

    def pick(self, *values: Any) -> Any:
        return self.draw.choice(values)

    def manifest(self, changed: bool) -> pa.Table:
        draw = random.Random(5)
        rows = []
        for item in self.items:
            place = draw.randrange(OWNERS + 3)
            owner = self.owners[place] if place < OWNERS else None
            # Of one year some owners show a name that they no longer have.
            name = f"name {place}" if changed and place % 7 == 0 else f"called {place}"
            alias = f"alias{place}" if place % 3 == 0 else owner or "nobody"
            host = draw.choice(("live.staticflickr.com", "img.example.org", "b.img.example.org"))
            row: dict[str, Any] = dict.fromkeys(schemas.MANIFEST.names)
            row |= {
                "source": "flickr",
                "item_id": item,
                "owner_id": owner,
                "owner_name": name if owner else None,
                "license": draw.choice(("CC-BY-2.0", "CC-BY-2.0", "CC-BY-NC-2.0", "unknown")),
                "media_type": "photo",
                "tags": draw.choice((None, ["cat"], ["no ai", "dog"], ["No_CV"]))
                if draw.random() < 0.1
                else None,
                "uploaded_at": datetime.datetime(draw.randint(2004, 2014), 1, 1),
                "page_url": f"https://www.flickr.com/photos/{alias}/{item}/",
                "image_url": f"https://{host}/{item}.jpg",
                "content_md5": f"{int(item) % 997:032x}",
                "person_present": draw.choice((None, None, True, False, False)),
            }
            rows.append(row)
        rows += [self._archived(row) for row in rows[:ARCHIVED]]
        return pa.Table.from_pylist(rows, schema=schemas.MANIFEST)

    def _archived(self, row: dict[str, Any]) -> dict[str, Any]:
        """The same photo as another platform has it: under an id of its own, and shown by its address."""
        item = row["item_id"]
        image = f"https://live.staticflickr.com/65535/{item}_0a1b_b.jpg"
        own = {"source": "archive", "item_id": f"a{item}", "owner_id": f"archivist {item[-1]}"}
        return row | own | {"owner_name": None, "image_url": image}

    def target(self) -> tuple[str, str | None, str]:
        place, item = self.draw.randrange(OWNERS), self.draw.choice(self.items)
        return self.pick(
            *(("item", "flickr", item), ("owner", "flickr", self.owners[place])),
            *(("alias", "flickr", f"alias{place}"), ("name", "flickr", f"called {place}")),
            *(
                ("name", "flickr", f"name {place}"),
                ("owner", "flickr", f"old{place}"),
                ("alias", "flickr", f"was{place}"),
            ),
            *(
                ("url", None, f"b.img.example.org/{item}.jpg"),
                ("content", None, f"md5:{int(item) % 997:032x}"),
            ),
            *(
                ("host", None, self.pick("b.img.example.org", "c.example.org")),
                ("tag", None, self.pick("cat", "noai")),
            ),
        )

    def bits(self) -> int:
        some = self.draw.sample(purposes.PURPOSES, 2)
        return self.pick(purposes.ALL, purposes.bits_of(some[:1]), purposes.bits_of(some))

    def dates(self, received: int) -> dict[str, Any]:
        effective = received + self.pick(0, 0, 0, 1, 3)
        return {
            "received_on": day(received),
            "effective_on": day(effective),
            "expires_on": self.pick(None, None, None, day(effective + self.pick(1, 2, 5))),
        }

    def opt_outs(self, received: int, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for number in range(45):
            kind, source, key = self.target()
            row: dict[str, Any] = dict.fromkeys(schemas.OPT_OUTS.names)
            row |= {"request": f"{received}-{number}", "kind": kind, "source": source, "key": key, "raw": key}
            row |= {"purposes": self.bits(), "state": self.pick("active", "active", "active", "held")}
            row |= {"origin": self.pick(None, "form"), "requester": self.pick(None, "a")}
            rows.append(row | self.dates(received))
        for row in self.draw.sample(before, min(len(before), 15)):
            taken_back = {
                "state": "withdrawn",
                "purposes": self.pick(row["purposes"], purposes.ALL, self.bits()),
            }
            asker = {"requester": self.pick(row["requester"], row["requester"], "b")}
            rows.append({**row, **taken_back, **asker, **self.dates(received), "expires_on": None})
        return rows

    def consents(self, received: int) -> list[dict[str, Any]]:
        rows = []
        for _ in range(800):
            by = self.pick("owner", "depicted")
            kind = "item" if by == "depicted" else self.pick("item", "owner")
            key = self.draw.choice(self.items[:1500] if kind == "item" else self.owners)
            row: dict[str, Any] = dict.fromkeys(schemas.CONSENTS.names)
            row |= {"kind": kind, "source": "flickr", "key": key, "raw": key, "given_by": by}
            row |= {"person": self.pick("a", "b") if by == "depicted" else None, "purposes": self.bits()}
            row |= {"says": self.pick("grant", "grant", "grant", "revoke", "refuse")} | self.dates(received)
            rows.append(row)
        return rows

    def aliases(self) -> list[dict[str, Any]]:
        rows = []
        for place in range(0, OWNERS, 5):
            owner = {"source": "flickr", "owner_id": self.owners[place], "seen_on": day(1)}
            rows += [
                {**owner, "kind": "owner", "key": f"old{place}"},
                {**owner, "kind": "alias", "key": f"was{place}"},
            ]
            rows.append({**owner, "owner_id": f"old{place}", "kind": "name", "key": f"name {place}"})
        return rows

    def signals(self, observed: int) -> list[dict[str, Any]]:
        rows = []
        for key, path in (
            ("b.img.example.org", "/10001"),
            ("b.img.example.org", "/"),
            ("img.example.org", "/1"),
        ):
            row: dict[str, Any] = dict.fromkeys(schemas.SIGNALS.names)
            mechanism = self.pick("content-usage", "content-signal")
            row |= {"kind": "host", "key": key, "path": path, "mechanism": mechanism}
            row |= {"fact": self.pick("ok", "ok", "unreadable", "unavailable"), "no": 0, "yes": 0}
            if row["fact"] == "ok":
                row |= {"no": self.pick(0, self.bits()), "yes": self.pick(0, self.bits())}
            rows.append({**row, "observed_on": day(observed)})
        said = {"fact": "ok", "no": purposes.BIT["computer-vision"], "yes": purposes.BIT["search"]}
        rows.append({**rows[0], "mechanism": "x-robots-tag", **said})
        return rows

    def looks(self, number: int) -> pa.Table:
        some = self.draw.sample(range(ROWS), 2500)
        draw = random.Random(5)
        owner_of = [draw.randrange(3) for _ in self.items]
        rows = [
            {
                "source": "flickr",
                "item_id": self.items[place],
                "owner_id": None,
                "license": self.pick("CC-BY-2.0", "all-rights-reserved", "CC-BY-SA-2.0", "unknown"),
                "license_raw": None,
                "visibility": self.pick("public", "public", "public", "private", "deleted", "unknown"),
                "observed_on": self.pick(day(number), day(max(number - 3, 1))),
            }
            for place in some
            if owner_of[place]
        ]
        return pa.Table.from_pylist(rows, schema=schemas.LICENSES)

    def seen(self) -> pa.Table:
        rows = [
            {
                "item_id": item,
                "person_present": self.pick(True, False),
                "observed_on": self.pick(day(2), day(3)),
            }
            for item in self.draw.sample(self.items, 2000)
        ]
        return pa.table({name: [row[name] for row in rows] for name in rows[0]})


def put(
    store: Store, kind: str, number: int, rows: list[dict[str, Any]], schema: pa.Schema, **counts: int
) -> None:
    """A list as its intake would leave it."""
    date = day(number).isoformat()
    table = pa.Table.from_pylist(rows, schema=schema)
    days = {row[name] for row in rows for name in ("effective_on", "expires_on") if row.get(name)}
    turns = tuple(sorted(each.isoformat() for each in days if each.isoformat() > date))
    blobs = {"entries": store.blobs.put_table(table, schema)}
    zero = {"rows_read": len(rows), "duplicates": 0, "quarantined": 0}
    by_kind = Counter(f"{row['kind']}s" if row["kind"] != "alias" else "aliases" for row in rows)
    counted = {"rows": len(rows), **zero, **by_kind, **counts}
    store.tables.commit(Table(kind, f"{date}-{number}", date, blobs=blobs, counts=counted, turns=turns))
