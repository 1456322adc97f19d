-- When somebody has to see to the end of a resource: to warn its owner, to remove it, or to try that again. NULL: it
-- has no end, or is on its way there.
ALTER TABLE resources ADD COLUMN expiry_due INTEGER;
CREATE INDEX resources_expiry ON resources (expiry_due, id) WHERE expiry_due IS NOT NULL;
