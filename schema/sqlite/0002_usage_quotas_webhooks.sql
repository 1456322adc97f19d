-- What the native API asks of a store: usage, quotas of plans, webhooks, and a feed that is filtered without its
-- bodies.

-- From when to when somebody pays for a resource. What was billed outlives its resource.
CREATE TABLE usage (
    resource     TEXT NOT NULL CHECK (resource <> ''),
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,  -- NULL: it goes on
    organization TEXT NOT NULL CHECK (organization <> ''),
    billing_code TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('cache', 'database_server', 'database', 'machine', 'cluster')),
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    CHECK (ended_at IS NULL OR ended_at >= started_at)
) STRICT;
CREATE UNIQUE INDEX usage_open ON usage (resource) WHERE ended_at IS NULL;
CREATE INDEX usage_organization ON usage (organization, ended_at);

INSERT INTO usage (resource, started_at, organization, billing_code, kind, engine, plan)
    SELECT id, json_extract(body, '$.updated_at'), organization, billing_code, kind, engine, plan
    FROM resources WHERE state IN ('ready', 'updating') AND pooled = 0 AND json_valid(body);

-- How many resources of an organization and plan are neither gone nor failed; no row: none.
CREATE TABLE live_counts (
    organization TEXT NOT NULL,
    kind         TEXT NOT NULL,
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    live         INTEGER NOT NULL CHECK (live >= 1),
    PRIMARY KEY (organization, kind, engine, plan)
) STRICT, WITHOUT ROWID;

INSERT INTO live_counts (organization, kind, engine, plan, live)
    SELECT organization, kind, engine, plan, count(*)
    FROM resources WHERE state NOT IN ('gone', 'failed') GROUP BY organization, kind, engine, plan;

DROP TABLE organization_usage;

-- The most live resources that an organization may have: of one plan, or (all three empty) of all together.
CREATE TABLE quotas (
    organization TEXT NOT NULL CHECK (organization <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('', 'cache', 'database_server', 'database', 'machine', 'cluster')),
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    most         INTEGER NOT NULL CHECK (most >= 0),
    PRIMARY KEY (organization, kind, engine, plan),
    CHECK ((kind = '') = (engine = '') AND (kind = '') = (plan = ''))
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    id      TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version INTEGER NOT NULL CHECK (version >= 1),
    body    TEXT NOT NULL CHECK (body <> '')
) STRICT, WITHOUT ROWID;

ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
CREATE INDEX api_keys_organization ON api_keys (organization, id);

-- What else a request made, and the secret that was shown with it (sealed with the data key `secret_key`).
ALTER TABLE idempotency ADD COLUMN made TEXT NOT NULL DEFAULT '';
ALTER TABLE idempotency ADD COLUMN secret_key TEXT NOT NULL DEFAULT '';
ALTER TABLE idempotency ADD COLUMN secret TEXT NOT NULL DEFAULT '';

ALTER TABLE events ADD COLUMN organization TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN operation TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN type TEXT NOT NULL DEFAULT '';
UPDATE events SET organization = coalesce(json_extract(body, '$.organization'), ''),
                  operation = coalesce(json_extract(body, '$.operation'), ''),
                  type = coalesce(json_extract(body, '$.type'), '')
    WHERE json_valid(body);
