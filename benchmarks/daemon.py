"""Measure what the daemon promises, beside the raw limits of this machine measured in the same run.

    PYTHONPATH=src python -P benchmarks/daemon.py [--strict] [launching commits watching ...]

Every figure is of real daemon processes, on a disk folder of their own (--folder), as the typed client or, where it
would be the limit, bare gRPC sees them. With --strict a promise that is missed is an exit code of 1. README.md beside
this file says what the rows mean.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from control_plane.table import Row, lines  # noqa: E402 - found only now

PARTS = ("launching", "commits", "watching", "replaying", "starting", "idling", "memory", "flooding", "calls")


def main() -> int:
    """Measure the parts that are asked for, or all, and print one table."""
    parser = argparse.ArgumentParser(description="Measure what the daemon promises, beside the raw limits.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all of: {', '.join(PARTS)}")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a promise is missed")
    parser.add_argument("--folder", type=Path, help="where homes are made: the disk to measure")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    began, load = time.monotonic(), os.getloadavg()[0]
    rows: list[Row] = []
    for part in chosen.parts or PARTS:
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        # Short names: a home holds a Unix socket, whose path may have 107 bytes.
        with tempfile.TemporaryDirectory(prefix="tw", dir=chosen.folder, ignore_cleanup_errors=True) as folder:
            try:
                rows.extend(importlib.import_module(f"control_plane.{part}").measure(Path(folder)))
            except Exception as error:  # what the other parts find is worth seeing all the same
                traceback.print_exc()
                rows.append(Row(what=part, measured=f"failed: {type(error).__name__}", kept=False))
    print("\n".join(lines(rows)))
    print(f"{os.cpu_count()} processors, load {load:.1f} at the start, {time.monotonic() - began:.0f} s in all")
    missed = [row.what for row in rows if row.kept is False]
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return int(chosen.strict and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
