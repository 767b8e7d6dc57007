//! The tables, for both databases alike. Written by hand: diesel's printer knows one database at a time, and
//! `tests/migrations.rs` holds this file against both.

#![allow(missing_docs, reason = "diesel writes a module per table")]

diesel::table! {
    organizations (id) {
        id -> Binary,
        name -> Text,
        credit_code -> Text,
        kinds -> Text,
        authority -> Nullable<Text>,
        district_code -> Text,
        address -> Nullable<Text>,
        location -> Nullable<Text>,
        status -> Text,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    licenses (id) {
        id -> Binary,
        organization_id -> Binary,
        kind -> Text,
        number -> Text,
        issuer -> Text,
        valid_from -> Date,
        valid_to -> Date,
        media -> Text,
        districts -> Text,
        status -> Text,
        status_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    sites (id) {
        id -> Binary,
        organization_id -> Binary,
        kind -> Text,
        name -> Text,
        district_code -> Text,
        location -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Binary,
        organization_id -> Binary,
        username -> Text,
        password_hash -> Text,
        display_name -> Text,
        roles -> Text,
        site_id -> Nullable<Binary>,
        active -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    certificates (id) {
        id -> Binary,
        user_id -> Binary,
        kind -> Text,
        number -> Text,
        issuer -> Text,
        valid_from -> Date,
        valid_to -> Date,
        status -> Text,
        status_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    scales (id) {
        id -> Binary,
        site_id -> Binary,
        organization_id -> Binary,
        name -> Text,
        serial_no -> Text,
        medium -> Text,
        calibration_valid_to -> Date,
        shift_operator_id -> Nullable<Binary>,
        shift_ends_at -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    device_keys (id) {
        id -> Binary,
        scale_id -> Binary,
        digest -> Binary,
        created_by -> Binary,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        user_id -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        revoked_for -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_tokens (digest) {
        digest -> Binary,
        session_id -> Binary,
        generation -> BigInt,
        issued_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    policies (id) {
        id -> Binary,
        name -> Text,
        district_code -> Text,
        effective_on -> Date,
        value -> Text,
        reason -> Text,
        set_by -> Binary,
        set_at -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    supply_agreements (id) {
        id -> Binary,
        owner_id -> Binary,
        distributor_id -> Binary,
        number -> Text,
        valid_from -> Date,
        valid_to -> Date,
        created_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    cylinders (id) {
        id -> Binary,
        owner_id -> Binary,
        registration_code -> Nullable<Text>,
        registration_key -> Nullable<Text>,
        manufacturer_code -> Text,
        manufacturer_key -> Text,
        serial_no -> Text,
        serial_key -> Text,
        manufactured_month -> Text,
        label_id -> Text,
        model -> Text,
        status -> Text,
        inspection_due_on -> Date,
        life_ends_on -> Date,
        custody_kind -> Text,
        custody_organization_id -> Binary,
        district_code -> Text,
        state -> Text,
        version -> BigInt,
        head_hash -> Binary,
        registered_at -> BigInt,
    }
}

diesel::table! {
    labels (id) {
        id -> Text,
        key_id -> Text,
        cylinder_id -> Binary,
        status -> Text,
        bound_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    owner_changes (id) {
        id -> Binary,
        cylinder_id -> Binary,
        from_id -> Binary,
        to_id -> Binary,
        document_no -> Text,
        reason -> Text,
        status -> Text,
        proposed_by -> Binary,
        proposed_at -> BigInt,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ledger_head (id) {
        id -> SmallInt,
        log_index -> BigInt,
        trusted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    streams (id) {
        id -> Binary,
        kind -> Text,
        seq -> BigInt,
        head_hash -> Binary,
    }
}

diesel::table! {
    events (log_index) {
        log_index -> BigInt,
        id -> Binary,
        stream_kind -> Text,
        stream_id -> Binary,
        stream_seq -> BigInt,
        kind -> Text,
        decision -> Nullable<Text>,
        alert -> Bool,
        occurred_at -> BigInt,
        recorded_at -> BigInt,
        actor_id -> Binary,
        organization_id -> Binary,
        site_id -> Nullable<Binary>,
        district_code -> Text,
        data -> Text,
        idempotency_route -> Nullable<Text>,
        idempotency_key -> Nullable<Text>,
        body_digest -> Nullable<Binary>,
        prev_hash -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    event_private (event_id) {
        event_id -> Binary,
        salt -> Binary,
        data -> Text,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    idempotency_records (principal_id, route, key) {
        principal_id -> Binary,
        route -> Text,
        key -> Text,
        body_digest -> Binary,
        body -> Text,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    scale_permits (scale_id) {
        scale_id -> Binary,
        permit_id -> Binary,
        cylinder_id -> Binary,
        operator_id -> Binary,
        expires_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    fills (id) {
        id -> Binary,
        log_index -> BigInt,
        permit_id -> Binary,
        cylinder_id -> Binary,
        organization_id -> Binary,
        site_id -> Nullable<Binary>,
        district_code -> Text,
        scale_id -> Binary,
        operator_id -> Binary,
        gross_g -> Integer,
        net_g -> Integer,
        status -> Text,
        finished_at -> BigInt,
    }
}

diesel::table! {
    public_scans (id) {
        id -> Binary,
        label_id -> Text,
        scanned_at -> BigInt,
        device_class -> Text,
        location -> Nullable<Text>,
    }
}

diesel::table! {
    audit_head (id) {
        id -> SmallInt,
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    audit_log (seq) {
        seq -> BigInt,
        at -> BigInt,
        actor_id -> Nullable<Binary>,
        organization_id -> Nullable<Binary>,
        action -> Text,
        outcome -> Text,
        route -> Text,
        subject -> Text,
        prev_hash -> Binary,
        hash -> Binary,
    }
}

diesel::joinable!(licenses -> organizations (organization_id));
diesel::joinable!(sites -> organizations (organization_id));
diesel::joinable!(users -> organizations (organization_id));
diesel::joinable!(certificates -> users (user_id));
diesel::joinable!(scales -> sites (site_id));
diesel::joinable!(device_keys -> scales (scale_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(labels -> cylinders (cylinder_id));
diesel::joinable!(cylinders -> organizations (owner_id));
diesel::joinable!(events -> organizations (organization_id));
diesel::joinable!(fills -> cylinders (cylinder_id));
diesel::joinable!(public_scans -> labels (label_id));
diesel::joinable!(audit_log -> organizations (organization_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit_head,
    audit_log,
    organizations,
    licenses,
    sites,
    users,
    certificates,
    scales,
    device_keys,
    sessions,
    refresh_tokens,
    policies,
    supply_agreements,
    cylinders,
    labels,
    owner_changes,
    ledger_head,
    streams,
    events,
    event_private,
    idempotency_records,
    scale_permits,
    fills,
    public_scans,
);
