"""The one exception that a user sees, and how text from outside is shown."""

LIMIT = 1000
"""Characters that a message may have; of a longer one the middle is left out."""


def shown(text: str, limit: int | None = None, keep: str = "") -> str:
    """Text from outside (a name, a path, a library's message) as it can be printed anywhere: what a terminal would obey
    (control characters, marks that turn the direction of writing) is shown instead, as escapes.

    Args:
        text: any text; of a path that is no UTF-8, the bytes that are none are shown as they are.
        limit: leave out the middle of what is longer.
        keep: characters to leave as they are, such as line ends.

    >>> shown("\\x1b]0;title\\x07 of Zürich")
    '\\\\x1b]0;title\\\\x07 of Zürich'
    >>> shown("a\\udcff\\u202eb")
    'a\\\\xff\\\\u202eb'
    >>> shown("0123456789abcdef" * 10, limit=20)
    '0123456789ab … bcdef'
    """
    text = _cut(text, 2 * limit) if limit else text
    for character in {each for each in text if not each.isprintable() and each not in keep}:
        text = text.replace(character, _escape(character))
    return _cut(text, limit) if limit else text


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a path that is no UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _cut(text: str, limit: int) -> str:
    # Both ends stay: what is wrong stands at a message's beginning, what to do at its end.
    tail = (limit - 3) // 3
    return text if len(text) <= limit else f"{text[: limit - tail - 3]} … {text[len(text) - tail :]}"


class SalzooError(Exception):
    """Something outside salzoo is wrong: a name, a file, a value. The message is one line for the user.

    It says what is wrong, with which file or name, and what to do. The command line prints it and exits with
    status 1; a plug-in raises it for the same purpose. Whatever names from outside it holds can be printed, and of a
    very long message the ends are kept (``shown``).
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(shown(" ".join(str(message).splitlines()), LIMIT))


class EndedBySignal(SystemExit):
    """A signal asked this process to end: never to be held for an error of what was running."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """What an error says, on one line of at most so many characters, without its class's name.

    >>> one_line(ValueError("no\\n   such name"))
    'no such name'
    >>> one_line(KeyError("size")), one_line(ValueError())
    ("there is no 'size'", 'it gives no reason')
    """
    try:
        text = " ".join(_reason(error).split())
    except Exception:  # third parties' exceptions may do anything when they are shown
        text = ""
    return shown(text, limit) or "it gives no reason"


def _reason(error: BaseException) -> str:
    match error:
        case SystemExit():
            return f"it ends the program with status {error.code}"
        case RecursionError():
            return "it is nested too deeply"
        case MemoryError():
            return "there is not enough memory"
        case KeyError():
            return f"there is no {error}"
        case OSError() if error.strerror:
            return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
        case UnicodeDecodeError():
            return f"it is not {error.encoding.upper()} (byte {error.start + 1})"
    return str(error)
