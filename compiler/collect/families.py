"""Model families that packages of the `train` environment describe: read as data, none of their code is imported."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.collect.plug_ins import collect_plug_ins, sites
from tunewright.compiler.facts.families import Family, family_of
from tunewright.compiler.ir.facts import PlugInFacts

#: What comes after a family's name in the name of the file that describes it.
SUFFIX = ".family.json"

FamilyOf = Callable[[str | None], Family | None]


class Families:
    """Families by `model_type`: those of the table, then those that packages describe, looked for when asked for.

    `used` are the plug-ins that described a family, or failed to: theirs have a `problem`.
    """

    def __init__(self, environment: str | None) -> None:
        self._environment = environment
        self._known: dict[str, Family | None] = {}
        self.used: list[PlugInFacts] = []

    def of(self, model_type: str | None) -> Family | None:
        """Return a family; None where neither the table nor a package knows it."""
        if (known := family_of(model_type)) is not None or not model_type:
            return known
        if model_type not in self._known:
            self._known[model_type] = self._described(model_type)
        return self._known[model_type]

    def _described(self, model_type: str) -> Family | None:
        offered = collect_plug_ins(("family",), self._environment)
        plug_in = next((item for item in offered if item.name == model_type), None)
        if plug_in is None or self._environment is None:
            return None
        # What holds a description to its form is imported where there is one.
        from tunewright.compiler.collect.family_files import FamilyFileError, read_family

        try:
            family = read_family(model_type, _file_of(plug_in, self._environment))
        except FamilyFileError as error:
            self.used.append(replace(plug_in, problem=str(error)))
            return None
        self.used.append(plug_in)
        return family


def _file_of(plug_in: PlugInFacts, environment: str) -> Path:
    """Return where the file beside the module that the entry point names lies, or should lie."""
    inside = Path(*plug_in.module.split("."))
    for site in sites(Path(environment)):
        module = Path(site) / inside
        folder = module if (module / "__init__.py").is_file() else module.parent
        if (folder / "__init__.py").is_file() and (path := folder / f"{plug_in.name}{SUFFIX}").is_file():
            return path
    return inside / f"{plug_in.name}{SUFFIX}"
