"""Checks the chain of one cylinder from what GET /cylinders/{ref}/events answers, by nothing but the rules below."""
import hashlib, json, sys

events = sorted(json.load(sys.stdin)["items"], key=lambda e: e["cylinder_seq"])
before = "00" * 32
for n, e in enumerate(events, 1):
    body = {
        "id": e["id"], "log_index": e["log_index"], "stream": {**e["stream"], "seq": e["cylinder_seq"]},
        "occurred_at": e["occurred_at"], "recorded_at": e["recorded_at"], "actor_id": e["actor"]["id"],
        "organization_id": e["organization"]["id"], "site_id": e["site"] and e["site"]["id"],
        "district_code": e["district_code"], "kind": e["kind"], "data": e["data"],
        "idempotency": e["idempotency"], "prev_hash": e["prev_hash"],
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    own = hashlib.sha256(b"pingma event 1\n" + text.encode()).hexdigest()
    assert e["cylinder_seq"] == n and e["prev_hash"] == before and e["hash"] == own, f"event {n} is not what it was"
    before = own
print(len(events), "events, the chain holds, head", before)
