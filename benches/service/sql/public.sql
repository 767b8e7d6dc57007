-- A public look-up: what the service runs, in its order. It is counted, and that is committed. What the next look-up looks for
-- the last statement returns.
\if :sent = 0
\set n (random(0, :last) * :clients + :client_id) * :step
\set filler :n % 16 + 1
SELECT ARRAY[lpad(:n::text, 8, '0')] AS label_ids, ('@ORGANIZATIONS@'::bytea[])[:filler : :filler] AS owner_ids \gset
\endif
\set sent :sent + 1
SELECT "labels"."key_id", "labels"."status", "labels"."id" AS label_id, ARRAY["labels"."cylinder_id"] AS cylinder_ids FROM "labels" WHERE "labels"."id" = ANY(:label_ids) \gset
SELECT "cylinders"."state", "cylinders"."version", "cylinders"."head_hash", "cylinders"."district_code" FROM "cylinders" WHERE "cylinders"."id" = ANY(:cylinder_ids);
SELECT "ledger_head"."trusted_at" FROM "ledger_head" LIMIT 1;
SELECT "organizations"."id", "organizations"."name", "organizations"."kinds", "organizations"."authority", "organizations"."district_code", "organizations"."status" FROM "organizations" WHERE "organizations"."id" = ANY(:owner_ids);
SELECT "licenses"."id", "licenses"."organization_id", "licenses"."kind", "licenses"."number", "licenses"."valid_from", "licenses"."valid_to", "licenses"."status", "licenses"."media", "licenses"."districts" FROM "licenses" WHERE "licenses"."organization_id" = ANY(:owner_ids);
SELECT "organizations"."id", "organizations"."name", "organizations"."kinds", "organizations"."authority", "organizations"."district_code", "organizations"."status" FROM "organizations" WHERE "organizations"."id" = ANY(:owner_ids);
SELECT "policies"."name", "policies"."district_code", "policies"."effective_on", "policies"."value", "policies"."seq" FROM "policies";
\set n (random(0, :last) * :clients + :client_id) * :step
\set filler :n % 16 + 1
WITH counted AS (INSERT INTO public_scans (id, label_id, scanned_at, device_class, location) VALUES (substr(int8send(:now::bigint / 1000), 3, 6) || '\x7000'::bytea || int8send((:sent::bigint * 256 + :client_id::bigint)), :label_id, :now, 'other', NULL) RETURNING 1) SELECT count(*) AS rows, ARRAY[lpad(:n::text, 8, '0')] AS label_ids, ('@ORGANIZATIONS@'::bytea[])[:filler : :filler] AS owner_ids FROM counted WHERE set_config('synchronous_commit', 'local', true) = 'local' \gset
