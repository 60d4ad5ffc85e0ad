"""``python -m salzoo`` is the ``salzoo`` command."""

from salzoo.cli import cli

if __name__ == "__main__":
    cli(prog_name="salzoo")
