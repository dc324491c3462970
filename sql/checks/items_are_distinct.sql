-- No item is in the release twice.
-- grain: source, item_id
-- reads: items
-- columns:
--   source VARCHAR
--   item_id VARCHAR
--   times BIGINT
select
    source,
    item_id,
    count(*) as times
from items
group by source, item_id
having count(*) > 1
order by source, item_id
