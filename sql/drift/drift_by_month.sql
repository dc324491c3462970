-- How many items changed in each month, by the direction of the change of license.
-- grain: month, direction
-- parameters:
--   from_date DATE          changes of that day are not counted, as in license_transitions
--   to_date DATE            the last day that is
-- columns:
--   month DATE              its first day
--   direction VARCHAR       same: only visibility changed
--   items BIGINT            that changed so, however often
--   owners BIGINT           distinct within the row; items without an owner count none
with items as (
    select distinct
        date_trunc('month', changed_on)::date as month,
        direction,
        source,
        owner_id,
        item_id
    from license_events
    where changed_on > from_date::date and changed_on <= to_date::date
),

owners as (
    select
        month,
        direction,
        source,
        owner_id,
        count(*) as items
    from items
    group by month, direction, source, owner_id
)

select
    month,
    direction,
    sum(items)::bigint as items,
    count(owner_id) as owners
from owners
group by month, direction
order by month, direction
