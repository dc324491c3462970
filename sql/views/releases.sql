-- Every release of the store, the newest last.
-- grain: version
-- columns:
--   version VARCHAR
--   digest VARCHAR          of what was released, whatever the version
--   dataset VARCHAR
--   purpose VARCHAR
--   as_of DATE              what was known up to this day decided
--   rows BIGINT             decided on: kept + excluded
--   kept BIGINT
--   excluded BIGINT
--   manifest VARCHAR        snapshot that it was cut from
--   policy_digest VARCHAR
select
    version,
    digest,
    dataset,
    purpose,
    as_of,
    rows,
    kept,
    excluded,
    manifest,
    policy_digest
from stored.releases
order by place
