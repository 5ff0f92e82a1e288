"""How urgent a run is: the words and the numbers that both sides of the API use."""

LOWEST, HIGHEST = -1000, 1000
NORMAL = 0
#: A word for each number that people need; any number between lowest and highest will do.
PRIORITIES = {"low": -100, "normal": NORMAL, "high": 100, "urgent": 200}
_WORDS = {number: word for word, number in PRIORITIES.items()}


def priority_number(text: str) -> int:
    """Return the number of a priority that is written as a word or a number; raise ValueError."""
    if text in PRIORITIES:
        return PRIORITIES[text]
    try:
        number = int(text)
    except ValueError:
        number = HIGHEST + 1
    if not LOWEST <= number <= HIGHEST:
        words = ", ".join(PRIORITIES)
        raise ValueError(f"`{text[:40]}` is no priority: {words}, or a number from {LOWEST} to {HIGHEST}")
    return number


def priority_word(number: int) -> str:
    """Return how people read a priority."""
    return _WORDS.get(number, str(number))
