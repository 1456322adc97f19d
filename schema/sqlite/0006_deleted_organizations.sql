-- When an organization was deleted. Its row stays: its name is not given again.
ALTER TABLE organizations ADD COLUMN deleted_at INTEGER;
