-- Ids are UUIDv7 in 16 bytes; instants are microseconds since 1970 UTC (`_at`); masses are grams (`_g`).
CREATE TABLE organizations (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    credit_code TEXT NOT NULL UNIQUE,
    kinds TEXT NOT NULL,
    authority TEXT,
    district_code TEXT NOT NULL,
    address TEXT,
    location TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'closed')),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX organizations_district ON organizations (district_code);

CREATE TABLE licenses (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('business', 'filling', 'gas_business', 'dangerous_goods_transport', 'inspection')),
    number TEXT NOT NULL,
    issuer TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    media TEXT NOT NULL,
    districts TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('valid', 'suspended', 'revoked')),
    status_reason TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (kind, number)
);
CREATE INDEX licenses_organization ON licenses (organization_id);

CREATE TABLE sites (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('filling_station', 'supply_point', 'depot', 'inspection_site')),
    name TEXT NOT NULL,
    district_code TEXT NOT NULL,
    location TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX sites_organization ON sites (organization_id);

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles TEXT NOT NULL,
    site_id BLOB REFERENCES sites (id),
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX users_organization ON users (organization_id);
CREATE INDEX users_site ON users (site_id);

CREATE TABLE certificates (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('filling', 'gas_delivery', 'hazmat_driver', 'hazmat_escort', 'inspection', 'safety_management')),
    number TEXT NOT NULL,
    issuer TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('valid', 'suspended', 'revoked')),
    status_reason TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (user_id, kind, number)
);
CREATE INDEX certificates_number ON certificates (number);

CREATE TABLE scales (
    id BLOB PRIMARY KEY,
    site_id BLOB NOT NULL REFERENCES sites (id),
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    serial_no TEXT NOT NULL,
    medium TEXT NOT NULL CHECK (medium IN ('lpg', 'dme')),
    calibration_valid_to DATE NOT NULL,
    shift_operator_id BLOB REFERENCES users (id),
    shift_ends_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (organization_id, serial_no)
);
CREATE INDEX scales_site ON scales (site_id);
CREATE INDEX scales_shift_operator ON scales (shift_operator_id);

CREATE TABLE device_keys (
    id BLOB PRIMARY KEY,
    scale_id BLOB NOT NULL REFERENCES scales (id),
    digest BLOB NOT NULL UNIQUE,
    created_by BLOB NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX device_keys_scale ON device_keys (scale_id);
CREATE INDEX device_keys_created_by ON device_keys (created_by);

CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_for TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    digest BLOB PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    generation BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    rotated_at BIGINT,
    UNIQUE (session_id, generation)
);

CREATE TABLE policies (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    district_code TEXT NOT NULL,
    effective_on DATE NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    set_by BLOB NOT NULL REFERENCES users (id),
    set_at BIGINT NOT NULL,
    -- In the order of recording, which no clock can turn round.
    seq BIGINT NOT NULL UNIQUE
);
CREATE INDEX policies_name ON policies (name);
CREATE INDEX policies_set_by ON policies (set_by);

CREATE TABLE supply_agreements (
    id BLOB PRIMARY KEY,
    owner_id BLOB NOT NULL REFERENCES organizations (id),
    distributor_id BLOB NOT NULL REFERENCES organizations (id),
    number TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (owner_id, number)
);
CREATE INDEX supply_agreements_distributor ON supply_agreements (distributor_id);

CREATE TABLE cylinders (
    id BLOB PRIMARY KEY,
    owner_id BLOB NOT NULL REFERENCES organizations (id),
    registration_code TEXT,
    -- Letters and digits alone: what two spellings of one code or stamp have in common.
    registration_key TEXT UNIQUE,
    manufacturer_code TEXT NOT NULL,
    manufacturer_key TEXT NOT NULL,
    serial_no TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    manufactured_month TEXT NOT NULL,
    label_id TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('in_service', 'lost', 'blacklisted', 'seized', 'scrapped')),
    inspection_due_on DATE NOT NULL,
    life_ends_on DATE NOT NULL,
    custody_kind TEXT NOT NULL CHECK (custody_kind IN ('owner', 'site', 'customer', 'agency', 'authority')),
    custody_organization_id BLOB NOT NULL REFERENCES organizations (id),
    district_code TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    head_hash BLOB NOT NULL,
    registered_at BIGINT NOT NULL,
    UNIQUE (manufacturer_key, serial_key, manufactured_month)
);
CREATE INDEX cylinders_owner ON cylinders (owner_id, id);
CREATE INDEX cylinders_custody_organization ON cylinders (custody_organization_id, id);
CREATE INDEX cylinders_district ON cylinders (district_code);

CREATE TABLE labels (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    cylinder_id BLOB NOT NULL REFERENCES cylinders (id),
    status TEXT NOT NULL CHECK (status IN ('bound', 'suspended', 'revoked')),
    bound_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX labels_cylinder ON labels (cylinder_id);
CREATE UNIQUE INDEX labels_one_live ON labels (cylinder_id) WHERE status <> 'revoked';

CREATE TABLE owner_changes (
    id BLOB PRIMARY KEY,
    cylinder_id BLOB NOT NULL REFERENCES cylinders (id),
    from_id BLOB NOT NULL REFERENCES organizations (id),
    to_id BLOB NOT NULL REFERENCES organizations (id),
    document_no TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    proposed_by BLOB NOT NULL REFERENCES users (id),
    proposed_at BIGINT NOT NULL,
    decided_by BLOB REFERENCES users (id),
    decided_at BIGINT
);
CREATE INDEX owner_changes_cylinder ON owner_changes (cylinder_id);
CREATE INDEX owner_changes_from ON owner_changes (from_id);
CREATE INDEX owner_changes_to ON owner_changes (to_id);
CREATE INDEX owner_changes_proposed_by ON owner_changes (proposed_by);
CREATE INDEX owner_changes_decided_by ON owner_changes (decided_by);
CREATE UNIQUE INDEX owner_changes_one_pending ON owner_changes (cylinder_id) WHERE status = 'pending';

CREATE TABLE ledger_head (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    log_index BIGINT NOT NULL,
    trusted_at BIGINT
);
INSERT INTO ledger_head (id, log_index, trusted_at) VALUES (1, 0, NULL);

CREATE TABLE streams (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('site', 'organization')),
    seq BIGINT NOT NULL,
    head_hash BLOB NOT NULL
);

CREATE TABLE events (
    log_index BIGINT PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    stream_kind TEXT NOT NULL CHECK (stream_kind IN ('cylinder', 'site', 'organization')),
    stream_id BLOB NOT NULL,
    stream_seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    decision TEXT CHECK (decision IN ('allowed', 'challenged', 'refused')),
    alert BOOLEAN NOT NULL,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor_id BLOB NOT NULL,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    site_id BLOB REFERENCES sites (id),
    district_code TEXT NOT NULL,
    data TEXT NOT NULL,
    idempotency_route TEXT,
    idempotency_key TEXT,
    body_digest BLOB,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (stream_id, stream_seq)
);
CREATE UNIQUE INDEX events_idempotency ON events (idempotency_key, actor_id, idempotency_route)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX events_organization ON events (organization_id, kind, log_index);
CREATE INDEX events_site ON events (site_id, kind, log_index) WHERE site_id IS NOT NULL;
CREATE INDEX events_refused ON events (log_index) WHERE decision = 'refused';

CREATE TABLE event_private (
    event_id BLOB PRIMARY KEY,
    salt BLOB NOT NULL,
    data TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);

CREATE TABLE idempotency_records (
    principal_id BLOB NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    body TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (principal_id, route, key)
);
CREATE INDEX idempotency_records_recorded_at ON idempotency_records (recorded_at);

-- A row for each scale, written anew with every permit. No foreign keys but the scale's: each would need an index that is
-- written as often. The row repeats the event of the permit and is verified against it.
CREATE TABLE scale_permits (
    scale_id BLOB PRIMARY KEY REFERENCES scales (id),
    permit_id BLOB NOT NULL,
    cylinder_id BLOB NOT NULL,
    operator_id BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE fills (
    id BLOB PRIMARY KEY,
    log_index BIGINT NOT NULL UNIQUE,
    permit_id BLOB NOT NULL UNIQUE,
    cylinder_id BLOB NOT NULL REFERENCES cylinders (id),
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    site_id BLOB REFERENCES sites (id),
    district_code TEXT NOT NULL,
    scale_id BLOB NOT NULL REFERENCES scales (id),
    operator_id BLOB NOT NULL REFERENCES users (id),
    gross_g INTEGER NOT NULL,
    net_g INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('released', 'held')),
    finished_at BIGINT NOT NULL
);
CREATE INDEX fills_cylinder ON fills (cylinder_id, log_index);
CREATE INDEX fills_organization ON fills (organization_id, log_index);
CREATE INDEX fills_site ON fills (site_id, log_index);
CREATE INDEX fills_scale ON fills (scale_id);
CREATE INDEX fills_operator ON fills (operator_id);
-- The few that are held, and those of a day, without a walk through all. Not partial: the status comes as a parameter.
CREATE INDEX fills_status ON fills (status, log_index);
CREATE INDEX fills_finished_at ON fills (finished_at);

CREATE TABLE public_scans (
    id BLOB PRIMARY KEY,
    label_id TEXT NOT NULL REFERENCES labels (id),
    scanned_at BIGINT NOT NULL,
    device_class TEXT NOT NULL CHECK (device_class IN ('phone', 'tablet', 'computer', 'other')),
    location TEXT
);
CREATE INDEX public_scans_label ON public_scans (label_id, scanned_at);
CREATE INDEX public_scans_scanned_at ON public_scans (scanned_at);

-- Acts of administration and denied calls, one chain. Acts on cylinders are events and not repeated here.
CREATE TABLE audit_head (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash BLOB NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE TABLE audit_log (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- A user or a scale; nobody for what is typed on the machine and for names that nobody has.
    actor_id BLOB,
    organization_id BLOB REFERENCES organizations (id),
    action TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'denied')),
    route TEXT NOT NULL,
    subject TEXT NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
);
CREATE INDEX audit_log_organization ON audit_log (organization_id, seq);
CREATE INDEX audit_log_actor ON audit_log (actor_id, seq);

-- Ledger and audit log are append-only: no UPDATE and no DELETE, from whoever. What gets past this, `pingma verify` finds.
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- INSERT OR REPLACE deletes the row that is in its way without asking the trigger above.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE log_index = NEW.log_index)
    OR EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM events WHERE stream_id = NEW.stream_id AND stream_seq = NEW.stream_seq)
    OR EXISTS (SELECT 1 FROM events WHERE idempotency_key = NEW.idempotency_key AND actor_id = NEW.actor_id
        AND idempotency_route = NEW.idempotency_route)
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
-- A label id names one label for ever.
CREATE TRIGGER labels_no_delete BEFORE DELETE ON labels
BEGIN SELECT RAISE(ABORT, 'label ids are never used again'); END;
CREATE TRIGGER labels_no_revival BEFORE UPDATE ON labels
WHEN OLD.status = 'revoked' OR NEW.id <> OLD.id OR NEW.cylinder_id <> OLD.cylinder_id
BEGIN SELECT RAISE(ABORT, 'a revoked label stays revoked'); END;
