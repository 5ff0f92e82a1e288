"""Where things of this user lie: the home with the store and the artifacts, the cache that several homes share."""

import os
from pathlib import Path


def home() -> Path:
    """Return TUNEWRIGHT_HOME, or the platform's folder for a user's data; it need not exist."""
    if chosen := os.environ.get("TUNEWRIGHT_HOME"):
        return Path(chosen).absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("tunewright", appauthor=False))


def cache() -> Path:
    """Return TUNEWRIGHT_CACHE, or the platform's cache folder; it need not exist."""
    if chosen := os.environ.get("TUNEWRIGHT_CACHE"):
        return Path(chosen).absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunewright", appauthor=False))


def environments() -> Path:
    """Return the folder that the runners' environments are in."""
    return cache() / "environments"


def secrets_file() -> Path | None:
    """Return the file that says where secrets come from (TUNEWRIGHT_SECRETS), None for the home's or none at all."""
    chosen = os.environ.get("TUNEWRIGHT_SECRETS")
    return Path(chosen).absolute() if chosen else None


def secret_names() -> frozenset[str] | None:
    """Return the names of the secrets in the home's own store; None where a site has them from elsewhere."""
    if secrets_file() is not None or (home() / "secrets.yaml").exists():
        return None
    folder = home() / "secrets"
    return frozenset(item.name for item in folder.iterdir()) if folder.is_dir() else frozenset()


def contexts() -> Path:
    """Return the file that names daemons and what this user shows them (TUNEWRIGHT_CONTEXTS); it need not exist."""
    if chosen := os.environ.get("TUNEWRIGHT_CONTEXTS"):
        return Path(chosen).absolute()
    import platformdirs

    return Path(platformdirs.user_config_dir("tunewright", appauthor=False)) / "contexts.yaml"


def has_store() -> bool:
    """Say whether anything was ever run in this home."""
    return (home() / "control.db").exists()
