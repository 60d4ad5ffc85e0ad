"""One line for the user on an error that is not salzoo's own."""

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.runtime.memory import is_out_of_memory

_LOWER = {
    "train": "lower --batch, --clip-length, --size or the model's width, or add --checkpoint-activations",
    "sweep": "lower --batch, --clip-length, --size or the models' width, or add --checkpoint-activations",
    "eval": "lower --workers, or take a smaller model",
    "predict": "take a smaller model, or a smaller picture or video",
    "export": "lower --size, or take a smaller model",
}
"""What takes less memory, for each command."""


def explain(error: Exception, command: str) -> str:
    """What went wrong, in words that say what to do; without the name of the error's class.

    Args:
        error: any.
        command: that met it.
    """
    if isinstance(error, SalzooError):
        return str(error)
    if is_out_of_memory(error):
        return f"not enough memory ({one_line(error)}): {_LOWER.get(command, 'take a smaller model or file')}"
    if isinstance(error, OSError) and error.strerror:
        return one_line(error)
    if isinstance(error, UnicodeDecodeError):
        return f"a file is no text: {one_line(error)}; salzoo plugins shows whether it is a package's"
    if isinstance(error, ValueError) and "null byte" in str(error):
        return "a name holds a null character: no file can have such a name"
    return f"something that salzoo did not expect went wrong: {one_line(error)} (--debug shows where)"
