"""A result is held to what was learnt: damaged in any way on its way to the files, the step fails and says how."""

import json
import subprocess
from typing import Any

import pytest

pytestmark = pytest.mark.train

#: Loads a good adapter as "the trained model in memory", damages a copy of its files in each way, and checks each copy.
SCRIPT = """
import json, shutil, sys
from pathlib import Path
from safetensors.torch import load_file, save_file
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.health import HealthCheck
from tunewright.runners.training.reload import alone, load_result
from tunewright.runners.training.settings import TrainSettings

base, good, folder, parameters = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
settings = TrainSettings.from_parameters(parameters)

class Report:
    def phase(self, name): pass
    def check_cancelled(self): pass
    def emit(self, kind, **values): found.append(values.get("code"))

def edit(change):
    def damage(outputs):
        path = outputs / "adapter_model.safetensors"
        tensors = load_file(path)
        name = sorted(name for name in tensors if "lora_B" in name)[3]
        change(tensors, name)
        save_file(tensors, path)
    return damage

def forget_eos(outputs):
    path = outputs / "tokenizer_config.json"
    content = json.loads(path.read_text())
    content.pop("eos_token")
    path.write_text(json.dumps(content))

damages = {
    "none": lambda outputs: None,
    "one-module-zero": edit(lambda tensors, name: tensors[name].zero_()),
    "all-zero": edit(lambda tensors, _: [value.zero_() for key, value in tensors.items() if "lora_B" in key]),
    "not-finite": edit(lambda tensors, name: tensors[name].fill_(float("nan"))),
    "one-module-gone": edit(lambda tensors, name: tensors.pop(name)),
    "other-weights": edit(lambda tensors, name: tensors[name].mul_(1.5)),
    "no-template": lambda outputs: (outputs / "chat_template.jinja").unlink(),
    "no-eos": forget_eos,
    "no-tokenizer": lambda outputs: (outputs / "tokenizer_config.json").unlink(),
}
answers = {}
for name, damage in damages.items():
    found, work, outputs = [], folder / name, folder / name / "outputs"
    shutil.copytree(good, outputs)
    health = HealthCheck.prepare(base, settings, work)
    health.probe(load_result(good, base, alone(settings)))
    damage(outputs)
    try:
        health.start_reloading(outputs)
        health.check_files(outputs, Report())
        answers[name] = ["healthy", str(health.finish(Report()))]
    except StepFailedError as error:
        answers[name] = [error.reason, str(error)]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(trainer: Any, sft: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    step = json.loads((sft.bundle / "step.json").read_text())
    command = [trainer.python, "-P", "-c", SCRIPT, str(trainer.model), str(sft.outputs)]
    command += [str(tmp_path_factory.mktemp("health")), json.dumps(step["parameters"])]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", env=trainer.environment())
    found: dict[str, list[str]] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("damage", "reason", "says"),
    [
        ("none", "healthy", "reload_difference': 0.0"),
        ("one-module-zero", "NOTHING_LEARNT", "1 of 14 adapted modules learnt nothing"),
        ("all-zero", "NOTHING_LEARNT", "all zero"),
        ("not-finite", "MODEL_NOT_FINITE", "lora_B"),
        ("one-module-gone", "RESULT_UNHEALTHY", "logits differ"),
        ("other-weights", "RESULT_UNHEALTHY", "logits differ"),
        ("no-template", "RESULT_UNHEALTHY", "chat template"),
        ("no-eos", "RESULT_UNHEALTHY", "end-of-sequence"),
        ("no-tokenizer", "OUTPUT_INCOMPLETE", "tokenizer_config.json"),
    ],
)
def test_every_damage_is_found(answers: dict[str, list[str]], damage: str, reason: str, says: str) -> None:
    found, message = answers[damage]
    assert found == reason, message
    assert says in message


def test_the_check_is_part_of_every_training(sft: Any) -> None:
    assert sft.summary["reload_difference"] < 1e-5, "fused layers in memory, plain ones reloaded"
    assert not list((sft.bundle / "work").glob("probe*"))


def test_a_training_that_learnt_nothing_leaves_nothing(trainer: Any, nursery: Any) -> None:
    still = nursery.run(trainer.bundle("still", {"learning_rate": 0.0, "max_steps": 2}))
    assert still.reason == "NOTHING_LEARNT"
    assert not list(still.outputs.glob("*"))
