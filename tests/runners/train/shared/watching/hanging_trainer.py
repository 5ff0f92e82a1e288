"""The trainer with a fault put in: after `HANG_AFTER` micro-batches a step hangs, as a collective or a disk may."""

import os
import time

from tunewright.runners import train_trl
from tunewright.runners.sdk import main
from tunewright.runners.training import oversight

seen = 0
inner = oversight.count_tokens


def hanging(inputs):  # type: ignore[no-untyped-def]
    global seen
    seen += 1
    if seen > int(os.environ["HANG_AFTER"]):
        time.sleep(600)
    return inner(inputs)


oversight.count_tokens = hanging

if __name__ == "__main__":
    main(train_trl.MANIFEST, train_trl.work)
