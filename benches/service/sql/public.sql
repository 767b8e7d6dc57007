-- A public look-up: what the service runs, in its order. It is counted, and that is committed.
\set n (random(0, :last) * :clients + :client_id) * :step
\set filler :n % 16 + 1
\set sent :sent + 1
SELECT "labels"."id" AS label_id, "labels"."key_id", "labels"."cylinder_id", "labels"."status" FROM "labels" WHERE "labels"."id" = ANY(ARRAY[lpad(:n::text, 8, '0')]) \gset
SELECT "cylinders"."state", "cylinders"."version", "cylinders"."head_hash", "cylinders"."district_code" FROM "cylinders" WHERE "cylinders"."id" = ANY(ARRAY[:cylinder_id::bytea]);
SELECT "ledger_head"."trusted_at" FROM "ledger_head" LIMIT 1;
SELECT "organizations"."id", "organizations"."name", "organizations"."kinds", "organizations"."authority", "organizations"."district_code", "organizations"."status" FROM "organizations" WHERE "organizations"."id" = ANY(ARRAY[('@ORGANIZATIONS@'::bytea[])[:filler]]);
SELECT "licenses"."id", "licenses"."organization_id", "licenses"."kind", "licenses"."number", "licenses"."valid_from", "licenses"."valid_to", "licenses"."status", "licenses"."media", "licenses"."districts" FROM "licenses" WHERE "licenses"."organization_id" = ANY(ARRAY[('@ORGANIZATIONS@'::bytea[])[:filler]]);
SELECT "organizations"."id", "organizations"."name", "organizations"."kinds", "organizations"."authority", "organizations"."district_code", "organizations"."status" FROM "organizations" WHERE "organizations"."id" = ANY(ARRAY[('@ORGANIZATIONS@'::bytea[])[:filler]]);
SELECT "policies"."name", "policies"."district_code", "policies"."effective_on", "policies"."value", "policies"."seq" FROM "policies";
INSERT INTO "public_scans" ("id", "label_id", "scanned_at", "device_class", "location") VALUES (substr(int8send(:now::bigint / 1000), 3, 6) || '\x7000'::bytea || int8send((:sent::bigint * 256 + :client_id::bigint)), :label_id, :now, 'other', DEFAULT);
