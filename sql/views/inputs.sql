-- What the release was cut from.
-- grain: kind, snapshot
-- columns:
--   version VARCHAR         of the release
--   kind VARCHAR            manifests, licenses or opt-outs
--   snapshot VARCHAR        or opt-out list
--   digest VARCHAR
--   rows BIGINT
select
    version,
    kind,
    snapshot,
    digest,
    rows
from stored.inputs
