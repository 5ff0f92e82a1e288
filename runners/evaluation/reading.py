"""What evaluations of models that do not write share: their suites, and texts that go through the model in batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.contract import StepFile
from tunewright.runners.evaluation.suites import Question, Suite, read_suite
from tunewright.runners.model_loading import attach_adapter
from tunewright.runners.padding import padded_right
from tunewright.runners.sdk import Reporter, StepFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A loaded model with its tokenizer; texts are cut at `max_length` tokens, as the training cut them."""

    model: Any
    tokenizer: Any
    max_length: int
    batch_size: int

    def outputs(self, texts: Sequence[str], done: Callable[[int], None]) -> Iterator[tuple[list[int], Any, Any]]:
        """Yield for each batch the numbers of its texts, the model's output and the attention mask.

        Texts of like length share a batch. `done` hears how many were read, and may raise to stop.
        """
        import torch

        tokens = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        order = sorted(range(len(tokens)), key=lambda index: (len(tokens[index]), index))
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            batch = padded_right([tokens[number] for number in numbers], self.tokenizer.pad_token_id)
            placed = {name: value.to(self.model.device) for name, value in batch.items()}
            with torch.inference_mode():
                yield numbers, self.model(**placed, use_cache=False), placed["attention_mask"]
            done(start + len(numbers))


def load_reader(step: StepFile, load: Callable[[Path], Any]) -> Reader:
    """Load the step's model by `load(folder)`, its adapter and its tokenizer; raise StepFailedError."""
    from transformers import AutoTokenizer

    folder, adapter = Path(step.inputs["model"].path), adapter_of(step)
    try:
        tokenizer = AutoTokenizer.from_pretrained(adapter or folder, local_files_only=True)
        model = load(folder)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise StepFailedError(
            f"the model folder can't be loaded: {str(error).splitlines()[0]}",
            reason="MODEL_NOT_LOADABLE",
            help=f"check that {folder} is what the training step has left",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if adapter is not None:
        model = attach_adapter(model, adapter)
    return Reader(
        model=model.eval().to(step.parameters["device"]),
        tokenizer=tokenizer,
        max_length=step.parameters["max_length"],
        batch_size=step.parameters["batch_size"],
    )


def adapter_of(step: StepFile) -> Path | None:
    """Return the folder of the step's adapter, None where all weights learnt."""
    return Path(step.inputs["adapter"].path) if "adapter" in step.inputs else None


def read_text_suites(step: StepFile) -> list[Suite]:
    """Read the suites, whose prompts and expected answers are texts; raise StepFailedError that names file:line."""
    suites = []
    for name, settings in sorted(step.parameters["suites"].items()):
        suite = read_suite(name, Path(step.inputs[f"suite.{name}"].path), settings, None)
        for question in suite.questions:
            if not isinstance(question.prompt, str) or question.choices or not isinstance(question.expected, str):
                raise refused(suite, question, "this model reads a text and is held to one: no messages, no choices")
        suites.append(suite)
    return suites


def refused(suite: Suite, question: Question, problem: str) -> StepFailedError:
    """Return the failure of a row that can't be asked."""
    return StepFailedError(
        f"{suite.at(question)}: {problem}",
        reason="SUITE_INVALID",
        help="correct the row: {id, prompt, expected}, both of them texts",
    )


def progress_of(suite: Suite, total: int, report: Reporter) -> Callable[[int], None]:
    """Return what tells how many of a suite's texts were read, and stops where that is wanted."""

    def done(count: int) -> None:
        report.progress(count, total, "texts", suite=suite.name)
        report.check_cancelled()

    return done
