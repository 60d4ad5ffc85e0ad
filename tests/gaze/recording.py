"""A simulated recording: fixations, saccades between them, the tracker's noise, blinks."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def record(
    rng: np.random.Generator,
    *,
    seconds: float,
    size: tuple[int, int] = (1080, 1920),
    rate: float = 250.0,
    degree: float = 60.0,
    noise: float = 0.1,
    blinks: int = 0,
) -> tuple[Numbers, Numbers, Numbers]:
    """One observer on one stimulus.

    Args:
        seconds: length.
        size: height and width that is looked at, in pixels.
        rate: samples per second.
        degree: pixels of a degree of visual angle.
        noise: standard deviation in degrees.
        blinks: each hides the eye for 100–200 ms, within a fixation; before and after, the lid drags the gaze down.

    Returns:
        times (n,), places (n, 2) with NaN in blinks, and the fixations (m, 4): start, duration, x, y. A blink cuts a
        fixation in two.
    """
    times = np.arange(int(seconds * rate)) / rate
    places = np.zeros((len(times), 2))
    fixations: list[tuple[float, float, float, float]] = []
    now, (height, width) = 0.0, size
    at = np.array([width / 2, height / 2])
    while now < seconds:
        last = min(now + 0.15 + rng.gamma(3, 0.06), seconds)
        if seconds - last < 0.3:
            last = seconds
        fixations.append((now, last - now, *at))
        places[(times >= now) & (times < last)] = at
        angle = rng.uniform(0, 2 * np.pi)
        to = at + degree * rng.uniform(2, 12) * np.array([np.cos(angle), np.sin(angle)])
        while not (0.05 * width < to[0] < 0.95 * width and 0.05 * height < to[1] < 0.95 * height):
            angle = rng.uniform(0, 2 * np.pi)
            to = at + degree * rng.uniform(2, 12) * np.array([np.cos(angle), np.sin(angle)])
        # the main sequence: 21 ms and 2.2 ms for each degree; the way of least jerk
        flight = 0.021 + 0.0022 * np.hypot(*(to - at)) / degree
        moving = (times >= last) & (times < last + flight)
        part = ((times[moving] - last) / flight)[:, None]
        places[moving] = at + (to - at) * (10 * part**3 - 15 * part**4 + 6 * part**5)
        now, at = last + flight, to
    places += rng.normal(0, noise * degree, places.shape)
    long = [number for number, each in enumerate(fixations) if each[1] > 0.45]
    for number in rng.choice(long, min(blinks, len(long)), replace=False):
        start, duration, x, y = fixations[number]
        shut = start + duration / 2 - 0.06
        hidden = (times >= shut) & (times < shut + 0.12)
        lid = ((times >= shut - 0.02) & (times < shut)) | ((times >= shut + 0.12) & (times < shut + 0.14))
        places[lid, 1] += rng.uniform(2, 6, lid.sum()) * degree
        places[hidden] = np.nan
        fixations[number] = (start, shut - 0.02 - start, x, y)
        fixations.append((shut + 0.14, start + duration - shut - 0.14, x, y))
    return times, places, np.array(sorted(fixations))


def compare(found: Numbers, true: Numbers, degree: float) -> tuple[float, float, float, float]:
    """Share of the true fixations that were found (by one that overlaps most of their time), found for each true one,
    and the median and largest error of the place in degrees."""
    errors = []
    for start, duration, *place in true:
        overlap = np.minimum(found[:, 0] + found[:, 1], start + duration) - np.maximum(found[:, 0], start)
        if len(overlap) and overlap.max() > 0.5 * duration:
            errors.append(np.hypot(*(found[overlap.argmax(), 2:] - place)) / degree)
    return len(errors) / len(true), len(found) / len(true), float(np.median(errors)), float(np.max(errors))
