"""`tunewright init`: what it writes is sound for every task, form of rows and machine, and says why."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scripted.desk import Desk

from tunewright.client.cli.interview import Wishes
from tunewright.client.cli.starters import STARTERS
from tunewright.client.cli.survey import spec_name, survey
from tunewright.compiler.front import compile_text
from tunewright.compiler.ir.facts import HardwareFacts
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.recommend.situation import FORMATS, TASKS, Choice
from tunewright.compiler.recommend.spec import recommend
from tunewright.compiler.recommend.text import spec_text

LABELS = ("delivery", "payment", "stock")
REPLIES: Mapping[str, Callable[[int], str]] = {
    "chat": lambda number: f"Row {number} has an answer of its own, and it is not short.",
    "json": lambda number: json.dumps({"topic": LABELS[number % 3], "urgent": number % 2 == 0}),
    "classify": lambda number: LABELS[number % 3],
    "preference": lambda number: f"A good answer to {number}.",
    "continue": lambda number: f"Text {number} begins here and goes on for a while until it ends there.",
}
MACHINES = {"cpu": ("cpu", 1), "one a10": ("a10-24gb", 1), "eight a100": ("a100-80gb", 8)}
GRID = [(task, form) for task, forms in FORMATS.items() for form in forms]
WISHES = Wishes(
    task=None, data=None, exam=None, model=None, accelerator=None, count=1, export=False, deploy=False
)  # fmt: skip


def row(form: str, number: int, reply: str) -> dict[str, Any]:
    question = f"What about number {number}?"
    match form:
        case "messages":
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
            return {"messages": turns}
        case "prompt_completion":
            return {"prompt": question, "completion": reply}
        case "instruction":
            return {"instruction": question, "input": "", "output": reply}
        case "preference":
            return {"prompt": question, "chosen": reply, "rejected": "Whatever."}
        case "kto":
            return {"prompt": question, "completion": reply, "label": number % 2 == 0}
        case "text_label":
            return {"text": question, "label": reply}
    return {"text": reply}


def write_rows(path: Path, form: str, task: str, rows: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row(form, number, REPLIES[task](number))) for number in range(rows))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def written(root: Path, wishes: Wishes) -> str:
    """Write what init would write for wishes into a folder, and return the spec's text."""
    found = survey(root, wishes, exam_file="suites/held-out.jsonl")
    text = spec_text(recommend(found.situation), "head")
    for name, content in found.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return text


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
@pytest.mark.parametrize("rows", [9, 40, 900])
@pytest.mark.parametrize(("task", "form"), GRID)
def test_what_it_writes_has_no_finding(
    tmp_path: Path, task: str, form: str, rows: int, machine: tuple[str, int]
) -> None:
    data = write_rows(tmp_path / "mine.jsonl", form, task, rows)
    accelerator, count = machine
    wishes = Wishes(
        task=task, data=str(data), exam=None, model=None, accelerator=accelerator, count=count, export=True, deploy=True
    )  # fmt: skip

    text = written(tmp_path, wishes)
    compilation = compile_text(text, name="life.yaml", base_directory=tmp_path)

    assert [(item.code, item.message) for item in compilation.diagnostics] == [], text
    assert compilation.resolved is not None
    train = next(step.body for step in compilation.resolved.steps if isinstance(step.body, ResolvedTrain))
    assert train.global_batch_size <= max(16, count)
    # What the comment promises is what the compiler does.
    assert f"# {train.global_batch_size} rows an optimizer step" in text
    if "here this is" in text:
        assert f"here this is {train.parallelism.strategy}:" in text


@pytest.mark.parametrize("task", list(STARTERS))
def test_without_rows_it_brings_a_few(tmp_path: Path, task: str) -> None:
    text = written(tmp_path, Wishes(**{**_fields(WISHES), "task": task}))
    machine = HardwareFacts(cpu_cores=4, memory_bytes=16 * 2**30)

    compilation = compile_text(text, name="life.yaml", base_directory=tmp_path, hardware=machine)

    assert [item.message for item in compilation.diagnostics] == [], text
    assert (tmp_path / "data" / "rows.jsonl").read_text() == STARTERS[task]


@pytest.mark.parametrize(("task", "form"), GRID)
def test_the_task_shows_in_the_rows(tmp_path: Path, task: str, form: str) -> None:
    data = write_rows(tmp_path / "mine.jsonl", form, task, 40)
    found = survey(tmp_path, Wishes(**{**_fields(WISHES), "data": str(data)}), exam_file="suites/exam.jsonl")

    assert found.situation.task == task


def test_rows_of_the_exam_are_never_learned_from(desk: Desk) -> None:
    data = write_rows(desk.folder / "own" / "tickets.jsonl", "messages", "json", 30)
    before = data.read_bytes()

    answer = desk.run("init", "fresh", "--data", "own/tickets.jsonl", "--export", "--deploy")

    assert answer.code == 0, answer
    assert data.read_bytes() == before
    text = (desk.folder / "fresh" / "life.yaml").read_text()
    assert "source: file:../own/tickets.jsonl" in text or 'source: "file:../own/tickets.jsonl"' in text
    assert "limit: 26 #" in text
    suite = [json.loads(line) for line in (desk.folder / "fresh/suites/held-out.jsonl").read_text().splitlines()]
    assert [item["prompt"][0]["content"] for item in suite] == [f"What about number {n}?" for n in range(26, 30)]
    assert suite[0]["expected"] == {"topic": "stock", "urgent": True}
    checked = desk.run("check", "fresh/life.yaml")
    assert checked.out.startswith("fresh/life.yaml: ok in"), checked.out
    schema = json.loads((desk.folder / "fresh" / text.splitlines()[0].partition("$schema=")[2]).read_text())
    assert schema["title"].startswith("Tunewright")


def test_an_exam_of_ones_own_takes_no_rows_away(desk: Desk) -> None:
    write_rows(desk.folder / "rows.jsonl", "prompt_completion", "classify", 30)
    exam = [{"id": str(n), "prompt": f"q{n}", "expected": LABELS[n % 3]} for n in range(9)]
    (desk.folder / "exam.jsonl").write_text("".join(json.dumps(item) + "\n" for item in exam))

    answer = desk.run("init", "--force", "--data", "rows.jsonl", "--exam", "exam.jsonl", "--task", "classify")

    assert answer.code == 0, answer
    text = (desk.folder / "life.yaml").read_text()
    assert "limit:" not in text
    assert "file: exam.jsonl # 9 rows of your own" in text
    assert "> 0.333" in text
    assert desk.run("check").out.startswith("life.yaml: ok in")


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (("preference", "preference", 20), ("--task", "chat"), "use --task preference"),
        (("messages", "chat", 5), (), "5 rows are too few"),
        (("text_label", "classify", 20), (), "`method: classify`"),
        (("messages", "chat", 20), ("--task", "json"), "not all JSON objects"),
        (("messages", "chat", 20), ("--accelerator", "a100-80g"), "did you mean `a100-80gb`?"),
        (("messages", "chat", 20), ("--model", "dir:nowhere"), "the base model can't be used"),
        (("messages", "chat", 9), ("--model", "hf://Qwen/Qwen2.5-72B-Instruct", "--accelerator", "l4-24gb"), "not fit"),
    ],
)  # fmt: skip
def test_what_can_not_be_recommended_is_said(
    desk: Desk, rows: tuple[str, str, int], arguments: tuple[str, ...], message: str
) -> None:
    write_rows(desk.folder / "mine.jsonl", *rows)

    answer = desk.run("init", "fresh", "--data", "mine.jsonl", *arguments)

    assert answer.code == 2
    assert message in answer.err
    assert not (desk.folder / "fresh").exists()


def test_a_broken_row_is_named(desk: Desk) -> None:
    data = write_rows(desk.folder / "mine.jsonl", "messages", "chat", 20)
    data.write_text(data.read_text() + '{"messages": []}\n')

    assert "mine.jsonl:21` can't be used" in desk.run("init", "fresh", "--data", "mine.jsonl").err


@pytest.mark.parametrize(
    ("folder", "name"), [("Support Desk", "support-desk"), ("2026", "my-2026"), ("模型", "my"), ("a" * 80, "a" * 63)]
)
def test_the_folder_names_the_spec(folder: str, name: str) -> None:
    assert spec_name(Path(folder)) == name


def test_values_read_back_as_they_were_meant() -> None:
    values: tuple[Any, ...] = (
        "yes: no",
        "on",
        "12",
        "# x",
        "file:my rows.jsonl",
        "- a",
        "",
        'say "x"',
        2e-5,
        3.0,
        True,
    )
    text = spec_text([Choice(path=("all", f"k{n}"), value=value, reason="why") for n, value in enumerate(values)])

    assert list(_read(text)["all"].values()) == list(values)


def _fields(wishes: Wishes) -> dict[str, Any]:
    return {name: getattr(wishes, name) for name in wishes.__dataclass_fields__}


def _read(text: str) -> Any:
    from tunewright.spec.diagnostics import DiagnosticSink
    from tunewright.spec.source import SourceFile
    from tunewright.spec.syntax import parse, plain_value

    root = parse(SourceFile("life.yaml", text), DiagnosticSink())
    assert root is not None
    return json.loads(json.dumps(plain_value(root)))


def test_on_a_terminal_it_asks_and_enter_is_always_an_answer(desk: Desk) -> None:
    write_rows(desk.folder / "mine.jsonl", "instruction", "classify", 40)

    # Rows, task, model, machine, how many, pack, serve.
    screen = desk.at_a_terminal("init", "asked", typed="mine.jsonl\n\n\na10-24gb\n\ny\nn\n", TERM="dumb")

    assert "as the rows show" in screen
    text = (desk.folder / "asked" / "life.yaml").read_text()
    assert "metric: accuracy" in text
    assert "accelerator: a10-24gb" in text
    assert "export:" in text
    assert "deploy:" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "hf://zai-org/chatglm3-6b"), "brings Python code of its own"),
        (("--model", "hf://openai/gpt-oss-20b", "--accelerator", "h100-80gb", "--export"), "leave out --export"),
    ],
)
def test_models_that_need_a_decision_are_left_to_the_user(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    answer = desk.run("init", "fresh", *arguments)

    assert answer.code == 2
    assert message in answer.err


def test_its_page_names_every_task_and_its_rows() -> None:
    page = (Path(__file__).parents[3] / "docs" / "first-spec.md").read_text(encoding="utf-8")

    for task, meaning in TASKS.items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{task}` |"))
        assert ", ".join(FORMATS[task]) in line
        assert meaning.split(":")[0].split()[0] in line
