"""How many frames run at once: found by measurement, on the frames that have to be run in any case."""


class Pace:
    """The number of frames to run next, while each number offered is tried; then the one that was fastest a frame.

    >>> pace = Pace((1, 2, 4))
    >>> for seconds in (9, 1, 9, 1.5, 9, 4):  # each twice: the first run of a number sets things up
    ...     pace.note(pace.group, seconds)
    >>> pace.group
    2

    Args:
        groups: numbers of frames, ascending; where one is slower than the one before by a tenth, those after it are
            left out.
    """

    def __init__(self, groups: tuple[int, ...]) -> None:
        self.untried = list(groups)
        self.warm = False
        self.seconds: dict[int, float] = {}  # a frame, by group

    @property
    def group(self) -> int:
        """How many frames to run next."""
        return self.untried[0] if self.untried else min(self.seconds, key=lambda group: self.seconds[group])

    def note(self, frames: int, seconds: float) -> None:
        """Take note of how long that took; a video's last frames, fewer than asked for, tell nothing."""
        if not self.untried or frames != self.untried[0]:
            return
        if not self.warm:
            self.warm = True
            return
        self.warm = False
        group = self.untried.pop(0)
        before = min(self.seconds.values(), default=float("inf"))
        self.seconds[group] = seconds / frames
        if self.seconds[group] > 1.1 * before:
            self.untried.clear()
