-- The same rules, in words that cost less: SQLite makes a table for the list of every IN with three values or more,
-- at every row that is written. A chain of comparisons is a few instructions. And one random index less.

CREATE TABLE resources_new (
    id            TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version       INTEGER NOT NULL CHECK (version >= 1),
    organization  TEXT NOT NULL CHECK (organization <> ''),
    kind          TEXT NOT NULL CHECK (kind = 'cache' OR kind = 'database_server' OR kind = 'database'
                                       OR kind = 'machine' OR kind = 'cluster'),
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
    body          TEXT NOT NULL CHECK (body <> '')
) STRICT;
INSERT INTO resources_new SELECT id, version, organization, kind, engine, plan, provider, external_name, name,
                                 billing_code, pooled, state, body FROM resources ORDER BY rowid;
DROP TABLE resources;
ALTER TABLE resources_new RENAME TO resources;
CREATE UNIQUE INDEX resources_external_name ON resources (external_name, provider);
CREATE INDEX resources_state ON resources (state, id);
CREATE INDEX resources_organization ON resources (organization, state, id);
-- Who is not given a name has the external one, which is random: a second index of it costs a page for every row.
CREATE INDEX resources_name ON resources (name, id) WHERE name <> external_name;
CREATE INDEX resources_billing_code ON resources (billing_code, id) WHERE billing_code <> '';
CREATE INDEX resources_pool ON resources (kind, engine, plan, state, id)
    WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready');

CREATE TABLE operations_new (
    id           TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version      INTEGER NOT NULL CHECK (version >= 1),
    fence        INTEGER NOT NULL CHECK (fence >= 0),
    resource     TEXT NOT NULL REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    organization TEXT NOT NULL CHECK (organization <> ''),
    kind         TEXT NOT NULL CHECK (kind = 'provision' OR kind = 'deprovision' OR kind = 'update'
                                      OR kind = 'repair' OR kind = 'claim'),
    provider     TEXT NOT NULL,
    host         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (open = 1 OR state = 'succeeded' OR state = 'failed' OR state = 'cancelled'),
    open         INTEGER NOT NULL CHECK (open = 0 OR open = 1),
    due_at       INTEGER,  -- when it may be leased: its time to run, or the end of its lease
    lease_token  TEXT,
    blocked_by   TEXT,
    body         TEXT NOT NULL CHECK (body <> ''),
    CHECK (open = (state = 'queued' OR state = 'running' OR state = 'waiting' OR state = 'retrying')),
    CHECK ((open = 1) = (due_at IS NOT NULL)),
    CHECK ((state = 'running') = (lease_token IS NOT NULL AND lease_token <> '')),
    CHECK (blocked_by IS NULL OR (blocked_by <> '' AND blocked_by <> id))
) STRICT;
INSERT INTO operations_new SELECT id, version, fence, resource, organization, kind, provider, host, state, open,
                                  due_at, lease_token, blocked_by, body FROM operations ORDER BY rowid;
DROP TABLE operations;
ALTER TABLE operations_new RENAME TO operations;
CREATE INDEX operations_open ON operations (id) WHERE open = 1;
CREATE INDEX operations_ended ON operations (state, id) WHERE open = 0;
CREATE INDEX operations_resource ON operations (resource, id);
CREATE INDEX operations_organization ON operations (organization, id);

CREATE TABLE usage_new (
    resource     TEXT NOT NULL CHECK (resource <> ''),
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,  -- NULL: it goes on
    organization TEXT NOT NULL CHECK (organization <> ''),
    billing_code TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind = 'cache' OR kind = 'database_server' OR kind = 'database'
                                      OR kind = 'machine' OR kind = 'cluster'),
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
