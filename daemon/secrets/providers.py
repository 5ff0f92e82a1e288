"""All places that secrets come from, asked one after the other."""

from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.home import Home
from tunewright.daemon.secrets.encrypted import EncryptedProvider
from tunewright.daemon.secrets.folder import home_provider
from tunewright.daemon.secrets.provider import Held, Keeper, Provider, SecretError, is_name

FILE_NAME = "secrets.yaml"


@dataclass(frozen=True, slots=True)
class Providers:
    """The places in their order; the first that has a name gives it. Nothing is remembered: every reading asks anew."""

    places: tuple[Provider, ...]

    def read(self, project: str, name: str) -> bytes | None:
        """Return a secret of a project, None where no place has it; raise SecretError.

        It may take seconds: call it in a thread. What is no name of a secret is asked for nowhere.
        """
        if not is_name(name):
            return None
        found = (value for place in self.places if (value := place.read(project, name)) is not None)
        return next(found, None)

    def held(self, project: str) -> tuple[Held, ...]:
        """Return the known secrets of a project by name; of two of one name the one that counts."""
        found: dict[str, Held] = {}
        for place in self.places:
            for item in place.held(project):
                found.setdefault(item.name, item)
        return tuple(found[name] for name in sorted(found))

    @property
    def keeper(self) -> Keeper:
        """Return the first place that we may write to; raise SecretError where the site has none."""
        for place in self.places:
            if isinstance(place, Keeper):
                return place
        kinds = ", ".join(place.kind for place in self.places)
        raise SecretError(
            f"secrets come from {kinds} here, where Tunewright does not write",
            help="store it there, or add `home` or `encrypted` to the providers",
        )

    @property
    def encrypted(self) -> EncryptedProvider:
        """Return the encrypted store; raise SecretError where the site has none."""
        for place in self.places:
            if isinstance(place, EncryptedProvider):
                return place
        raise SecretError("no encrypted store is set up here", help="add `encrypted` to the providers in secrets.yaml")


def providers_of(home: Home, chosen: Path | None = None) -> Providers:
    """Return the places that a settings file names (the home's, where there is one), else the home's own store alone;
    raise SettingsFileError.
    """
    path = chosen or home.root / FILE_NAME
    if chosen is None and not path.exists():
        return Providers((home_provider(home),))
    # Only a site that has such a file pays for what reads it.
    from tunewright.daemon.secrets.file import read_places

    return Providers(read_places(path, home))
