"""What the calls of one import share: the base model, the data sets, and which step left which folder behind."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.neighbours import Neighbours

DATA_SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[\w./-]+", re.ASCII)
#: Where the frameworks' own examples write to; no organisation of a hub is called so.
_USUAL_FOLDERS = ("output/", "outputs/", "saves/", "models/", "checkpoints/", "ckpt/", "merged/")
_PLACEHOLDER = re.compile(r"(?:^|/)(?:v[\dx]+-|checkpoint-)")
#: Models that lie at the top of the hub, without an organisation.
_TOP_LEVEL = {
    "gpt2": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "facebook-opt": "facebook/opt-125m",
}


@dataclass(slots=True)
class Life:
    """The life in the making.

    `outputs` maps the folder that a training call writes to the step that it became, `converted` a folder in another
    format to the model that it was made from. `processes`, `nodes` and `sharded` say what machine the calls ask for.
    """

    drafting: Drafting
    neighbours: Neighbours
    outputs: dict[str, str] = field(default_factory=dict)
    converted: dict[str, str] = field(default_factory=dict)
    processes: int | None = None
    nodes: int | None = None
    sharded: bool = False

    def base(self, model: Said | None, hub: str, revision: Said | None = None) -> str | None:
        """Write the base model, or return the earlier step that made it; None after a refusal.

        `hub` is `hf` or `ms`: where the framework looks for names that are no folder.
        """
        if model is None:
            self.drafting.refuse("model", "nothing says which model this starts from")
            return None
        written = str(model.value)
        if step := self.step_of(written):
            return step
        source = self._model_source(written, hub)
        if revision is not None and _COMMIT.fullmatch(str(revision.value)) and "://" in source:
            source = f"{source}@{revision.value}"
        before = self.drafting.value(("base", "model"))
        if before is not None and before != source:
            self.drafting.refuse(model.origin, f"a life has one base model, and this one starts from `{before}`")
            return None
        if before is None:
            self.drafting.put(("base", "model"), Said(source, model.origin))
        return "base"

    def step_of(self, folder: str) -> str | None:
        """Return the step whose output a path lies in; a placeholder such as `vx-xxx/checkpoint-xxx` means the last."""
        path = _normal(folder)
        for output, step in reversed(self.outputs.items()):
            if path == output or path.startswith(f"{output}/"):
                return step
        if self.outputs and _PLACEHOLDER.search(path):
            return next(reversed(self.outputs.values()))
        return None

    def wrote(self, folder: str, step: str) -> None:
        """Remember which step writes to a folder."""
        self.outputs[_normal(folder)] = step

    def step_name(self, wanted: str) -> str:
        """Return a step name that is free."""
        return _free(wanted, (*self.drafting.names("steps"), "base"))

    def add_data(self, reference: str, origin: str, *, hub: str = "hf") -> str:
        """Write the source of a data set and return the set's name; `hub`: where names that are no file are."""
        name = _free(data_name(reference), self.drafting.names("data"))
        path = ("data", name, "source")
        if self.neighbours.is_folder(reference):
            self.drafting.put(path, Said(f"dir:{reference}", origin))
        elif is_file_name(reference):
            self.drafting.put(path, Said(f"file:{reference}", origin))
        else:
            self.drafting.put(path, Said(f"{hub}://datasets/{reference}", origin))
        return name

    def same_data(self, name: str) -> str | None:
        """Return another data set with the same rows as the newest one, which is then taken back."""
        keys = ("source", "limit", "format", "weight", "subset", "split", "prompt_template")
        own = [self.drafting.value(("data", name, key)) for key in keys[:2]]
        for other in self.drafting.names("data"):
            if other != name and own == [self.drafting.value(("data", other, key)) for key in keys[:2]]:
                for key in keys:
                    self.drafting.take_back(("data", name, key))
                return other
        return None

    def say_of_data(self, name: str, key: str, said: Said) -> None:
        """Write another property of a data set."""
        self.drafting.put(("data", name, key), said)

    def machine(self, processes: int | None, nodes: int | None, *, sharded: bool) -> None:
        """Note how many accelerators a call uses."""
        self.processes = max(self.processes or 0, processes or 0) or None
        self.nodes = max(self.nodes or 0, nodes or 0) or None
        self.sharded = self.sharded or sharded

    def _model_source(self, written: str, hub: str) -> str:
        if "://" in written or written.startswith(("dir:", "gguf:", "package:")):
            return written
        if written.endswith(".gguf"):
            return f"gguf:{written}"
        if self.neighbours.is_folder(written) or is_path(written):
            return f"dir:{written}"
        written = _TOP_LEVEL.get(written, written)
        return f"{hub}://{written}" if _HUB_ID.fullmatch(written) else f"dir:{written}"


def is_path(text: str) -> bool:
    """Say whether a text is a path: absolute, relative with a dot, in a usual folder, or deeper than a hub's names."""
    return text.startswith(("/", "./", "../", "~", *_USUAL_FOLDERS)) or text.count("/") > 1 or "\\" in text


def is_file_name(text: str) -> bool:
    """Say whether a reference to data means a file."""
    return text.lower().endswith((*DATA_SUFFIXES, ".txt", ".arrow")) or is_path(text)


def data_name(reference: str) -> str:
    """Return a name of the language for a data set."""
    stem = PurePosixPath(reference.replace("\\", "/")).name
    for suffix in (*DATA_SUFFIXES, ".txt"):
        stem = stem.removesuffix(suffix)
    return as_name(stem, "rows")


def as_name(text: str, otherwise: str) -> str:
    """Return lower-case letters, digits and `_` of a text, or another name where none are left."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:56]
    name = name if not name or name[0].isalpha() else f"{otherwise}_{name}"
    return name or otherwise


def _free(wanted: str, taken: tuple[str, ...]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _normal(folder: str) -> str:
    return str(PurePosixPath(folder.removesuffix("/")))
