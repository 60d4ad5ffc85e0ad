"""The one exception that a user sees, and what one says of any other."""


class SalzooError(Exception):
    """Something outside salzoo is wrong: a name, a file, a value. The message is one line for the user.

    It says what is wrong, with which file or name, and what to do. The command line prints it and exits with
    status 1; a plug-in raises it for the same purpose.
    """


def one_line(error: BaseException, limit: int = 300) -> str:
    """What an error says, on one line of at most so many characters; its type where it cannot be made to say anything.

    >>> one_line(ValueError("no\\n   such name"))
    'no such name'
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # third parties' exceptions may do anything when they are shown
        text = ""
    text = "".join(character for character in text or type(error).__name__ if character.isprintable())
    return text if len(text) <= limit else f"{text[:limit]}…"
