"""Shell text is read as a shell would read it, and never executed."""

from tunewright.compiler.importers.command_line import parse_script
from tunewright.compiler.importers.detect import recognise


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in parse_script(text)]


def test_quotes_escapes_and_continuations() -> None:
    assert words('a \'b c\' "d \\"e\\"" f\\ g \\\n  h') == [["a", "b c", 'd "e"', "f g", "h"]]


def test_hash_inside_a_word_is_no_comment() -> None:
    assert words("swift sft --dataset a/b#500 # the first\n") == [["swift", "sft", "--dataset", "a/b#500"]]


def test_operators_part_commands_and_redirections_vanish() -> None:
    assert words("a 1 && b 2 > log 2>&1 & c < in | d; e") == [["a", "1"], ["b", "2"], ["c"], ["d"], ["e"]]


def test_here_document_is_passed_over() -> None:
    assert words("cat <<'EOF'\nswift sft --model x\nEOF\nb") == [["cat"], ["b"]]


def test_lines_are_those_of_the_text() -> None:
    commands = parse_script("\n# one\na \\\n --b 1\n\nc")

    assert [word.line for word in commands[0].words] == [3, 4, 4]
    assert commands[1].line == 6


def test_variables_of_the_script_are_filled_in() -> None:
    assert words('A=1\nexport B="x y"\nrun $A ${A}b "$B" ${C:-d}') == [["run", "1", "1b", "x y", "d"]]


def test_what_the_text_does_not_say_is_unresolved() -> None:
    (command,) = parse_script("run $HOME $(rm -rf /) `id` '$X' ${A[@]}")

    assert [word.unresolved for word in command.words] == [
        (),
        ("$HOME",),
        ("$(rm -rf /)",),
        ("`id`",),
        (),
        ("${...}",),
    ]


def test_assignments_in_front_belong_to_the_command() -> None:
    (command,) = parse_script("NPROC_PER_NODE=8 \\\nUSE_HF=1 swift sft")

    assert command.environment == {"NPROC_PER_NODE": "8", "USE_HF": "1"}


def test_values_that_double_do_not_grow_without_end() -> None:
    text = "A=xxxxxxxxxx\n" + "A=$A$A\n" * 60 + "run $A"

    assert len(parse_script(text)[-1].words[1].text) < 5000


def test_launchers_are_seen_through() -> None:
    calls = {
        "nohup swift sft --model x": ("ms-swift", "sft", None),
        "torchrun --nproc_per_node=4 swift/cli/rlhf.py --model x": ("ms-swift", "rlhf", 4),
        "NPROC_PER_NODE=8 megatron sft --model x": ("ms-swift", "megatron sft", 8),
        "python -m swift.cli.sft --model x": ("ms-swift", "sft", None),
        "accelerate launch --num_processes 2 -m axolotl.cli.train x.yml": ("axolotl", "train", 2),
        "axolotl train x.yml": ("axolotl", "train", None),
        "llamafactory-cli train x.yaml": ("llama-factory", "train", None),
        "deepspeed --num_gpus 2 src/train.py --stage sft": ("llama-factory", "train", 2),
    }
    for text, expected in calls.items():
        call = recognise(parse_script(text)[0])
        assert call is not None, text
        assert (call.framework, call.verb, call.processes) == expected


def test_other_commands_are_nobodys() -> None:
    assert [recognise(command) for command in parse_script("pip install swift\ncd x\nswift\npython a.py")] == [None] * 4


def test_arithmetic_is_computed_where_its_numbers_are_known() -> None:
    text = "n=4\nrun $(expr 16 / $n) $((2 * (n + 1) % 7)) `expr 3 \\* 3` $(expr 1 / 0) $(( 8 / WORLD ))"
    (command,) = parse_script(text)

    assert [word.text for word in command.words[:4]] == ["run", "4", "3", "9"]
    assert [bool(word.unresolved) for word in command.words] == [False, False, False, False, True, True]


def test_size_that_only_the_cluster_knows_is_reported() -> None:
    call = recognise(parse_script("NNODES=$WORLD_SIZE swift sft --model a/b")[0])

    assert call is not None
    assert call.unresolved == (("NNODES=", 1),)
