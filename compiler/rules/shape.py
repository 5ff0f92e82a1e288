"""Families 0 and 1: what the reading passes report. Here are the words that explain it."""

from tunewright.compiler.rules.rule import Phase, Rule

_HEAD = "api_version: tunewright/v1\n"
_REST = """\
base: {model: hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775}
data:
  rows: {source: "file:rows.jsonl"}
steps:
  sft:
    train: {method: sft, data: rows}
"""


def _rule(code: str, why: str, bad: str, good: str = _HEAD + "name: sample\n" + _REST) -> Rule:
    return Rule(code=code, phase=Phase.TEXT, why=why, bad=bad, good=good, resolved=False)


RULES = (
    _rule("TW0001", "The text is not YAML: nothing in it can be trusted.", _HEAD + "name: [sample\n"),
    _rule(
        "TW0002",
        "YAML readers keep the last of two equal keys without a word.",
        _HEAD + "name: sample\nname: other\n" + _REST,
    ),
    _rule(
        "TW0003",
        "A spec is written by people; data belongs in files.",
        "# a spec of more than a megabyte, such as one with its rows inside\n",
        '# the rows in a file of their own\ndata: {rows: {source: "file:rows.jsonl"}}\n',
    ),
    _rule(
        "TW0004",
        "A few lines of aliases can unfold to billions of values.",
        _HEAD + "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
        "[*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d]\n",
    ),
    _rule("TW0005", "No spec needs that many levels; parsers fall over them.", _HEAD + "a: " + "[" * 70 + "]" * 70),
    _rule(
        "TW0006",
        "A tag can make a YAML reader run code; types follow from the keys here.",
        _HEAD + "name: !!python/name:os.system sample\n",
    ),
    _rule(
        "TW0007",
        "Merge keys hide where a value comes from; `profiles` say it.",
        _HEAD + "base: &b {model: 'dir:x'}\nsteps: {<<: *b}\n",
    ),
    _rule("TW0008", "Only the first document would be read.", _HEAD + "---\nname: other\n"),
    _rule("TW0009", "Keys are words of the language.", _HEAD + "? [a, b]\n: c\n"),
    _rule(
        "TW0010",
        "Bytes that are not UTF-8 would be read as other letters than were written.",
        "# a file saved as Latin-1 or GBK, in which `ö` or `语` is other bytes\n",
        "# the same file, saved as UTF-8\n",
    ),
    _rule(
        "TW0011",
        "A character that nobody sees can make a text read differently from what it says.",
        _HEAD + "name: sam\u202eple\n",
    ),
    _rule("TW0012", "There is nothing to do.", "# nothing here\n"),
    _rule(
        "TW1001",
        "Without this key the rest has no meaning.",
        "steps: {sft: {train: {method: null}}}",
        "steps: {sft: {train: {method: sft}}}",
    ),
    _rule(
        "TW1002",
        "A value of another type is elsewhere found after the model was loaded.",
        "steps: {sft: {train: {learning_rate: fast}}}",
        "steps: {sft: {train: {learning_rate: 1e-4}}}",
    ),
    _rule(
        "TW1003",
        "A key that nobody reads is a setting that silently does nothing.",
        "steps: {sft: {train: {learning_rat: 1e-4}}}",
        "steps: {sft: {train: {learning_rate: 1e-4}}}",
    ),
    _rule(
        "TW1004",
        "Only these values have a meaning.",
        "steps: {sft: {train: {lr_scheduler_type: cosinus}}}",
        "steps: {sft: {train: {lr_scheduler_type: cosine}}}",
    ),
    _rule(
        "TW1005",
        "A number out of range divides by zero or trains nonsense.",
        "steps: {sft: {train: {learning_rate: -1}}}",
        "steps: {sft: {train: {learning_rate: 1.0e-4}}}",
    ),
    _rule(
        "TW1006",
        "Names are used in gates and file names: lower-case letters, digits and `_`.",
        "steps: {Final Exam: {evaluate: {model: align, suites: [quiz]}}}",
        "steps: {final_exam: {evaluate: {model: align, suites: [quiz]}}}",
    ),
    _rule(
        "TW1007",
        "Another version of the language may mean something else by the same words.",
        "{api_version: tunewright/v2}",
        "{api_version: tunewright/v1}",
    ),
    _rule("TW1008", "A step does exactly one thing.", "steps: {nothing: {timeout: 5m}}"),
    _rule(
        "TW1009",
        "Times carry their unit, so that nobody takes minutes for seconds.",
        "steps: {sft: {timeout: 10}}",
        "steps: {sft: {timeout: 10m}}",
    ),
    _rule(
        "TW1010",
        "The same thing has another name in other frameworks; here it has one.",
        "steps: {sft: {train: {max_seq_length: 1024}}}",
        "steps: {sft: {train: {max_length: 1024}}}",
    ),
    _rule(
        "TW1011",
        "A key in the wrong section does nothing where it stands.",
        "steps: {exam: {evaluate: {learning_rate: 1e-4}}}",
    ),
    _rule(
        "TW1012",
        "In YAML 1.2 `yes` is a word; truth values are `true` and `false`.",
        "steps:\n  sft:\n    train: {packing: no}\n",
        "steps: {sft: {train: {packing: false}}}",
    ),
    _rule(
        "TW1014",
        "A profile that does not exist would change nothing, silently.",
        "# tunewright plan life.yaml --profile smal\nprofiles: {small: {data: {rows: {limit: 20}}}}\n",
        "# tunewright plan life.yaml --profile small\nprofiles: {small: {data: {rows: {limit: 20}}}}\n",
    ),
    _rule(
        "TW1015",
        "An override names a path and a value.",
        "# tunewright plan life.yaml --set steps.sft.train.learning_rate\n",
        "# tunewright plan life.yaml --set steps.sft.train.learning_rate=1e-4\n",
    ),
    _rule(
        "TW1018", "A variable that is not set would leave a hole in the spec.", 'description: "${env:NOBODY_SETS_THIS}"'
    ),
    _rule(
        "TW9001",
        "The compiler has a bug. It says in which pass; nothing was started.",
        "# none that we know of: please report it with the spec\n",
        "# any spec: right or wrong, it gets findings\n",
    ),
)
