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
INSERT INTO resource_counts (kind, engine, state, pooled, resources)
    SELECT kind, engine, state, pooled, count(*) FROM resources WHERE state <> 'gone'
    GROUP BY kind, engine, state, pooled;
