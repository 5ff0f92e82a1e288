"""Hold queries to projects: what of a shared table a caller may see."""

#: Names of projects; None stands for all of them.
Projects = frozenset[str] | None


def in_projects(projects: Projects) -> tuple[str, list[str]]:
    """Return the SQL condition on a column `project`, and the values of its marks."""
    if projects is None:
        return "1", []
    names = sorted(projects)
    return f"project IN ({', '.join('?' * len(names))})", names
