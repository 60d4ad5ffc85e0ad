"""How long a run will take, from its first steps."""

from collections.abc import Callable, Generator, Iterable

from salzoo.training.loop import Step

MEASURED = 4
"""Steps that are timed, after one that starts everything."""


def announce_time_left(steps: Iterable[Step], report: Callable[[str], None]) -> Generator[Step, None, None]:
    """Pass steps on, and report after the first few how long the rest will take at their pace."""
    first = None
    for number, step in enumerate(steps):
        if number == 1:
            first = step
        elif first is not None and number == 1 + MEASURED and step.done > first.done:
            pace = (step.seconds - first.seconds) / (step.done - first.done)
            report(f"about {in_words((1 - step.done) * pace)} of training to go at this pace, then the scoring")
        yield step


def in_words(seconds: float) -> str:
    """A length of time with the precision of a guess.

    >>> in_words(7), in_words(118), in_words(7000), in_words(300_000)
    ('7 s', '2 minutes', '1.9 hours', '3.5 days')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    for name, unit, decimals in (("minutes", 60, 0), ("hours", 3600, 1)):
        if seconds < (90 * 60 if name == "minutes" else 36 * 3600):
            return f"{seconds / unit:.{decimals}f} {name}"
    return f"{seconds / 86400:.1f} days"
