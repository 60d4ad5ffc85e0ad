"""Drawings as SVG: whole files, and elements of a page that brings its own colours."""

from xml.sax.saxutils import escape, quoteattr

from salzoo.charts.drawing import MARGIN, STYLES, Box, Drawing, Label, Line, Mark, Shape
from salzoo.interfaces.errors import shown

FONT = "font-family:Helvetica,Arial,'Liberation Sans',sans-serif;font-size:12px"


def svg_element(drawing: Drawing) -> str:
    """An ``<svg>`` element for an HTML page, whose style sheet colours the classes: the roles of ``STYLES``.

    A drawing without a title is hidden from screen readers: the page says the same in words beside it.
    """
    label = f'role="img" aria-label={_quoted(drawing.title)}' if drawing.title else 'aria-hidden="true"'
    return f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" {label}>{_shapes(drawing)}</svg>'


def svg_file(drawing: Drawing) -> str:
    """An SVG file, with its own colours on white, and a margin."""
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
    rules = "".join(
        f".{role}{{stroke:{s.stroke};fill:{s.fill};stroke-width:{s.width:g}"
        + (f";fill-opacity:{s.opacity:g}" if s.opacity < 1 else "")
        + (f";stroke-dasharray:{s.dashes}" if s.dashes else "")
        + "}"
        for role, s in STYLES.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width:g} {height:g}" role="img">\n<title>{_text(drawing.title)}</title>\n'
        f"<style>text{{{FONT}}}.title{{font-weight:bold}}{rules}polyline{{fill:none!important;stroke-linejoin:round}}</style>\n"
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width:g}" height="{height:g}" fill="#ffffff"/>\n'
        f"{_shapes(drawing)}\n</svg>\n"
    )


def _shapes(drawing: Drawing) -> str:
    return "\n".join(_shape(shape) for shape in drawing.shapes)


def _shape(shape: Shape) -> str:
    match shape:
        case Line([(x, y), (right, lower)], role):
            return f'<line class="{role}" x1="{x:.6g}" y1="{y:.6g}" x2="{right:.6g}" y2="{lower:.6g}"/>'
        case Line(points, role):
            return f'<polyline class="{role}" points="{" ".join(f"{x:.6g},{y:.6g}" for x, y in points)}"/>'
        case Mark((x, y), role, r, "disc", name):
            title = f"<title>{_text(name)}</title>" if name else ""
            return f'<circle class="{role}" cx="{x:.6g}" cy="{y:.6g}" r="{r:g}">{title}</circle>'
        case Mark((x, y), role, r, "cross"):
            strokes = f"M{x - r:.6g} {y - r:.6g}l{2 * r:g} {2 * r:g}m0 {-2 * r:g}l{-2 * r:g} {2 * r:g}"
            return f'<path class="{role}" d="{strokes}"/>'
        case Mark((x, y), role, r, _):
            return f'<rect class="{role}" x="{x - r:.6g}" y="{y - r:.6g}" width="{2 * r:g}" height="{2 * r:g}"/>'
        case Box((x, y), (width, height), role):
            return f'<rect class="{role}" x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}"/>'
        case Label((x, y), text, role, anchor):
            return f'<text class="{role}" x="{x:.6g}" y="{y:.6g}" text-anchor="{anchor}">{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(shown(text))


def _quoted(text: str) -> str:
    return quoteattr(shown(text))
