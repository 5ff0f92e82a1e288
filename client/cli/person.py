"""Who sits at this terminal, as the log is to know it."""


def who_asks() -> str:
    """Return the name of the account, empty where the machine knows none."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
