"""Regions as LabelMe and COCO have them, the two formats that tools for labelling pictures write.

Names that repeat, as labels of objects do, are numbered: "person", "person 2", ….
"""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.regions.checked import box, check_number, polygon
from salzoo.regions.region import Region, collect
from salzoo.regions.shapes import Ellipse, Mask, Rectangle, Shape, mask_of

PIXELS = 2**26
"""That a mask may have."""


FLAT = ("point", "points", "line", "linestrip")
"""Shapes of LabelMe that have no area."""


def read_labelme(path: Path, held: dict[str, Any]) -> tuple[list[Region], list[str]]:
    """The shapes of a LabelMe file (https://github.com/wkentaro/labelme): polygons, rectangles, circles, masks; and the
    kinds of those that are left out, as they have no area."""
    entries = [(number, entry, _kind(entry)) for number, entry in enumerate(held["shapes"], start=1)]
    regions = collect(
        (
            (str(entry["label"]), _labelme_shape(entry, kind, f"{path}: shape {number}, {str(entry['label'])!r}"))
            for number, entry, kind in entries
            if kind not in FLAT
        ),
        path,
    )
    return regions, [kind for _, _, kind in entries if kind in FLAT]


def _kind(entry: dict[str, Any]) -> str:
    return str(entry.get("shape_type") or "polygon")


def _labelme_shape(entry: dict[str, Any], kind: str, where: str) -> Shape:
    points = entry["points"]
    if kind == "polygon":
        return polygon([points], where)
    if kind not in ("rectangle", "circle", "mask"):
        raise SalzooError(f"{where} is a {kind}, which is not read: remove it, or draw a polygon")
    (x1, y1), (x2, y2) = ((check_number(x, f"{where}: x"), check_number(y, f"{where}: y")) for x, y in points)
    if kind == "circle":  # its centre, and a point on its edge
        radius = float(np.hypot(x2 - x1, y2 - y1))
        return box(Ellipse, (x1 - radius, y1 - radius, 2 * radius, 2 * radius), where)
    left, top = min(x1, x2), min(y1, y2)
    if kind == "rectangle":
        return box(Rectangle, (left, top, abs(x2 - x1), abs(y2 - y1)), where)
    return _placed(_decode_png(str(entry["mask"]), where), (round(left), round(top)), where)


def _decode_png(text: str, where: str) -> NDArray[np.bool_]:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SalzooError(f"{where}: its mask is no image") from error
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:8] != b"\x89PNG\r\n\x1a\n" or not 0 < width * height <= PIXELS:
        raise SalzooError(f"{where}: its mask is no PNG image, or too large")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SalzooError(f"{where}: its mask cannot be decoded")
    return np.asarray(image > 0)


def _placed(pixels: NDArray[np.bool_], corner: tuple[int, int], where: str) -> Mask:
    if not pixels.any():
        raise SalzooError(f"{where}: its mask is empty, so that it has no area")
    return mask_of(pixels, *corner)


def read_coco(path: Path, held: dict[str, Any]) -> dict[str, list[Region]]:
    """The annotations of a COCO file (https://cocodataset.org/#format-data), by the file names of its images; of a file
    of one image they are for any.

    A segmentation, of polygons or run lengths, is taken before the bounding box.
    """
    names = {each["id"]: str(each["name"]) for each in held.get("categories", ())}
    files = {each["id"]: str(each["file_name"]) for each in held["images"]}
    entries: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    for number, entry in enumerate(held["annotations"], start=1):
        if entry["image_id"] not in files:
            raise SalzooError(f"{path}: annotation {number} is of image {entry['image_id']!r}, which is not listed")
        entries.setdefault(entry["image_id"], []).append((number, entry))

    def shapes(own: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, Shape]]:
        for number, entry in own:
            name = names.get(entry.get("category_id"), str(entry.get("category_id", "region")))
            yield name, _coco_shape(entry, f"{path}: annotation {number}, {name!r}")

    return {files[image] if len(files) > 1 else "": collect(shapes(own), path) for image, own in entries.items()}


def _coco_shape(entry: dict[str, Any], where: str) -> Shape:
    drawn = entry.get("segmentation")
    if isinstance(drawn, dict) and drawn:
        height, width = (int(check_number(each, f"{where}: size")) for each in drawn["size"])
        counts = drawn["counts"]
        runs = _decode_counts(counts, where) if isinstance(counts, str) else [int(each) for each in counts]
        return _placed(expand_runs(runs, (height, width), where), (0, 0), where)
    if drawn:
        return polygon([list(zip(part[::2], part[1::2], strict=True)) for part in drawn], where)
    return box(Rectangle, entry["bbox"], where)


def expand_runs(runs: list[int], size: tuple[int, int], where: str) -> NDArray[np.bool_]:
    """A mask of lengths of runs, first of what is outside, column by column.

    Raises SalzooError where they do not fill the size, or that is too large.

    >>> expand_runs([1, 2, 1], (2, 2), "").tolist()
    [[False, True], [True, False]]
    """
    height, width = size
    if min(size) < 1 or height * width > PIXELS:
        raise SalzooError(f"{where}: a mask of {width}×{height} is empty, or too large")
    if min(runs, default=-1) < 0 or sum(runs) != height * width:
        raise SalzooError(f"{where}: the run lengths of its mask do not fill {width}×{height}")
    filled = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return filled.reshape(width, height).T


def _decode_counts(text: str, where: str) -> list[int]:
    """COCO's compressed run lengths: five bits a character, a sixth says that more follow, from the third on
    differences from the run before the last."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise SalzooError(f"{where}: its run lengths hold {character!r}, which has no meaning there")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
