-- Every row that could not be taken in, of every snapshot, and where it lies.
-- grain: kind, snapshot, file, offset_bytes
-- columns:
--   kind VARCHAR            manifests or licenses
--   snapshot VARCHAR
--   file VARCHAR
--   line BIGINT             within the file, from 1
--   offset_bytes BIGINT     within the file, decompressed, from 0
--   reason VARCHAR
--   detail VARCHAR          what was found and what was expected
--   raw BLOB                the row as it is in the file, at most the first MiB
--   raw_bytes BIGINT        its whole length
select
    splits.kind,
    splits.snapshot,
    splits.file,
    -- A quarantine counts lines and bytes from the start of its split, both from 0.
    splits.first_line + quarantine.line + 1 as line,
    splits.offset_bytes + quarantine.offset_bytes as offset_bytes,
    quarantine.reason,
    quarantine.detail,
    quarantine.raw,
    quarantine.raw_bytes
from stored.quarantine
inner join stored.splits on quarantine.path = splits.path
