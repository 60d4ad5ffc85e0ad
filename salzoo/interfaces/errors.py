"""The one exception that a user sees."""


class SalzooError(Exception):
    """Something outside salzoo is wrong: a name, a file, a value. The message is one line for the user.

    It says what is wrong, with which file or name, and what to do. The command line prints it and exits with
    status 1; a plug-in raises it for the same purpose.
    """
