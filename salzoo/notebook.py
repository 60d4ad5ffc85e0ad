"""Small tables, as notebooks show what is the value of a cell."""

from collections.abc import Sequence
from html import escape

from salzoo.interfaces.errors import shown


def html_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML, in which all text is escaped.

    Args:
        title: what stands above it.
        rows: of cells, as many in each; the first cell of a row is its heading.

    >>> html_table("a < b", [["spec", "salgan"]])
    '<table><caption><bdi>a &lt; b</bdi></caption><tr><th><bdi>spec</bdi></th><td><bdi>salgan</bdi></td></tr></table>'
    """
    body = "".join(
        f"<tr><th>{_text(first)}</th>{''.join(f'<td>{_text(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    return f"<table><caption>{_text(title)}</caption>{body}</table>"


def _text(text: str) -> str:
    return f"<bdi>{escape(shown(text, 600))}</bdi>"
