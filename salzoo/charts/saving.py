"""A drawing as a file, as its name's ending says."""

from pathlib import Path

from salzoo.charts.drawing import Drawing
from salzoo.charts.svg import svg_file
from salzoo.interfaces.errors import SalzooError
from salzoo.runtime.files import write_text

ENDINGS = (".svg", ".png")


def save_drawing(drawing: Drawing, path: Path) -> None:
    """Write a drawing as SVG or PNG, whole or not at all. Raises SalzooError for another ending, or if it cannot."""
    ending = path.suffix.lower()
    if ending == ".svg":
        write_text(svg_file(drawing), path)
    elif ending == ".png":
        from salzoo.charts.pixels import render
        from salzoo.video.pictures import write_image

        write_image(path, render(drawing))
    else:
        raise SalzooError(f"cannot write {path}: a chart's name ends in {' or '.join(ENDINGS)}")
