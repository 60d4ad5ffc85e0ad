"""Regions as CVAT has them, whose tracks move, and as EyeLink Data Viewer has them."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.regions.checked import box, check_number, polygon
from salzoo.regions.labelled import expand_runs
from salzoo.regions.region import Region, collect, distinct_names
from salzoo.regions.shapes import Ellipse, Rectangle, Shape, mask_of

_SHAPES = ("box", "polygon", "ellipse", "mask")

_OTHERS = ("points", "polyline", "skeleton", "cuboid")
"""Of CVAT, which have no area, or none in the picture alone."""


def read_cvat(path: Path, text: str) -> tuple[dict[str, list[Region]], bool, list[str]]:
    """The tracks of a "CVAT for video 1.1" file, or the shapes of a "CVAT for images 1.1" file by the names of its
    images (https://docs.cvat.ai/docs/manual/advanced/xml_format/).

    A track's times are numbers of frames, counted from 0; a shape that is "outside" is absent from then on.

    Returns:
        The regions by image ("" for tracks), whether they are tracks, and the kinds of those that are left out, as they
        have no area.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text):
        raise SalzooError(f"{path} defines entities of its own, as CVAT does not")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise SalzooError(f"{path}, line {error.position[0]}: it is no XML") from error
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is no XML: {one_line(error)}") from error
    if root.tag != "annotations":
        raise SalzooError(f"{path} is no file of CVAT: it begins with <{root.tag}>, not <annotations>")
    tracks, images = root.findall("track"), root.findall("image")
    if tracks:
        drawn = [each for each in tracks if any(place.tag in _SHAPES for place in each)]
        left_out = [track[0].tag for track in tracks if len(track) and track not in drawn]
        return {"": distinct_names([_track(path, each) for each in drawn])}, True, left_out
    regions: dict[str, list[Region]] = {}
    for image in images:
        name = image.get("name", "") if len(images) > 1 else ""
        if name in regions:
            raise SalzooError(f"{path} has several images called {name!r}: write a file for each subset")
        shapes = (
            (each.get("label") or each.tag, _shape(each, f"{path}: {name}")) for each in image if each.tag in _SHAPES
        )
        regions[name] = collect(shapes, path)
    return regions, False, [each.tag for image in images for each in image if each.tag in _OTHERS]


def _track(path: Path, track: ElementTree.Element) -> Region:
    name = track.get("label") or "track"
    where = f"{path}: track {track.get('id')}, {name!r}"
    places: list[Shape | None] = []
    frames = []
    for each in track:
        if each.tag in _SHAPES:
            frames.append(check_number(each.get("frame"), f"{where}: frame"))
            places.append(None if each.get("outside") == "1" else _shape(each, f"{where}, frame {frames[-1]:g}"))
    try:
        return Region(name, tuple(places), tuple(frames))
    except SalzooError as error:
        raise SalzooError(f"{path}: {error}") from error


def _shape(element: ElementTree.Element, where: str) -> Shape:
    def number(name: str) -> float:
        return check_number(element.get(name), f"{where}: {name}")

    turned = check_number(element.get("rotation", "0"), f"{where}: rotation") % 360
    if element.tag == "polygon":
        pairs = [each.split(",") for each in element.get("points", "").split(";") if each]
        return polygon([pairs], where)
    if element.tag == "mask":
        size = int(number("height")), int(number("width"))
        runs = [int(check_number(each, f"{where}: rle")) for each in element.get("rle", "").split(",")]
        pixels = expand_runs(runs, size[::-1], where).T  # CVAT's run along rows
        if not pixels.any():
            raise SalzooError(f"{where}: its mask is empty, so that it has no area")
        return mask_of(np.ascontiguousarray(pixels), int(number("left")), int(number("top")))
    if element.tag == "ellipse":
        if turned:
            raise SalzooError(f"{where}: a turned ellipse is not read; draw a polygon")
        x, y, across, down = number("cx"), number("cy"), number("rx"), number("ry")
        return box(Ellipse, (x - across, y - down, 2 * across, 2 * down), where)
    left, top, right, bottom = (number(each) for each in ("xtl", "ytl", "xbr", "ybr"))
    upright = box(Rectangle, (left, top, right - left, bottom - top), where)
    return polygon([_turn((left, top, right, bottom), turned)], where) if turned else upright


def _turn(bounds: tuple[float, float, float, float], degrees: float) -> list[tuple[float, float]]:
    """The corners of a rectangle, turned clockwise about its middle."""
    left, top, right, bottom = bounds
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) - centre
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(float(x), float(y)) for x, y in corners @ np.array([[cosine, sine], [-sine, cosine]]) + centre]


def read_interest_areas(path: Path, text: str) -> list[Region]:
    """An interest area set of EyeLink Data Viewer (.ias), as its manual lays it out::

        RECTANGLE id left top right bottom [label]
        ELLIPSE id left top right bottom [label]
        FREEHAND id x1,y1 x2,y2 … xn,yn [label]

    Raises SalzooError for any other line, those of areas that move included.
    """
    regions = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}, line {number}"
        kind = words[0].upper()
        if re.fullmatch(r"-?\d+", words[0]):
            raise SalzooError(f"{where}: interest areas that move are not read from .ias files; write them as CSV")
        if kind not in ("RECTANGLE", "ELLIPSE", "FREEHAND") or len(words) < 3:
            raise SalzooError(f"{where}: it does not begin with RECTANGLE, ELLIPSE or FREEHAND and a number")
        shape, rest = _interest_area(kind, words[2:], where)
        regions.append(Region(" ".join(rest) or words[1], (shape,)))
    return distinct_names(regions)


def _interest_area(kind: str, words: list[str], where: str) -> tuple[Shape, list[str]]:
    if kind == "FREEHAND":
        end = next((index for index, word in enumerate(words) if "," not in word), len(words))
        corners: list[Any] = [word.split(",") for word in words[:end]]
        return polygon([corners], where), words[end:]
    if len(words) < 4:
        raise SalzooError(f"{where}: left, top, right and bottom are needed")
    left, top, right, bottom = (check_number(word, f"{where}: an edge") for word in words[:4])
    shape = box(Rectangle if kind == "RECTANGLE" else Ellipse, (left, top, right - left, bottom - top), where)
    return shape, words[4:]
