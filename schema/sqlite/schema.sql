-- The full schema as it is after all migrations. A test proves that they produce exactly this.

CREATE TABLE migrations (
    number     INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
    title      TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE "resources" (
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
, address TEXT CHECK (address <> ''), expiry_due INTEGER) STRICT;
-- No two resources, live or gone, ever share a name at a provider.
CREATE UNIQUE INDEX resources_external_name ON resources (external_name, provider);
CREATE INDEX resources_state ON resources (state, id);
CREATE INDEX resources_organization ON resources (organization, state, id);
-- Who is not given a name has the external one, which is random: a second index of it costs a page for every row.
CREATE INDEX resources_name ON resources (name, id) WHERE name <> external_name;
CREATE INDEX resources_billing_code ON resources (billing_code, id) WHERE billing_code <> '';
CREATE INDEX resources_pool ON resources (kind, engine, plan, state, id)
    WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready');
CREATE INDEX resources_placed ON resources (placed_on, state, id) WHERE placed_on IS NOT NULL;
CREATE INDEX resources_tended ON resources (kind, state, id) WHERE kind IN ('backup', 'database');
CREATE INDEX resources_address ON resources (address, id) WHERE address IS NOT NULL AND state <> 'gone';
CREATE INDEX resources_expiry ON resources (expiry_due, id) WHERE expiry_due IS NOT NULL;

CREATE TABLE labels (
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    resource TEXT NOT NULL REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (key, value, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_resource ON labels (resource);

-- How many resources of an organization and plan are neither gone nor failed; no row: none.
CREATE TABLE live_counts (
    organization TEXT NOT NULL,
    kind         TEXT NOT NULL,
    engine       TEXT NOT NULL,
    plan         TEXT NOT NULL,
    live         INTEGER NOT NULL CHECK (live >= 1),
    PRIMARY KEY (organization, kind, engine, plan)
) STRICT, WITHOUT ROWID;

-- How many resources there are of a kind, engine and state, whoever has them: what metrics tell. Without those that
-- are gone.
CREATE TABLE resource_counts (
    kind      TEXT NOT NULL,
    engine    TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state <> 'gone'),
    pooled    INTEGER NOT NULL CHECK (pooled = 0 OR pooled = 1),
    resources INTEGER NOT NULL CHECK (resources >= 0),
    PRIMARY KEY (kind, engine, state, pooled)
) STRICT, WITHOUT ROWID;

CREATE TABLE "operations" (
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
CREATE INDEX operations_open ON operations (id) WHERE open = 1;
CREATE INDEX operations_ended ON operations (state, id) WHERE open = 0;
CREATE INDEX operations_resource ON operations (resource, id);
CREATE INDEX operations_organization ON operations (organization, id);

CREATE TABLE events (
    sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence >= 1),
    at       INTEGER NOT NULL,
    resource TEXT,
    body     TEXT NOT NULL CHECK (body <> '')
, organization TEXT NOT NULL DEFAULT '', operation TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX events_resource ON events (resource, sequence) WHERE resource IS NOT NULL;

CREATE TABLE idempotency (
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    resource     TEXT NOT NULL,
    operation    TEXT NOT NULL,
    expires_at   INTEGER NOT NULL, made TEXT NOT NULL DEFAULT '', secret_key TEXT NOT NULL DEFAULT '', secret TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires_at, scope, key);

-- A row for every value that was ever given: live while it has a resource, else resting until rest_until.
CREATE TABLE allocations (
    range      TEXT NOT NULL,
    value      INTEGER NOT NULL,
    resource   TEXT REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    key        TEXT,
    rest_until INTEGER,
    PRIMARY KEY (range, value),
    CHECK ((resource IS NULL) = (key IS NULL)),
    CHECK ((resource IS NULL) = (rest_until IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX allocations_live ON allocations (resource, range, key) WHERE resource IS NOT NULL;

CREATE TABLE organizations (
    id         TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    title      TEXT NOT NULL,
    created_at INTEGER NOT NULL
, deleted_at INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id           TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    hash         TEXT NOT NULL UNIQUE CHECK (hash <> ''),
    organization TEXT NOT NULL CHECK (organization <> ''),
    role         TEXT NOT NULL CHECK (role IN ('reader', 'user', 'administrator')),
    description  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    revoked_at   INTEGER
, expires_at INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_organization ON api_keys (organization, id);

-- The most live resources that an organization may have: of one plan, or (all three empty) of all together.
CREATE TABLE "quotas" (
    organization TEXT NOT NULL CHECK (organization <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('', 'cache', 'database-server', 'database', 'machine', 'cluster',
                                             'backup')),
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

CREATE TABLE clusters (
    organization TEXT NOT NULL CHECK (organization <> ''),
    name         TEXT NOT NULL CHECK (name <> ''),
    version      INTEGER NOT NULL CHECK (version >= 1),
    slug         TEXT NOT NULL UNIQUE CHECK (slug <> ''),
    resource     TEXT NOT NULL,  -- its last database, which may be gone; empty: it never had one
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, name)
) STRICT, WITHOUT ROWID;

-- From when to when somebody pays for a resource. What was billed outlives its resource.
CREATE TABLE "usage" (
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
CREATE UNIQUE INDEX usage_open ON usage (resource) WHERE ended_at IS NULL;
CREATE INDEX usage_organization ON usage (organization, ended_at);

CREATE TABLE orphans (
    provider      TEXT NOT NULL,
    external_name TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('lost', 'gone', 'foreign')),
    detail        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    removed_at    INTEGER,
    PRIMARY KEY (provider, external_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
