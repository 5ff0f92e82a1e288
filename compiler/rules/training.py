"""Family 3: lengths, packing, schedules, and settings that mean nothing to a method."""

from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec import methods
from tunewright.spec.diagnostics import Label
from tunewright.spec.suggest import listed

#: Peak rates beyond which every published recipe diverges.
_HIGHEST_RATE = {True: 5e-3, False: 5e-4}


def _check_length(work: Work) -> None:
    assert work.spec is not None
    model = machine.base_model(work)
    context = model.max_position_embeddings
    if not context:
        return
    for name, train in work.spec.trains():
        if (
            train.max_length
            and train.max_length > context
            and not work.is_poisoned("steps", name, "train", "max_length")
        ):
            work.sink.report(
                "TW3002",
                f"max_length {train.max_length} is beyond the model's context of {context} tokens",
                work.value_span("steps", name, "train", "max_length"),
                labels=(Label(work.value_span("base", "model"), f"{context} positions"),),
                help=f"use at most `{context}`",
            )


def _check_packing(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if not train.packing:
            continue
        span = work.value_span("steps", step.name, "train", "packing")
        method = methods.METHODS[train.method]
        if not method.packing:
            work.sink.report(
                "TW3020", f"{train.method} takes rows whole and can't pack them", span, help="remove `packing`"
            )
        elif (strategy := train.options["packing_strategy"]) not in method.packing:
            work.sink.report(
                "TW3058",
                f"with `{strategy}` packing rows are divided and see each other, and {train.method} needs them whole",
                work.value_span("steps", step.name, "train", "packing_strategy"),
                help=f"use {listed([f'`{word}`' for word in method.packing], 6)}",
            )
        elif strategy != "wrapped" and train.attention != "flash_attention_2" and not _keeps_apart(work):
            work.sink.report(
                "TW3021",
                f"with {train.attention} attention packed rows of this model would see each other",
                span,
                help="set `attention: flash_attention_2` (needs an accelerator), or remove `packing`",
            )


def _keeps_apart(work: Work) -> bool:
    """True for models whose attention mask follows from positions, which begin anew with each packed row."""
    family = machine.base_model(work).family
    return family is not None and family.packs


def _check_foreign_keys(work: Work) -> None:
    assert work.spec is not None
    for name, train in work.spec.trains():
        for key, owners in methods.OWNERS.items():
            if train.method not in owners and getattr(train, key) is not None:
                work.sink.report(
                    "TW3022",
                    f"`{key}` means nothing to {train.method}",
                    work.key_span("steps", name, "train", key),
                    labels=(Label(work.value_span("steps", name, "train", "method"), ""),),
                    help=f"remove `{key}`; it is for {listed([f'`{owner}`' for owner in owners], 6)}",
                )


def _check_schedule(work: Work) -> None:
    assert work.spec is not None
    for name, train in work.spec.trains():
        if train.max_steps is not None and train.num_train_epochs is not None:
            work.sink.report(
                "TW1013",
                "`max_steps` and `num_train_epochs` both say when training ends",
                work.key_span("steps", name, "train", "max_steps"),
                labels=(Label(work.key_span("steps", name, "train", "num_train_epochs"), "and here"),),
                help="keep one of them",
            )
        if (
            train.tuner is not None
            and train.tuner.target_pattern is not None
            and train.tuner.target_modules is not None
        ):
            work.sink.report(
                "TW1013",
                "`target_pattern` and `target_modules` both say which layers get adapters",
                work.key_span("steps", name, "train", "tuner", "target_pattern"),
                labels=(Label(work.key_span("steps", name, "train", "tuner", "target_modules"), "and here"),),
                help="keep one of them",
            )
        if train.warmup_steps is not None and train.warmup_ratio is not None:
            work.sink.report(
                "TW1013",
                "`warmup_steps` and `warmup_ratio` both say how long the learning rate rises",
                work.key_span("steps", name, "train", "warmup_steps"),
                labels=(Label(work.key_span("steps", name, "train", "warmup_ratio"), "and here"),),
                help="keep one of them",
            )
        if train.min_lr_rate is not None and train.lr_scheduler_type != "cosine_with_min_lr":
            work.sink.report(
                "TW3037",
                f"the schedule `{train.lr_scheduler_type or 'cosine'}` has no lowest rate",
                work.key_span("steps", name, "train", "min_lr_rate"),
                help="write `lr_scheduler_type: cosine_with_min_lr`, or remove it",
            )


def _check_kto(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        if train.method == "kto" and train.per_device_train_batch_size < 2:
            work.sink.report(
                "TW3025",
                "kto needs at least 2 rows at once",
                work.value_span("steps", step.name, "train", "per_device_train_batch_size"),
                "its KL term compares rows",
                help="set `per_device_train_batch_size: 2` or more",
            )


def _check_rate(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
        highest = _HIGHEST_RATE[train.tuner.is_adapter]
        if train.learning_rate > highest:
            what = "adapters" if train.tuner.is_adapter else "all weights"
            work.sink.report(
                "TW3030",
                f"a learning rate of {train.learning_rate:g} for {what} usually diverges",
                work.value_span("steps", step.name, "train", "learning_rate"),
                help=f"usual rates are well below {highest:g}; accept this one with `allow: [{{code: TW3030, "
                f"reason: ...}}]`",
            )


RULES = (
    Rule(
        code="TW3002",
        phase=Phase.MODEL,
        check=_check_length,
        resolved=False,
        why="Beyond its context a model has never seen positions: it trains without a word and answers nonsense.",
        bad="steps: {sft: {train: {max_length: 1000000}}}",
        good="steps: {sft: {train: {max_length: 2048}}}",
    ),
    Rule(
        code="TW3020",
        phase=Phase.TEXT,
        check=_check_packing,
        why="Preference losses compare replies row by row.",
        bad="steps: {align: {train: {packing: true}}}",
        good="steps: {align: {train: {packing: false}}}",
    ),
    Rule(
        code="TW3021",
        phase=Phase.TEXT,
        follows=("resources",),
        why="Without attention that knows where a row ends, packed rows learn from their neighbours.",
        bad='{base: {model: "dir:falcon-model"}, steps: {sft: {train: {packing: true}}}}',
        good='{base: {model: "dir:chat-model"}, steps: {sft: {train: {packing: true}}}}',
    ),
    Rule(
        code="TW3058",
        phase=Phase.TEXT,
        why="Rows that are cut anywhere and not kept apart teach replies to questions that other rows ask.",
        bad="steps: {sft: {train: {packing: true, packing_strategy: wrapped}}}",
        good="steps: {sft: {train: {packing: true, packing_strategy: bfd}}}",
    ),
    Rule(
        code="TW3022",
        phase=Phase.TEXT,
        check=_check_foreign_keys,
        resolved=False,
        why="A setting of another method would be silently ignored.",
        bad="steps: {sft: {train: {beta: 0.1}}}",
        good="steps: {align: {train: {beta: 0.1}}}",
    ),
    Rule(
        code="TW1013",
        phase=Phase.TEXT,
        check=_check_schedule,
        resolved=False,
        why="Two settings that say the same differently: one of them would be silently ignored.",
        bad="steps: {sft: {train: {max_steps: 10, num_train_epochs: 2}}}",
        good="steps: {sft: {train: {max_steps: 10}}}",
    ),
    Rule(
        code="TW3037",
        phase=Phase.TEXT,
        why="A lowest rate that the schedule does not have would be silently ignored.",
        bad="steps: {sft: {train: {lr_scheduler_type: linear, min_lr_rate: 0.1}}}",
        good="steps: {sft: {train: {lr_scheduler_type: cosine_with_min_lr, min_lr_rate: 0.1}}}",
    ),
    Rule(
        code="TW3025",
        phase=Phase.TEXT,
        check=_check_kto,
        why="KTO estimates its KL term by pairing each prompt with another row's reply: one row has no other.",
        bad="steps: {align: {train: {method: kto, per_device_train_batch_size: 1}}}",
        good="steps: {align: {train: {method: kto, per_device_train_batch_size: 2}}}",
    ),
    Rule(
        code="TW3030",
        phase=Phase.TEXT,
        check=_check_rate,
        why="A learning rate ten times too high is the most common reason of a loss that explodes.",
        bad="steps: {sft: {train: {learning_rate: 0.1}}}",
        good="steps: {sft: {train: {learning_rate: 1.0e-4}}}",
    ),
)
