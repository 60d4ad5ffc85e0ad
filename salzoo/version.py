"""The version of salzoo, for whoever needs no more of it."""

__version__ = "0.2.0"
