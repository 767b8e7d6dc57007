-- The rights of the role that `pingma serve` works with. Run by the role that owns the schema, after every `pingma migrate`:
--
--   psql -v ON_ERROR_STOP=1 -v service=pingma -f deploy/postgres-roles.sql "postgres://pingma_owner@…/pingma"
--
-- The service may add to the ledger and to the audit log, and neither change nor remove what is there; it may not make, alter or
-- drop anything, so it can't take the triggers away either. Two tables are forgotten from; the others only grow.
BEGIN;

-- Nothing from before, and nothing by way of everybody.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"service";
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, :"service";
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"service";
GRANT USAGE ON SCHEMA public TO :"service";

-- Everything is read; this also lets the service look which migrations were made.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO :"service";

-- Written once: the ledger, the audit log, and what hangs on them.
GRANT INSERT ON events, event_private, audit_log, sites, policies TO :"service";

-- Written and moved on.
GRANT INSERT, UPDATE ON organizations, licenses, users, certificates, scales, device_keys, sessions, refresh_tokens,
    supply_agreements, cylinders, labels, owner_changes, streams, scale_permits, fills TO :"service";

-- One row each, made by the migration.
GRANT UPDATE ON ledger_head, audit_head TO :"service";

-- Written and forgotten: answers after 90 days, look-ups by strangers after 366.
GRANT INSERT, DELETE ON idempotency_records, public_scans TO :"service";

COMMIT;
