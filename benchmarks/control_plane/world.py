"""A world for a daemon to be measured in: a home, a spec that compiles, and an environment whose runner is a script.

Everything is the product's own but the interpreter of the `train` environment: a shell script stands there, so that
what is measured is the control plane and not the import of torch.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tunewright.client.values import SpecSource
from tunewright.runners.environments import place
from tunewright.runners.environments.table import digest

sys.path.append(str(Path(__file__).parents[2] / "tests" / "hub"))
from tiny_folder import write_model  # noqa: E402 - found only now

_SPEC = """\
api_version: tunewright/v1
name: {name}
base: {{model: "dir:model"}}
data: {{rows: {{source: "file:rows.jsonl", format: text}}}}
resources: {{accelerator: cpu}}
steps:
  sft: {{train: {{method: sft, data: rows, max_steps: 2, max_length: 64, precision: fp32, tuner: {{type: lora}}}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A folder with all of it."""

    folder: Path

    @property
    def home(self) -> Path:
        """The daemon's home."""
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        """What the daemon's process is started with."""
        package = str(Path(place.__file__).parents[3])
        return {**os.environ, "TUNEWRIGHT_CACHE": str(self.folder / "cache"), "PYTHONPATH": package}

    def source(self, name: str) -> SpecSource:
        """Return a spec of this name; a run of it has one step."""
        return SpecSource(text=_SPEC.format(name=name), path="life.yaml", base_directory=str(self.folder / "specs"))

    def bundle(self, run: str) -> Path:
        """Return the folder of a run's only attempt."""
        return self.home / "bundles" / run / "sft" / "1"


def make_world(folder: Path, runner: str) -> World:
    """Make a world below `folder` whose runner is a shell script; in it, `$BUNDLE` is the bundle."""
    world = World(folder=folder)
    specs = folder / "specs"
    specs.mkdir(parents=True)
    world.home.mkdir()
    write_model(specs / "model", template=True)
    (specs / "rows.jsonl").write_text('{"text": "open ticket number 7"}\n' * 64, encoding="utf-8")
    environment = folder / "cache" / "environments" / "train-own"
    (environment / "bin").mkdir(parents=True)
    (environment / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    python = environment / "bin" / "python"
    python.write_text(f'#!/bin/sh\nfor BUNDLE in "$@"; do :; done\n{runner}\n', encoding="utf-8")
    python.chmod(0o755)
    place.link_package(environment)
    marker = {"name": "train", "digest": digest("train"), "python": "3.11", "source": str(python)}
    (environment / place.MARKER).write_text(json.dumps(marker), encoding="utf-8")
    return world
