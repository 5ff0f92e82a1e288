"""Tests of what is drawn share the factories of test_progress."""

import sys
from pathlib import Path

for _folder in (Path(__file__).parent, Path(__file__).parents[1]):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))
