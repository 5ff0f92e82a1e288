"""Family 3, methods that generate: rewards, groups of replies, room for them, and where they can run."""

from collections.abc import Iterator

from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Edit, Label
from tunewright.spec.document import Path
from tunewright.spec.methods import METHODS
from tunewright.spec.model.reward import Reward
from tunewright.spec.plug_ins import is_plug_in
from tunewright.spec.rewards import OWNERS, REWARDS
from tunewright.spec.suggest import listed, nearest, suggestion


def _generating(work: Work) -> Iterator[tuple[ResolvedStep, ResolvedTrain]]:
    assert work.resolved is not None
    return ((step, train) for step, train in work.resolved.trains() if METHODS[train.method].generates)


def _check_groups(work: Work) -> None:
    for step, train in _generating(work):
        group, batch = train.options.get("num_generations"), train.global_batch_size
        if isinstance(group, int) and batch % group:
            work.sink.report(
                "TW3046",
                f"a step takes {batch} replies, which groups of {group} do not divide",
                work.value_span("steps", step.name, "train", "num_generations"),
                help=f"let `per_device_train_batch_size` x `gradient_accumulation_steps` x processes be a multiple of "
                f"{group}; they count replies, not prompts",
            )


def _check_room(work: Work) -> None:
    for step, train in _generating(work):
        longest = train.options["max_completion_length"]
        assert isinstance(longest, int)
        if longest >= train.max_length:
            work.sink.report(
                "TW3051",
                f"replies of {longest} tokens leave no room for a prompt within `max_length` {train.max_length}",
                work.value_span("steps", step.name, "train", "max_completion_length"),
                help="lower it, or raise `max_length`, which covers prompt and reply",
            )


def _check_clip(work: Work) -> None:
    assert work.spec is not None
    for step, train in _generating(work):
        written = work.spec.steps[step.name].train
        if written and written.epsilon is not None and train.options.get("num_iterations") == 1:
            work.sink.report(
                "TW3053",
                "`epsilon` never acts: each reply is learnt from once, before its probability has moved",
                work.key_span("steps", step.name, "train", "epsilon"),
                help="remove it, or set `num_iterations: 2` or more",
            )


def _check_reference(work: Work) -> None:
    assert work.resolved is not None
    for step, train in _generating(work):
        before = work.resolved.models.get(train.from_step or "base")
        compares = METHODS[train.method].compares(train.options)
        if compares and not train.tuner.is_adapter and before is not None and before.adapter is not None:
            work.sink.report(
                "TW3052",
                f"{train.method} would compare with the base model, not with `{train.from_step}`",
                work.value_span("steps", step.name, "train", "tuner"),
                labels=(Label(work.key_span("steps", before.adapter), "learned an adapter"),),
                help="keep the adapter (leave `tuner` out), or set `beta: 0`",
            )


def _check_rhythm(work: Work) -> None:
    for step, train in _generating(work):
        uses = train.options.get("num_iterations")
        if isinstance(uses, int) and train.save_steps % uses:
            work.sink.report(
                "TW3054",
                f"some checkpoints fall between {uses} steps that learn from the same replies",
                work.value_span("steps", step.name, "train", "save_steps"),
                help=f"set `save_steps` to a multiple of {uses}: a retry in between generates the replies anew",
            )


def _check_adapter(work: Work) -> None:
    for step, train in _generating(work):
        if METHODS[train.method].needs_adapter and not train.tuner.is_adapter:
            work.sink.report(
                "TW3057",
                f"{train.method} compares with the model without its adapter, and here all weights learn",
                work.value_span("steps", step.name, "train", "tuner"),
                help="use an adapter (`tuner: lora`), or `rloo` for all weights",
            )


def _rewards(work: Work) -> Iterator[tuple[str, Path, Reward]]:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        for index, reward in enumerate(step.train.rewards or ()) if step.train else ():
            path = ("steps", name, "train", "rewards", index)
            if not work.is_poisoned(*path):
                yield name, path, reward


def _check_paid(work: Work) -> None:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        if step.train is None or work.is_poisoned("steps", name, "train"):
            continue
        if "rewards" in METHODS[step.train.method].options and not step.train.rewards:
            work.sink.report(
                "TW3047",
                f"`{name}` pays for nothing",
                work.value_span("steps", name, "train", "method"),
                f"{step.train.method} learns from rewards alone",
                help=f"write `rewards:` with {listed([f'`{word}`' for word in REWARDS], 8)}, a package's, or "
                "`{model: STEP}`",
            )


def _check_names(work: Work) -> None:
    for _, path, reward in _rewards(work):
        if (reward.name is None) == (reward.model is None):
            work.sink.report(
                "TW3048", "a reward is one name or one model", work.value_span(*path), help="write `name` or `model`"
            )
        elif reward.name is not None and reward.name not in REWARDS and not is_plug_in(reward.name):
            span = work.value_span(*path, "name")
            near = nearest(reward.name, REWARDS)
            here = f"rewards here: {listed(list(REWARDS), 8)}; a package's has a dot in its name"
            edit = Edit(span, near) if near else None
            work.sink.report("TW3048", f"unknown reward `{reward.name}`", span, help=suggestion(near, here), edit=edit)
        else:
            _check_keys(work, path, reward)


def _check_keys(work: Work, path: Path, reward: Reward) -> None:
    called = f"`{reward.name}`" if reward.name else "a reward model"
    for key, owners in OWNERS.items():
        if reward.name not in owners and getattr(reward, key) is not None:
            work.sink.report(
                "TW3048", f"`{key}` means nothing to {called}", work.key_span(*path, key), help=f"remove `{key}`"
            )
    if reward.options is not None and not is_plug_in(reward.name or ""):
        work.sink.report(
            "TW3048", f"{called} has keys, not `options`", work.key_span(*path, "options"), help="remove `options`"
        )
    known = REWARDS.get(reward.name or "")
    for key in known.needs if known else ():
        if getattr(reward, key) is None:
            work.sink.report(
                "TW3048",
                f"the reward {called} needs `{key}`",
                work.value_span(*path),
                help=f"write `{{name: {reward.name}, {key}: ...}}`",
            )


def _check_columns(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    for name, path, reward in _rewards(work):
        train, known = work.spec.steps[name].train, REWARDS.get(reward.name or "")
        assert train is not None
        for key in known.columns if known else ():
            column = getattr(reward, key) or (known.options[key] if known else None)
            for data in train.data:
                facts = work.facts.data.get(data)
                if facts is not None and facts.columns and column not in facts.columns:
                    work.sink.report(
                        "TW3049",
                        f"the rows of `{data}` have no column `{column}`",
                        work.value_span(*path),
                        labels=(Label(work.key_span("data", data), f"columns: {listed(list(facts.columns), 8)}"),),
                        help=f"name another column with `{key}`, or add it to the rows",
                    )


def _check_models(work: Work) -> None:
    assert work.spec is not None
    for _, path, reward in _rewards(work):
        model = reward.model
        if model is None or work.is_poisoned(*path, "model"):
            continue
        step = work.spec.steps.get(model)
        makes = METHODS[step.train.method].makes if step is not None and step.train is not None else "score"
        if step is not None and step.train is not None and makes != "score":
            work.sink.report(
                "TW3050",
                f"`{model}` answers with {'text' if makes == 'text' else f'a {makes}'}, not with a score",
                work.value_span(*path, "model"),
                labels=(Label(work.key_span("steps", model), f"trained with {step.train.method}"),),
                help="name a step with `method: reward`",
            )
        elif ":" in model and not model.startswith("dir:"):
            work.sink.report(
                "TW3050",
                f"`{model}` is not here, and only the base model is fetched",
                work.value_span(*path, "model"),
                help="download it and name its folder (`dir:path`)",
            )


def _check_teacher(work: Work) -> None:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        train = step.train
        if train is None or "teacher" not in METHODS[train.method].options:
            continue
        path = ("steps", name, "train", "teacher")
        if train.teacher is None:
            work.sink.report(
                "TW3056",
                f"`{name}` has no teacher",
                work.value_span("steps", name, "train", "method"),
                help="write `teacher:` with a step, or the folder of a larger model of the same family (`dir:path`)",
            )
        elif not work.is_poisoned(*path):
            _check_teachers_words(work, path, train.teacher)


def _check_teachers_words(work: Work, path: Path, teacher: str) -> None:
    assert work.spec is not None
    assert work.facts is not None
    step = work.spec.steps.get(teacher)
    if step is not None and step.train is not None and METHODS[step.train.method].makes != "text":
        work.sink.report(
            "TW3056",
            f"`{teacher}` answers with a {METHODS[step.train.method].makes}, and a teacher shows words",
            work.value_span(*path),
            help="name a step whose model writes text",
        )
    elif ":" in teacher and not teacher.startswith("dir:"):
        work.sink.report(
            "TW3056",
            f"`{teacher}` is not here, and only the base model is fetched",
            work.value_span(*path),
            help="download it and name its folder (`dir:path`)",
        )
    elif (facts := work.facts.models.get(teacher)) is not None:
        mine = machine.base_model(work).vocab_size
        if facts.problem:
            work.sink.report("TW3056", facts.problem, work.value_span(*path), "the teacher")
        elif facts.vocab_size and mine and facts.vocab_size != mine:
            work.sink.report(
                "TW3055",
                f"the teacher knows {facts.vocab_size} tokens, the base model {mine}",
                work.value_span(*path),
                labels=(Label(work.value_span("base", "model"), f"{mine} tokens"),),
                help="use a teacher of the same family: probabilities are compared token by token",
            )


def _talk(keys: str, *, steps: str = "", resources: str = "") -> str:
    """Return an example: one step that learns from questions, with the keys given."""
    data = 'data: {questions: {source: "file:questions.jsonl"}}'
    return f"{{{resources}{data}, steps: {{{steps}talk: {{train: {{data: questions, {keys}}}}}}}}}"


_GRPO = "method: grpo, rewards: [json_valid]"
_TWO = "resources: {accelerator: a100-80gb, count: 2}, "

RULES = (
    Rule(
        code="TW3046",
        phase=Phase.TEXT,
        check=_check_groups,
        why="Replies are compared within the group of one prompt: a group that a step divides can't be compared.",
        bad=_talk(f"{_GRPO}, num_generations: 3"),
        good=_talk(f"{_GRPO}, num_generations: 4"),
    ),
    Rule(
        code="TW3047",
        phase=Phase.TEXT,
        check=_check_paid,
        resolved=False,
        why="Without rewards every reply is as good as the other and nothing is learnt.",
        bad=_talk("method: rloo"),
        good=_talk("method: rloo, rewards: json_valid"),
    ),
    Rule(
        code="TW3048",
        phase=Phase.TEXT,
        check=_check_names,
        resolved=False,
        why="A reward that does not exist, or lacks what it needs, fails after the weights are loaded.",
        bad=_talk("method: grpo, rewards: [json_vald]"),
        good=_talk(_GRPO),
    ),
    Rule(
        code="TW3049",
        phase=Phase.DATA,
        check=_check_columns,
        resolved=False,
        why="A reward that compares with a column needs that column in every row.",
        bad=_talk("method: grpo, rewards: {name: exact_match, column: solution}"),
        good=_talk("method: grpo, rewards: {name: exact_match, column: answer}"),
    ),
    Rule(
        code="TW3050",
        phase=Phase.TEXT,
        check=_check_models,
        resolved=False,
        why="A model that writes has no score to pay a reply with.",
        bad=_talk("method: grpo, rewards: {model: sft}"),
        good=_talk("method: grpo, rewards: {model: judge}", steps="judge: {train: {method: reward, data: pairs}}, "),
    ),
    Rule(
        code="TW3051",
        phase=Phase.TEXT,
        check=_check_room,
        why="A sequence holds prompt and reply: without room for a prompt no row is left.",
        bad=_talk(f"{_GRPO}, max_length: 256, max_completion_length: 256"),
        good=_talk(f"{_GRPO}, max_length: 512, max_completion_length: 256"),
    ),
    Rule(
        code="TW3052",
        phase=Phase.TEXT,
        check=_check_reference,
        why="The penalty would pull the model back to the base, undoing what the step before it has learnt.",
        bad=_talk(f"{_GRPO}, from: sft, tuner: full, beta: 0.1"),
        good=_talk(f"{_GRPO}, from: sft, beta: 0.1"),
    ),
    Rule(
        code="TW3053",
        phase=Phase.TEXT,
        check=_check_clip,
        why="A limit on a ratio that is always 1 is a setting without effect.",
        bad=_talk(f"{_GRPO}, epsilon: 0.1"),
        good=_talk(f"{_GRPO}, epsilon: 0.1, num_iterations: 2"),
    ),
    Rule(
        code="TW3054",
        phase=Phase.TEXT,
        check=_check_rhythm,
        why="Replies are not part of a checkpoint: a retry between two uses of them learns from others.",
        bad=_talk(f"{_GRPO}, num_iterations: 2, save_steps: 5"),
        good=_talk(f"{_GRPO}, num_iterations: 2, save_steps: 6"),
    ),
    Rule(
        code="TW3055",
        phase=Phase.MODEL,
        check=_check_teacher,
        resolved=False,
        why="A teacher with other tokens gives probabilities of other words.",
        bad=_talk('method: gkd, teacher: "dir:quantized-model"'),
        good=_talk("method: gkd, teacher: sft"),
    ),
    Rule(
        code="TW3056",
        phase=Phase.TEXT,
        resolved=False,
        why="Without a teacher there is nothing to learn; one that is not here can't be asked.",
        bad=_talk("method: gkd"),
        good=_talk("method: gkd, teacher: sft"),
    ),
    Rule(
        code="TW3057",
        phase=Phase.TEXT,
        check=_check_adapter,
        why="PPO keeps one model in memory, not two: its reference is the base with the adapter switched off.",
        bad=_talk("method: ppo, rewards: [json_valid], tuner: full"),
        good=_talk("method: ppo, rewards: [json_valid], tuner: lora"),
    ),
)
