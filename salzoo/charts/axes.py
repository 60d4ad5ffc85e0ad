"""From values to places on a chart."""

import math


class Axis:
    """A scale whose ends are round numbers.

    Args:
        low, high: the values that it must hold.
        start, end: places of the lowest and the highest number; the end may be the smaller, as upwards.

    >>> axis = Axis(0.0, 0.93, 10, 210)
    >>> axis.ticks(), axis.place(0.5)
    ([(10.0, '0.0'), (50.0, '0.2'), (90.0, '0.4'), (130.0, '0.6'), (170.0, '0.8'), (210.0, '1.0')], 110.0)
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.numbers = ticks_between(low, high)
        self.low, self.high, self.start, self.end = self.numbers[0], self.numbers[-1], start, end

    def place(self, value: float) -> float:
        """Where a value stands, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Places and texts of every number, or of every second or third where there are too many; zero is among them
        where the axis has it."""
        step = self.numbers[1] - self.numbers[0]
        decimals = min(max(0, -math.floor(math.log10(step) + 1e-9)), 9)
        every = math.ceil(len(self.numbers) / most)
        first = min(range(len(self.numbers)), key=lambda n: abs(self.numbers[n])) % every
        return [(self.place(value), f"{value + 0.0:.{decimals}f}") for value in self.numbers[first::every]]


def ticks_between(low: float, high: float) -> list[float]:
    """Four to nine round numbers from at or below ``low`` to at or above ``high``."""
    span = max(high - low, 1e-6, 1e-6 * abs(high))
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(unit * factor for factor in (0.2, 0.5, 1, 2) if span <= 6 * unit * factor)
    start, stop = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(start, max(stop, start + 1) + 1)]
