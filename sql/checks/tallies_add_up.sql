-- What the release counts of itself is what its rows come to.
-- grain: measure
-- reads: tallies, exclusions, decisions, releases, inputs
-- columns:
--   measure VARCHAR
--   stated BIGINT           by tallies, exclusions or the release's document
--   counted BIGINT          in its rows
with stated as (
    select
        verdict as measure,
        sum(items) as rows
    from tallies
    group by verdict
    union all
    select
        'first reason ' || first_reason as measure,
        sum(items) as rows
    from tallies
    where verdict = 'excluded'
    group by first_reason
    union all
    select
        'first item of ' || reason as measure,
        first_items as rows
    from exclusions
    where first_items > 0
    union all
    select
        'reason ' || reason as measure,
        items as rows
    from exclusions
    union all
    select
        unnest(['document: rows', 'document: kept', 'document: excluded']) as measure,
        unnest([releases.rows, kept, excluded]) as rows
    from releases
    where version in (select inputs.version from inputs)
),

counted as (
    select
        verdict as measure,
        count(*) as rows
    from decisions
    group by verdict
    union all
    select
        'first reason ' || first_reason as measure,
        count(*) as rows
    from decisions
    where verdict = 'excluded'
    group by first_reason
    union all
    select
        'first item of ' || first_reason as measure,
        count(*) as rows
    from decisions
    where verdict = 'excluded'
    group by first_reason
    union all
    select
        'reason ' || reason as measure,
        count(*) as rows
    from (select unnest(reasons) as reason from decisions) as unnested
    group by reason
    union all
    select
        'document: ' || unnest(['rows', 'kept', 'excluded']) as measure,
        unnest([
            count(*),
            count(*) filter (where verdict = 'kept'),
            count(*) filter (where verdict = 'excluded')
        ]) as rows
    from decisions
)

select
    measure,
    coalesce(stated.rows, 0)::bigint as stated,
    coalesce(counted.rows, 0)::bigint as counted
from stated
full join counted using (measure)
where coalesce(stated.rows, 0) <> coalesce(counted.rows, 0)
order by measure
