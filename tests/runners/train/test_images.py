"""A model that sees images learns from them: images that were drawn here, beside the rows that name them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunewright.spec.canonical import digest_of
from tunewright.spec.images import digest_of_images

pytestmark = pytest.mark.train

COLOURS = ("red", "blue", "green", "black")
_DRAW = """
import sys
from PIL import Image, ImageDraw
for colour in sys.argv[2:]:
    image = Image.new("RGB", (32, 32), "white")
    ImageDraw.Draw(image).ellipse((4, 4, 28, 28), fill=colour)
    image.save(f"{sys.argv[1]}/{colour}.png")
"""


@pytest.fixture(scope="module")
def vision_folder(train_python: str, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vision") / "model"
    script = Path(__file__).parents[1] / "tiny_vision.py"
    subprocess.run([train_python, "-P", script, tiny_folder, folder], check=True, capture_output=True)
    return folder


def bundle_with_images(trainer: Any, name: str, model: Path, changes: dict[str, Any]) -> Path:
    """Return a bundle whose rows name drawn images, two in one row and none in another among them."""
    bundle: Path = trainer.bundle(name, changes)
    folder = bundle / "inputs"
    subprocess.run([trainer.python, "-P", "-c", _DRAW, folder, *COLOURS], check=True)
    rows = [row([colour], "Which colour?", colour) for colour in COLOURS] * 8
    rows += [row(["red", "blue"], "Which colours?", "red, then blue"), row([], "Which colour has snow?", "white")]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(item) + "\n" for item in rows))
    step = json.loads((bundle / "step.json").read_text())
    step["inputs"]["model"]["path"] = str(model)
    digest = digest_of([digest_of_images(folder, {f"{colour}.png" for colour in COLOURS})])
    step["parameters"]["data"]["rows"].setdefault("images", digest)
    (bundle / "step.json").write_text(json.dumps(step))
    return bundle


def row(colours: list[str], question: str, answer: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"images": [f"{colour}.png" for colour in colours], "messages": messages}


def test_it_learns_and_only_the_language_model_gets_adapters(trainer: Any, vision_folder: Path) -> None:
    bundle = bundle_with_images(trainer, "seeing", vision_folder, {"learning_rate": 5e-2, "max_steps": 12})
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.summary["loss_last"] < trained.summary["loss_first"] - 0.3
    left = {path.name for path in trained.outputs.iterdir()}
    assert left >= {"adapter_model.safetensors", "processor_config.json", "tokenizer.json", "chat_template.jinja"}
    names = subprocess.run(
        [
            trainer.python,
            "-c",
            "import sys; from safetensors import safe_open; print(*safe_open(sys.argv[1], 'pt').keys(), sep='\\n')",
            trained.outputs / "adapter_model.safetensors",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert names
    assert not [name for name in names if "vision_model" in name]


def test_the_trained_model_answers_what_it_is_asked(trainer: Any, vision_folder: Path, tmp_path: Path) -> None:
    """Evaluation and serving load it with its adapter; text goes in as with any other model."""
    script = (
        "import sys; from pathlib import Path; from tunewright.runners.model_loading import *\n"
        "model = load_for_inference(Path(sys.argv[1]), None, precision='fp32', device='cpu')\n"
        "tokenizer = load_tokenizer(Path(sys.argv[1]))\n"
        "ids = tokenizer('hello', return_tensors='pt')\n"
        "print(model.generate(**ids, max_new_tokens=4, do_sample=False).shape[1])\n"
    )
    done = subprocess.run(
        [trainer.python, "-P", "-c", script, vision_folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("src"))
             or os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]


def test_other_images_than_the_plan_was_made_for_are_refused(trainer: Any, vision_folder: Path) -> None:
    changed = {"data": {"rows": {"format": "messages", "images": f"sha256:{'0' * 64}"}}}
    bundle = bundle_with_images(trainer, "repainted", vision_folder, changed)
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.reason == "INPUT_CHANGED"
