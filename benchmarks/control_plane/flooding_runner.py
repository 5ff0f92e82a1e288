"""A runner that floods its log: `flooding_runner.py LINES_PER_SECOND SECONDS`, when its folder holds a file `go`.

It says in a file `done` how many seconds that took, and then waits to be ended.
"""

import os
import sys
import time

rate, seconds = int(sys.argv[1]), int(sys.argv[2])
BLOCKS_PER_SECOND = 20
line = b"step 1200 of 5000: loss 1.2345, 2345.6 tokens a second\n"
block = line * (rate // BLOCKS_PER_SECOND)
while not os.path.exists("go"):  # noqa: PTH110 - started without `site`, as fast as possible
    time.sleep(0.01)
began = time.monotonic()
for number in range(seconds * BLOCKS_PER_SECOND):
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(1, rest) :]
    time.sleep(max(0.0, began + (number + 1) / BLOCKS_PER_SECOND - time.monotonic()))
took = time.monotonic() - began
with open("took", "w", encoding="ascii") as stream:  # noqa: PTH123
    stream.write(str(took))
os.rename("took", "done")  # noqa: PTH104
time.sleep(3600)
