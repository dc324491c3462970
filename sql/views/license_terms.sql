-- Every license that byleave knows, what it grants to everyone, and what it asks for in return.
-- grain: id
-- columns:
--   id VARCHAR              canonical id: CC-BY-NC-2.0
--   unit VARCHAR            Creative Commons' name for the kind of tool: by-nc; empty for what is none
--   version VARCHAR         empty for what has none
--   jurisdiction VARCHAR    empty where international
--   copying BOOLEAN         verbatim, at least without commercial use
--   commercial_use BOOLEAN
--   derivatives BOOLEAN
--   share_alike BOOLEAN
--   attribution BOOLEAN
--   public_domain BOOLEAN   a dedication to it, or a statement that it is there
--   spdx_id VARCHAR         null: SPDX lists none
--   url VARCHAR             canonical; null: there is none
--   flickr_id TINYINT       null: Flickr has none
select
    id,
    unit,
    version,
    jurisdiction,
    copying,
    commercial_use,
    derivatives,
    share_alike,
    attribution,
    public_domain,
    spdx_id,
    url,
    flickr_id
from stored.license_terms
order by id
