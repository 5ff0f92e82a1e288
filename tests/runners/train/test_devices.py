"""An accelerator that is not what the plan was made for is told before anything loads."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tunewright

pytestmark = pytest.mark.train

#: torch as it is where an accelerator of before bf16 is, or none: there is none here to ask.
SCRIPT = """
import json, sys
import torch
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.distributed import check_processes
from tunewright.runners.training.settings import TrainSettings
settings = TrainSettings.from_parameters(json.loads(sys.argv[1]))
told = []
for present in (False, True):
    torch.cuda.is_available = lambda: present
    torch.cuda.is_bf16_supported = lambda including_emulation: including_emulation
    torch.cuda.get_device_name = lambda: "Tesla V100"
    try:
        check_processes(settings)
    except StepFailedError as error:
        told.append([error.reason, error.code, str(error)])
print(json.dumps(told))
"""


def test_a_device_without_the_plan_s_format_is_refused(train_python: str, parameters: dict[str, Any]) -> None:
    wanted = json.dumps({**parameters, "device": "cuda", "precision": "bf16"})
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    command = [train_python, "-P", "-c", SCRIPT, wanted]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        ["NO_ACCELERATOR", 69, "the plan needs an accelerator and torch sees none"],
        ["PRECISION_UNSUPPORTED", 78, "Tesla V100 has no bf16, which the plan computes in"],
    ]
