"""Family 2, second part: the model that everything starts from."""

from tunewright.compiler.facts.families import ENCODERS
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.references import MODEL_SCHEMES
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.determinism import RERUNNABLE, includes
from tunewright.spec.diagnostics import Label
from tunewright.spec.methods import WITHOUT_TURNS
from tunewright.spec.model.document import Spec


def _promises_second_run(spec: Spec) -> bool:
    levels = (spec.determinism, *(train.determinism for _, train in spec.trains()))
    return any(level is not None and includes(level, RERUNNABLE) for level in levels)


def _check_model(work: Work) -> None:
    assert work.spec is not None
    source = work.spec.base.model
    if work.is_poisoned("base", "model") or not source.startswith(MODEL_SCHEMES):
        return
    model, span = machine.base_model(work), work.value_span("base", "model")
    if model.problem:
        work.sink.report(
            "TW2017",
            model.problem,
            span,
            "the base model",
            help="a model is a folder as hubs hold it: `config.json`, tokenizer, and all parts of the weights"
            if model.origin == "folder"
            else None,
        )
    elif model.model_type in ENCODERS:
        work.sink.report(
            "TW2017",
            f"a {model.model_type} model is an encoder: it can't write, and nothing here trains it yet",
            span,
            "the base model",
            help="use a model that writes, such as Qwen or Llama; `classify` and `embed` learn on top of these too",
        )
    elif model.origin == "unknown":
        work.sink.report(
            "TW2018",
            f"nothing is known about `{source}` yet",
            span,
            help="its size, context and layers are checked once it is here; until then plans have no estimates",
        )
    if source.startswith(("hf://", "ms://")) and "@" not in source and not model.pinned:
        promised = _promises_second_run(work.spec)
        work.sink.report(
            "TW3076" if promised else "TW2019",
            f"`{source}` names no revision" + (", and a second run is promised" if promised else ""),
            span,
            "what this means can change",
            help=f"write `{source}@<commit>`, or let `tunewright lock` look it up: later runs keep to what it found",
        )


def _check_template(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    model = machine.base_model(work)
    if model.chat_template is not False:
        return
    for name, step in work.spec.steps.items():
        if step.train is None:
            continue
        formats = {
            (work.spec.data[data].format or work.facts.data[data].format)
            for data in step.train.data
            if data in work.facts.data and not work.spec.data[data].prompt_template
        }
        if formats - {*WITHOUT_TURNS, None}:
            work.sink.report(
                "TW2020",
                "the base model has no chat template",
                work.value_span("base", "model"),
                labels=(Label(work.key_span("steps", name), "learns from turns of a conversation"),),
                help="use the model's instruct variant, data of format `text`, or a `prompt_template`",
            )
            return


def _check_template_hazard(work: Work) -> None:
    assert work.facts is not None
    hazard = machine.base_model(work).template_hazard
    if hazard is not None:
        work.sink.report(
            "TW2066",
            "the base model's chat template does harm",
            work.value_span("base", "model"),
            hazard,
            help="don't use it: take the model from those who made it, or a chat_template.jinja that you have read",
        )


def _check_end_token(work: Work) -> None:
    assert work.spec is not None
    if machine.base_model(work).end_token is not False:
        return
    for name, _ in work.spec.trains():
        work.sink.report(
            "TW2063",
            "the base model's tokenizer has no end-of-sequence token",
            work.value_span("base", "model"),
            labels=(Label(work.key_span("steps", name), "learns to end its replies"),),
            help="name the token that ends a text as `eos_token` in its tokenizer_config.json",
        )
        return


RULES = (
    Rule(
        code="TW2017",
        phase=Phase.MODEL,
        why="A model folder without weights or configuration is found before anything starts.",
        check=_check_model,
        resolved=False,
        bad='base: {model: "dir:nothing"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW2018",
        phase=Phase.MODEL,
        why="Without the model's shape nothing can be estimated or checked against it.",
        bad='base: {model: "hf://nobody/unheard-of@0123456789abcdef"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW2019",
        phase=Phase.TEXT,
        why="A branch moves: the same spec would mean another model tomorrow.",
        bad='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW2020",
        phase=Phase.MODEL,
        why="Conversations are rendered by the model's own template; without one, training and serving would each "
        "invent their own.",
        check=_check_template,
        resolved=False,
        bad='base: {model: "dir:plain-model"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW2066",
        phase=Phase.MODEL,
        check=_check_template_hazard,
        resolved=False,
        why="A chat template is a program of whoever made the model. One that never ends, takes all memory or reaches "
        "for what is not its own would do so in every step.",
        bad='base: {model: "dir:harmful-model"}',
        good='base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}',
    ),
    Rule(
        code="TW2063",
        phase=Phase.MODEL,
        check=_check_end_token,
        resolved=False,
        why="Replies that are never ended in the rows are never ended by the model: it would talk until it is cut off.",
        bad='base: {model: "dir:restless-model"}',
        good='base: {model: "dir:chat-model"}',
    ),
)
