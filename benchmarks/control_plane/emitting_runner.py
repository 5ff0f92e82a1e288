"""A runner that only tells how it goes: `emitting_runner.py BUNDLE EVENTS_PER_SECOND`, until it is ended."""

import json
import sys
import time
from datetime import UTC, datetime

bundle, rate = sys.argv[1], float(sys.argv[2])
began = time.monotonic()
with open(f"{bundle}/events.jsonl", "a", encoding="utf-8") as stream:  # noqa: PTH123 - -S: start as fast as possible
    seq = 0
    while True:
        seq += 1
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {"seq": seq, "time": moment, "kind": "progress", "phase": "training", "done": seq, "total": 10**6}
        stream.write(json.dumps(event) + "\n")
        stream.flush()
        time.sleep(max(0.0, began + seq / rate - time.monotonic()))
