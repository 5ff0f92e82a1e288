"""The settings file of secrets: where they come from, in the order in which places are asked."""

import os
import re
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from tunewright.daemon.engine.states import DEFAULT_PROJECT
from tunewright.daemon.home import Home
from tunewright.daemon.secrets.command import CommandProvider
from tunewright.daemon.secrets.encrypted import EncryptedProvider
from tunewright.daemon.secrets.environment import EnvironmentProvider, environment_prefix
from tunewright.daemon.secrets.folder import FolderProvider, home_provider
from tunewright.daemon.secrets.provider import Provider, Scope, filled
from tunewright.daemon.settings import SettingsFileError
from tunewright.daemon.settings_file import read_settings_file
from tunewright.spec.model.section import Section

#: Project and name with nothing between them that neither can hold.
_ADJACENT = re.compile(r"\{project\}[A-Za-z0-9]*\{name\}|\{name\}[A-Za-z0-9]*\{project\}")
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

Project = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class PlaceSection(Section):
    """What all places have."""

    projects: tuple[Project, ...] = ()
    """Projects that it serves. Left out: only `default`, or every one where its address holds `{project}`."""


class HomeSection(PlaceSection):
    """The files that `tunewright secret set` keeps in the home."""


class EnvironmentSection(PlaceSection):
    """Variables of the daemon's environment."""

    names: tuple[Variable, ...] = ()
    """Variables that are secrets under their own names."""

    prefix: str = ""
    """What stands in front of the names of further ones, such as `TRAINING_`; may hold `{project}`."""


class FolderSection(PlaceSection):
    """A folder with one file each."""

    folder: str
    """The folder; may hold `{project}`, and begin with `${env:CREDENTIALS_DIRECTORY}` or another variable."""


class EncryptedSection(PlaceSection):
    """The encrypted store of the home."""

    key_file: str
    """The file with its key, outside of the home; made with the first secret. May begin with a variable."""


class CommandSection(PlaceSection):
    """A program that prints a secret."""

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    """The program and its arguments; they may hold `{name}` and `{project}`. There is no shell."""

    environment: tuple[Variable, ...] = ()
    """Variables of the daemon that the program gets, such as `VAULT_ADDR`, beside PATH, HOME and the locale."""

    timeout_seconds: Annotated[float, Field(gt=0, le=300, strict=False)] = 10.0
    """How long it may take."""

    absent_codes: tuple[Annotated[int, Field(ge=1, le=255)], ...] = ()
    """Exit codes that say that it has no such secret, so that the next place is asked. Any other one is an error."""


class ProviderSection(Section):
    """One place: exactly one of these."""

    home: HomeSection | None = None
    env: EnvironmentSection | None = None
    file: FolderSection | None = None
    encrypted: EncryptedSection | None = None
    command: CommandSection | None = None


class SecretsFile(Section):
    """The whole file."""

    providers: Annotated[tuple[ProviderSection, ...], Field(min_length=1)]
    """Where secrets come from; the first place that has a name gives it."""


def read_places(path: Path, home: Home) -> tuple[Provider, ...]:
    """Return the places that a settings file names; raise SettingsFileError."""
    written = read_settings_file(path, SecretsFile)
    try:
        _check_apart(written.providers)
        return tuple(_provider(section, home) for section in written.providers)
    except ValueError as error:
        raise SettingsFileError(f"{path}: {error}") from None


def _provider(section: ProviderSection, home: Home) -> Provider:
    named = [getattr(section, name) for name in ProviderSection.model_fields if getattr(section, name) is not None]
    match named:
        case [HomeSection() as found]:
            return home_provider(home, *found.projects)
        case [EnvironmentSection() as found]:
            scope = _scope(found, found.prefix)
            return EnvironmentProvider(names=frozenset(found.names), prefix=found.prefix, scope=scope)
        case [FolderSection() as found]:
            folder = _absolute(found.folder)
            return FolderProvider(place=lambda project: Path(filled(folder, project)), scope=_scope(found, folder))
        case [EncryptedSection() as found]:
            key_file = Path(_absolute(found.key_file))
            if key_file.resolve().is_relative_to(home.root.resolve()):
                raise ValueError(f"the key file {key_file} must not lie in the home: who copies one would have both")
            scope = Scope(found.projects, apart=True)
            return EncryptedProvider(path=home.root / "secrets.sealed", key_file=key_file, scope=scope)
        case [CommandSection() as found]:
            return CommandProvider(
                argv=found.argv,
                environment=found.environment,
                timeout_seconds=found.timeout_seconds,
                absent=frozenset(found.absent_codes),
                scope=_scope(found, " ".join(found.argv)),
            )
        case _:
            raise ValueError(f"each of `providers` must be one of {', '.join(ProviderSection.model_fields)}")


def _check_apart(sections: Iterable[ProviderSection]) -> None:
    """Raise ValueError where the name of a secret, which a spec chooses, could lead to what is another project's."""
    prefixes: list[tuple[str, str]] = []
    for section in sections:
        if section.env is not None and section.env.prefix:
            prefixes += _prefixes(section.env)
        for word in () if section.command is None else section.command.argv:
            if _ADJACENT.search(word):
                raise ValueError(f"`{word}` can mean another project's secret: write `/` between the two")
    for (one, shorter), (other, longer) in permutations(prefixes, 2):
        if one != other and longer.startswith(shorter):
            raise ValueError(
                f"variables of {other} begin with `{longer}`, and those of {one} with `{shorter}`: a name could lead"
                " to another project's; choose prefixes of which none begins another"
            )


def _prefixes(section: EnvironmentSection) -> list[tuple[str, str]]:
    if "{project}" in section.prefix and not section.projects:
        message = f"`{section.prefix}` serves any project, and a name could lead to another project's variable"
        raise ValueError(f"{message}: say which `projects` it is for")
    return [(name, environment_prefix(section.prefix, name)) for name in section.projects or (DEFAULT_PROJECT,)]


def _scope(section: PlaceSection, address: str) -> Scope:
    return Scope(section.projects, apart="{project}" in address)


def _absolute(text: str) -> str:
    """Fill in variables; raise ValueError for one that is not set, or a path that depends on where we stand."""
    for name in _VARIABLE.findall(text):
        if not os.environ.get(name):
            raise ValueError(f"the daemon has no variable {name}, which `{text}` begins with")
        text = text.replace(f"${{env:{name}}}", os.environ[name])
    if not Path(text).is_absolute():
        raise ValueError(f"`{text}` is no absolute path")
    return text
