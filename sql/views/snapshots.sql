-- What was taken in: manifest and license snapshots and opt-out lists. rows_read = rows + duplicates + quarantined.
-- grain: kind, snapshot
-- columns:
--   kind VARCHAR            manifests, licenses or opt-outs
--   snapshot VARCHAR
--   date DATE               observed or received on; null for a manifest
--   rows BIGINT
--   rows_read BIGINT
--   duplicates BIGINT
--   quarantined BIGINT
--   files VARCHAR[]         that were read
--   onto VARCHAR            the snapshot that it adds to; null: none
--   digest VARCHAR
select
    kind,
    snapshot,
    date,
    rows,
    rows_read,
    duplicates,
    quarantined,
    files,
    onto,
    digest
from stored.snapshots
order by place
