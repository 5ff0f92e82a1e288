"""The WHERE of a list: conditions that a caller may or may not have."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewright.daemon.store.projects import Projects, in_projects


@dataclass(slots=True)
class Conditions:
    """Grows by what is asked for. Columns are words of our code; everything of a caller's is a bound value."""

    _parts: list[str] = field(default_factory=list)
    values: list[int | str] = field(default_factory=list)

    def add(self, condition: str, *values: int | str) -> "Conditions":
        """Add a condition as it stands."""
        self._parts.append(condition)
        self.values.extend(values)
        return self

    def equal(self, **columns: str) -> "Conditions":
        """Add an equation for each column whose value is not empty."""
        for column, value in columns.items():
            if value:
                self.add(f"{column} = ?", value)
        return self

    def among(self, column: str, words: Sequence[str]) -> "Conditions":
        """Add that a column holds one of the words; none means any."""
        if words:
            self.add(f"{column} IN ({', '.join('?' * len(words))})", *words)
        return self

    def within(self, projects: Projects) -> "Conditions":
        """Add which projects the caller may see."""
        condition, names = in_projects(projects)
        return self.add(condition, *names)

    def below(self, column: str, position: int) -> "Conditions":
        """Add where a page begins, newest first; 0 begins with the newest."""
        if position:
            self.add(f"{column} < ?", position)
        return self

    @property
    def text(self) -> str:
        """What stands behind WHERE."""
        return " AND ".join(self._parts) or "1"
