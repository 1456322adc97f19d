-- The address by which a machine is found; NULL: it has none, as nothing else has. What is gone keeps it, and is not
-- looked for.
ALTER TABLE resources ADD COLUMN address TEXT CHECK (address <> '');
CREATE INDEX resources_address ON resources (address, id) WHERE address IS NOT NULL AND state <> 'gone';
