-- Backups of databases: a kind is stored as its word, which no earlier program could store.
CREATE TABLE resources_new (
    id            TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version       INTEGER NOT NULL CHECK (version >= 1),
    organization  TEXT NOT NULL CHECK (organization <> ''),
    kind          TEXT NOT NULL CHECK (kind = 'cache' OR kind = 'database' OR kind = 'database-server'
                                       OR kind = 'machine' OR kind = 'cluster' OR kind = 'backup'),
    engine        TEXT NOT NULL,
    plan          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    external_name TEXT NOT NULL,
    name          TEXT NOT NULL,
    billing_code  TEXT NOT NULL,
    pooled        INTEGER NOT NULL CHECK (pooled = 0 OR pooled = 1),
    state         TEXT NOT NULL CHECK (state = 'ready' OR state = 'requested' OR state = 'provisioning'
                                       OR state = 'updating' OR state = 'deprovisioning' OR state = 'gone'
                                       OR state = 'failed'),
    placed_on     TEXT CHECK (placed_on <> ''),  -- NULL: nothing serves it
    body          TEXT NOT NULL CHECK (body <> '')
) STRICT;
INSERT INTO resources_new SELECT id, version, organization, kind, engine, plan, provider, external_name, name,
                                 billing_code, pooled, state, placed_on, body FROM resources
    ORDER BY rowid;
DROP TABLE resources;
ALTER TABLE resources_new RENAME TO resources;
CREATE UNIQUE INDEX resources_external_name ON resources (external_name, provider);
CREATE INDEX resources_state ON resources (state, id);
CREATE INDEX resources_organization ON resources (organization, state, id);
CREATE INDEX resources_name ON resources (name, id) WHERE name <> external_name;
CREATE INDEX resources_billing_code ON resources (billing_code, id) WHERE billing_code <> '';
CREATE INDEX resources_pool ON resources (kind, engine, plan, state, id)
    WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready');
CREATE INDEX resources_placed ON resources (placed_on, state, id) WHERE placed_on IS NOT NULL;
CREATE INDEX resources_tended ON resources (kind, state, id) WHERE kind IN ('backup', 'database');

CREATE TABLE quotas_new (
    organization TEXT NOT NULL CHECK (organization <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('', 'cache', 'database-server', 'database', 'machine', 'cluster',
                                             'backup')),
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    most         INTEGER NOT NULL CHECK (most >= 0),
    PRIMARY KEY (organization, kind, engine, plan),
    CHECK ((kind = '') = (engine = '') AND (kind = '') = (plan = ''))
) STRICT, WITHOUT ROWID;
INSERT INTO quotas_new SELECT organization, kind, engine, plan, most FROM quotas;
DROP TABLE quotas;
ALTER TABLE quotas_new RENAME TO quotas;

CREATE TABLE usage_new (
    resource     TEXT NOT NULL CHECK (resource <> ''),
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,  -- NULL: it goes on
    organization TEXT NOT NULL CHECK (organization <> ''),
    billing_code TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind = 'cache' OR kind = 'database' OR kind = 'database-server'
                                      OR kind = 'machine' OR kind = 'cluster' OR kind = 'backup'),
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    CHECK (ended_at IS NULL OR ended_at >= started_at)
) STRICT;
INSERT INTO usage_new SELECT resource, started_at, ended_at, organization, billing_code, kind, engine, plan
    FROM usage ORDER BY rowid;
DROP TABLE usage;
ALTER TABLE usage_new RENAME TO usage;
CREATE UNIQUE INDEX usage_open ON usage (resource) WHERE ended_at IS NULL;
CREATE INDEX usage_organization ON usage (organization, ended_at);
