"""Checks the chain of one cylinder from what GET /cylinders/{ref}/events answers, by nothing but the rules below.

usage: verify_chain.py [FILE ...]    pages of one history, newest or oldest first; standard input where no file is named
"""
import hashlib, json, sys


def stop(why, code=2):
    sys.exit(print(why, file=sys.stderr) or code)


def pages(names):
    for name in names or ["-"]:
        try:
            with sys.stdin if name == "-" else open(name, encoding="utf-8") as file:
                yield json.load(file)
        except (OSError, ValueError) as error:
            stop(f"{name}: not a page of a history: {error}")


if any(name in ("-h", "--help") for name in sys.argv[1:]):
    sys.exit(print(__doc__.strip()) or 0)
answers = list(pages(sys.argv[1:]))
if not all(isinstance(page, dict) and isinstance(page.get("items"), list) for page in answers):
    stop("not a page of a history: no list of items in it (an error, perhaps, or another answer)")
events = sorted((e for page in answers for e in page["items"]), key=lambda e: e["cylinder_seq"])
if not events:
    stop("there are no events in it")
first, before = events[0]["cylinder_seq"], events[0]["prev_hash"]
if first == 1:
    before = "00" * 32
for n, e in enumerate(events, first):
    if e["cylinder_seq"] != n:
        stop(f"event {n} is not in these pages: hand all of them in")
    body = {
        "id": e["id"], "log_index": e["log_index"], "stream": {**e["stream"], "seq": e["cylinder_seq"]},
        "occurred_at": e["occurred_at"], "recorded_at": e["recorded_at"], "actor_id": e["actor"]["id"],
        "organization_id": e["organization"]["id"], "site_id": e["site"] and e["site"]["id"],
        "district_code": e["district_code"], "kind": e["kind"], "data": e["data"],
        "idempotency": e["idempotency"], "prev_hash": e["prev_hash"],
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    own = hashlib.sha256(b"pingma event 1\n" + text.encode()).hexdigest()
    if e["prev_hash"] != before or e["hash"] != own:
        stop(f"event {n} is not what it was", 1)
    before = own
if first != 1:
    stop(f"events {first} to {n} hold together, but those before them are missing: follow next_cursor and hand all pages in")
print(len(events), "events, the chain holds, head", before)
