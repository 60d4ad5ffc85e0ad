"""What was shown when, by the messages that the experiment's program sent to the tracker.

A message names a stimulus that holds the name of its file, or its name without ending behind a word for it ("image",
"TRIAL_VAR", …). One sent while nothing was recorded, or a variable of the trial, is of the whole recording; any other
names what is shown from then on. So does one that names a file of another name in the same words: what comes then is no
stimulus. A recording of one stimulus begins with the message that says so (SYNCTIME, DISPLAY
ON, …), where there is one, and ends with that which says that it went.
"""

import re
from collections.abc import Callable, Sequence

from salzoo.gaze.tables import Message, Shown, Table

_ON = re.compile(r"\b(synctime|(stim\w*|display|image|picture|video)[ _]?on(set)?)\b", re.IGNORECASE)
_OFF = re.compile(r"\b(blank_?screen|(stim\w*|display|image|picture|video)[ _]?off(set)?)\b", re.IGNORECASE)
_FILE = re.compile(r"\.(png|jpe?g|bmp|gif|tiff?|webp|mp4|m4v|mov|avi|mkv|wmv|webm|mpe?g)$", re.IGNORECASE)
_WORD = re.compile(r"stim|imag|img|video|movie|pict|pic\b|clip|scene|trial|media|file", re.IGNORECASE)


def find_shown(table: Table, match: Callable[[str], int], one: str = "") -> list[Shown]:
    """When which stimulus was shown.

    Args:
        table: with messages.
        match: from a name to the number of a stimulus; negative where there is none.
        one: the stimulus of all recordings, where the messages name none.
    """
    starts = list(table.recordings) or [float("-inf")]
    found: list[Shown] = []
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else float("inf")
        own = [message for message in table.messages if message.recording == number or not table.recordings]
        found += _in_recording(own, start, stop, match, one)
    return found


def _in_recording(
    messages: Sequence[Message], start: float, stop: float, match: Callable[[str], int], one: str
) -> list[Shown]:
    named = [(message, name) for message in messages if (name := _name_in(message.text, match))]
    ways = {_before(message.text, name) for message, name in named}
    others = [(each, name) for each in messages if each.inside and (name := _other_in(each.text, match, ways))]
    if one:
        whole, changes, others = [one], [], []
    else:
        whole = [name for message, name in named if not message.inside or "TRIAL_VAR" in message.text]
        changes = [
            (message.time, name) for message, name in named if message.inside and "TRIAL_VAR" not in message.text
        ]
    if not changes and (not whole or start == float("-inf")):
        return []
    names = {match(name) for _, name in changes} | {match(name) for name in whole}
    gone = [message.time for message in messages if message.inside and _OFF.search(message.text)]
    gone += [message.time for message, _ in others]
    if len(names) == 1 and start > float("-inf"):
        on = [message.time for message in messages if message.inside and _ON.search(message.text)]
        begin = min(on) if on else min(time for time, _ in changes) if changes else start
        end = min((time for time in gone if time > begin), default=stop)
        return [Shown(whole[0] if whole else changes[0][1], max(begin, start), end)]
    changes = sorted([*changes, *((message.time, name) for message, name in others)])
    found: list[Shown] = []
    for (time, name), (until, _) in zip(changes, [*changes[1:], (stop, "")], strict=True):
        end = min((at for at in gone if time < at < until), default=until)
        if found and match(found[-1].name) == match(name) and found[-1].stop == time:
            found[-1] = Shown(name, found[-1].start, end)  # named again
        else:
            found.append(Shown(name, time, end))
    return found


def _words(text: str) -> list[str]:
    return [word.strip("\"'()[]{};,:") for word in re.split(r"[\s,;=]+", text)]


def _before(text: str, name: str) -> str:
    """What a message says before a name, numbers aside."""
    return re.sub(r"\d+", "0", text[: text.find(name)])


def _other_in(text: str, match: Callable[[str], int], ways: set[str]) -> str:
    """The file that a message names in one of these ways, which is no stimulus; "" for none."""
    if not ways or _name_in(text, match):
        return ""
    files = [word for word in _words(text) if _FILE.search(word)]
    return next((name for name in files if _before(text, name) in ways), "")


def _name_in(text: str, match: Callable[[str], int]) -> str:
    """The stimulus that a message names; "" for none."""
    words = _words(text)
    for number, word in enumerate(words):
        rest = " ".join(words[number:])  # of names with spaces
        for name in (word, rest):
            if name and match(name) >= 0 and ("." in name or any(map(_WORD.search, words[:number]))):
                return name
    return ""
