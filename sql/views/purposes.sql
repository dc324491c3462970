-- What a release can be for.
-- A no to a purpose is one to all narrower ones, and a yes one to the broader ones that are not people-sensitive.
-- grain: purpose
-- columns:
--   place BIGINT            of its bit in sets of purposes, from 0
--   purpose VARCHAR
--   broader VARCHAR         the next broader one; null: none
--   people_sensitive BOOLEAN
select
    place,
    purpose,
    broader,
    people_sensitive
from stored.purposes
order by place
