"""The real supervisor, which dies at the operation that a file of the home names: `python -I -S THIS BUNDLE ...`.

The file `supervisor-dies-at` holds the number and the supervisor's path; the first supervisor takes it away, so that
those who come after live. How many operations one that lives has had goes to `supervisor-operations`.
"""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kill_points  # noqa: E402 - found only now


def main(bundle: Path) -> None:
    """Take the order, then be the supervisor."""
    home = next(parent for parent in bundle.parents if (parent / "supervisor").exists())
    order = home / "supervisor-dies-at"
    try:
        number = int(order.read_text())
        order.unlink()
    except FileNotFoundError:
        number = 0
    point = kill_points.arm(number)
    sys.argv[0] = (home / "supervisor").read_text()
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        (home / "supervisor-operations").write_text(str(point()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
