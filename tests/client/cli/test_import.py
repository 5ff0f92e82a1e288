"""`tunewright import` from outside: files written, what is said where, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

SWIFT = "swift sft --model Qwen/Qwen2.5-7B-Instruct --train_type lora --dataset rows.jsonl --max_length 512\n"
AXOLOTL = """\
base_model: Qwen/Qwen2.5-0.5B-Instruct
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_linear: true
datasets: [{path: rows.jsonl, type: chat_template}]
sequence_len: 512
learning_rate: 0.0002
"""
ROW = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "tunewright", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_imported_file_passes_check(tmp_path: Path) -> None:
    (tmp_path / "lora.yml").write_text(AXOLOTL)
    (tmp_path / "rows.jsonl").write_text(ROW * 64)
    done = run(tmp_path, "import", "lora.yml", "-o", "life.yaml")
    checked = run(tmp_path, "check", "life.yaml")

    assert done.returncode == 0
    assert done.stdout == ""
    assert "assumed, please look:" in done.stderr
    assert "# lora_r: 8 (line 3)" in (tmp_path / "life.yaml").read_text()
    assert checked.returncode == 0, checked.stdout


def test_spec_goes_to_standard_output(tmp_path: Path) -> None:
    (tmp_path / "lora.yml").write_text(AXOLOTL)
    done = run(tmp_path, "import", "lora.yml", "--accelerator", "none")

    assert done.stdout.startswith("# Imported from lora.yml (Axolotl).")
    assert "resources" not in done.stdout


def test_strict_fails_where_something_is_lost(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text(SWIFT.rstrip() + " --push_to_hub true\n")

    assert run(tmp_path, "import", "train.sh", "--from", "ms-swift@3.7").returncode == 0
    assert run(tmp_path, "import", "train.sh", "--from", "ms-swift@3.7", "--strict").returncode == 1


def test_refused_file_leaves_no_spec(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text("swift rlhf --rlhf_type grpo --model a/b --dataset rows.jsonl\n")
    done = run(tmp_path, "import", "train.sh", "-o", "life.yaml")

    assert done.returncode == 1
    assert "nothing says what replies are paid for" in done.stderr
    assert not (tmp_path / "life.yaml").exists()


def test_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "lora.yml").write_text(AXOLOTL)
    (tmp_path / "life.yaml").write_text("mine")
    done = run(tmp_path, "import", "lora.yml", "-o", "life.yaml")

    assert done.returncode == 1
    assert (tmp_path / "life.yaml").read_text() == "mine"
    assert run(tmp_path, "import", "lora.yml", "-o", "life.yaml", "--force").returncode == 0


@pytest.mark.parametrize(
    ("content", "arguments", "code", "words"),
    [
        (b"\xff\xfe", (), 1, "not UTF-8"),
        (b"x" * 2_000_000, (), 1, "longer than"),
        (b"echo hello\n", (), 1, "calls none of"),
        (b"", ("--from", "trl"), 2, "is not known here"),
        (b"", ("--from", "ms-swift@x"), 2, "is no version"),
    ],
)
def test_what_is_no_input_gets_a_sentence(
    tmp_path: Path, content: bytes, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "x.sh").write_bytes(content)
    done = run(tmp_path, "import", "x.sh", *arguments)

    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
