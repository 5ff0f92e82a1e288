"""The whole recommendation: every line of a spec in the order in which people read it."""

from tunewright.compiler.recommend.measuring import exam_choices, gate_choices, suite_choices
from tunewright.compiler.recommend.release import deploy_choices, export_choices
from tunewright.compiler.recommend.situation import FORMATS, Choice, RecommendationError, Situation, under
from tunewright.compiler.recommend.training import method_of, setting_of, training_choices
from tunewright.spec.model.document import API_VERSION

_NOT_PINNED = "chosen before it was fetched: write @<commit> behind the model's name for production"
_NOT_KNOWN = "its size is looked at once it is fetched: until then nothing here is measured against memory"


def recommend(situation: Situation) -> tuple[Choice, ...]:
    """Return the lines of a sound spec; raise RecommendationError where none can be recommended."""
    _check(situation)
    setting = setting_of(situation)
    learned = "align" if method_of(situation)[0] in ("dpo", "kto") else "learn"
    served = "pack" if situation.export else learned
    return (
        *under(api_version=(API_VERSION, ""), name=(situation.name, "")),
        *under("base", model=(situation.model.source, situation.model_reason)),
        *_data_choices(situation),
        *suite_choices(situation),
        *training_choices(situation, setting, "steps", learned, "train"),
        *exam_choices(situation, learned),
        *gate_choices(situation),
        *(export_choices(learned) if situation.export else ()),
        *(deploy_choices(situation, served, setting) if situation.deploy else ()),
        *_machine_choices(situation),
        *_allowances(situation),
    )


def _check(situation: Situation) -> None:
    model, form = situation.model, situation.data.format
    if model.problem:
        raise RecommendationError(f"the base model can't be used: {model.problem}")
    if model.remote_code:
        raise RecommendationError(
            f"`{model.source}` brings Python code of its own, which nobody but you can accept",
            "take another model, or read the code and write the spec with `trust_remote_code: true`",
        )
    if situation.export and model.origin != "gguf" and model.quantization:
        raise RecommendationError(
            f"`{model.source}` is quantised, and an adapter can't be merged into it", "leave out --export"
        )
    if form not in FORMATS[situation.task]:
        fitting = next((task for task, forms in FORMATS.items() if form in forms), None)
        raise RecommendationError(
            f"`{situation.task}` learns from rows of {' or '.join(FORMATS[situation.task])}; these are `{form}`",
            f"use --task {fitting}" if fitting else "",
        )
    if model.chat_template is False and form != "text":
        raise RecommendationError(
            f"`{model.source}` has no chat template, so it can't learn from questions and answers",
            "name the model's instruct variant, or use --task continue with plain text",
        )


def _data_choices(situation: Situation) -> tuple[Choice, ...]:
    data, exam = situation.data, situation.exam
    return (
        *under("data", "rows", source=(f"file:{situation.source}", situation.source_reason)),
        *under("data", "rows", format=(data.format, f"seen in all {data.rows:,} rows")),
        *(
            under("data", "rows", limit=(situation.learned_rows, f"the {exam.taken} rows behind these are the exam's"))
            if exam.taken
            else ()
        ),
    )


def _machine_choices(situation: Situation) -> tuple[Choice, ...]:
    hardware = situation.hardware
    if not hardware.stated:
        return ()
    reason = "the machine you named; without these lines it is the daemon's"
    accelerator = hardware.accelerator
    if accelerator is None:
        return under("resources", accelerator=("cpu", reason))
    return under("resources", accelerator=(accelerator.name, reason), count=(accelerator.count, ""))


def _allowances(situation: Situation) -> tuple[Choice, ...]:
    """A hub model that is not here yet has no revision to write, and may be unknown: said in the spec, not hidden."""
    model = situation.model
    if not model.source.startswith(("hf://", "ms://")):
        return ()
    unpinned = "@" not in model.source
    accepted = [
        *((("TW2018", _NOT_KNOWN),) if model.origin == "unknown" else ()),
        *((("TW2019", _NOT_PINNED),) if unpinned else ()),
    ]
    return tuple(Choice(path=("allow", "-"), value={"code": code, "reason": reason}) for code, reason in accepted)
