-- Databases on shared servers, and the clusters of tenants that have one each.

-- The resource that serves this one; NULL: none.
ALTER TABLE resources ADD COLUMN placed_on TEXT CHECK (placed_on <> '');
CREATE INDEX resources_placed ON resources (placed_on, state, id) WHERE placed_on IS NOT NULL;

CREATE TABLE clusters (
    organization TEXT NOT NULL CHECK (organization <> ''),
    name         TEXT NOT NULL CHECK (name <> ''),
    version      INTEGER NOT NULL CHECK (version >= 1),
    slug         TEXT NOT NULL UNIQUE CHECK (slug <> ''),
    resource     TEXT NOT NULL,  -- its last database, which may be gone; empty: it never had one
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, name)
) STRICT, WITHOUT ROWID;
