"""Files of regions: our own CSV and JSON, and those of LabelMe, COCO, CVAT and EyeLink Data Viewer.

**CSV**: a line a region, with the columns

    name, x, y, width, height          a rectangle, in pixels from the upper left corner of the frame
    shape                              "ellipse" for one that fills that rectangle
    points                             a polygon instead: x y x y x y …
    mask                               an image instead, as large as the frame, white where the region is
    time                               seconds; several lines of one name are a region that moves, straight from each to
                                       the next; a line without a place: from then on it is absent
    file                               the picture or video that it is for; where it is missing, any

**JSON**: ``{"salzoo_regions": 1, "regions": [{"name": "logo", "rectangle": [x, y, width, height]}, …]}``, with
``"ellipse"``, ``"polygon": [[x, y], …]`` or ``"mask": "file.png"`` in place of the rectangle; ``"file"``; and for one
that moves ``"places": [{"time": 0, "rectangle": […]}, …, {"time": 4, "absent": true}]``.

What other tools write is in ``salzoo.regions.labelled`` and ``salzoo.regions.tracked``.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError, one_line
from salzoo.regions.checked import box, check_number, polygon
from salzoo.regions.labelled import read_coco, read_labelme
from salzoo.regions.region import Region, check_regions
from salzoo.regions.shapes import Ellipse, Mask, Polygon, Rectangle, Shape, mask_of, outline
from salzoo.regions.tracked import read_cvat, read_interest_areas
from salzoo.runtime.files import read_text, write_text
from salzoo.video.pictures import read_image

VERSION = 1
"""Of our own JSON."""

ENDINGS = (".csv", ".json", ".xml", ".ias")
"""Of the files that a folder of regions may hold."""

LIMIT = 2**26
"""Bytes of a file of regions."""

_RECTANGLE = ("x", "y", "width", "height")
_COLUMNS = ("name", *_RECTANGLE, "shape", "points", "mask", "time", "file")


@dataclass(frozen=True)
class Medium:
    """A picture or video that regions are wanted of.

    Attributes:
        name: of its file, or of a data set's item.
        size: height and width.
        times: seconds at which each frame begins, and at which the last one ends; None for a picture, and where they
            are not known. Files that count frames need them.
    """

    name: str
    size: tuple[int, int]
    times: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class RegionFile:
    """What a file of regions holds.

    Attributes:
        path: of the file, for messages.
        regions: by the name of the picture or video that they are for; under "" those that are for any.
        in_frames: whether times are numbers of frames.
        left_out: the kinds of shapes without an area that it has beside.
    """

    path: Path
    regions: dict[str, list[Region]]
    in_frames: bool = False
    left_out: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What must be said of what is left out."""
        if not self.left_out:
            return []
        kinds = ", ".join(dict.fromkeys(self.left_out))
        return [f"{self.path} holds {kinds} too, {len(self.left_out)} in all: without an area, and left out"]

    def of(self, medium: Medium) -> list[Region]:
        """The regions of a picture or video.

        Raises:
            SalzooError: there is none, there are too many, or one lies outside of the frame.
        """
        named = self._named(medium.name)
        found = [*self.regions.get("", ()), *(self.regions[named] if named else ())]
        if not found:
            others = ", ".join(list(self.regions)[:3])
            raise SalzooError(f"{self.path} has no region for {medium.name}: it has some for {others}")
        if self.in_frames:
            found = [self._timed(each, medium) for each in found]
        check_regions(found, medium.size, medium.name)
        return found

    def has(self, name: str) -> bool:
        """Whether it has regions for a picture or video."""
        return bool(self.regions.get("") or self._named(name))

    def _named(self, name: str) -> str:
        """What it calls a picture or video of this name, with or without ending; "" where it does not name it."""
        if name in self.regions:
            return name
        return next((each for each in self.regions if each and Path(each).stem in (name, Path(name).stem)), "")

    def _timed(self, region: Region, medium: Medium) -> Region:
        """A region whose times are numbers of frames, in seconds."""
        if not region.times:
            return region
        if medium.times is None:
            raise SalzooError(f"{self.path} counts frames, and when those of {medium.name} are shown is not known")
        frames = np.array(region.times)
        if frames[-1] > len(medium.times) - 1 or (frames % 1 != 0).any():
            raise SalzooError(f"{self.path}: region {region.name!r} has frame {frames.max():g}, {medium.name} has none")
        return replace(region, times=tuple(medium.times[frames.astype(int)].tolist()))


def read_regions(path: Path) -> RegionFile:
    """Read a file of regions, of any of the kinds above: it is told by what stands in it.

    Args:
        path: of the file; or of a folder with a file for each picture or video, which has its name but for the ending.

    Raises:
        SalzooError: the file is missing, of no kind that is known, or wrong; with the line, or the region, and what is
            wrong with it.
    """
    if path.is_dir():
        return _read_folder(path)
    try:
        text = read_text(path, LIMIT).removeprefix("\ufeff")
    except FileNotFoundError as error:
        raise SalzooError(f"{path} does not exist") from error
    start, in_frames, left_out = text.lstrip()[:1], False, list[str]()
    if start in ("{", "["):
        regions, left_out = _read_json(path, text)
    elif start == "<":
        regions, in_frames, left_out = read_cvat(path, text)
    elif path.suffix.lower() == ".ias":
        regions = {"": read_interest_areas(path, text)}
    else:
        regions = _read_csv(path, text)
    file = RegionFile(path, {_base(name): held for name, held in regions.items()}, in_frames, tuple(left_out))
    if not any(regions.values()):
        raise SalzooError("; ".join([f"{path} holds no region", *file.notes()]))
    return file


def _read_folder(folder: Path) -> RegionFile:
    files = {path.stem: read_regions(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS}
    if not files:
        raise SalzooError(f"{folder} holds no file of regions, which ends in {', '.join(ENDINGS)}")
    if len({each.in_frames for each in files.values()}) > 1:
        raise SalzooError(f"{folder} holds files that count frames, and others: keep them apart")
    return RegionFile(
        folder,
        {name: [region for held in each.regions.values() for region in held] for name, each in files.items()},
        any(each.in_frames for each in files.values()),
        tuple(kind for each in files.values() for kind in each.left_out),
    )


def write_regions(regions: Iterable[Region], path: Path) -> None:
    """Write our own JSON, whole or not at all.

    Raises SalzooError where the file cannot be written.
    """
    entries = [region_entry(region) for region in regions]
    write_text(json.dumps({"salzoo_regions": VERSION, "regions": entries}, indent=1), path)


def region_entry(region: Region) -> dict[str, Any]:
    """A region as our own JSON has it."""
    if not region.times:
        assert region.places[0] is not None
        return {"name": region.name, **region_place(region.places[0])}
    places = [
        {"time": time, **({"absent": True} if shape is None else region_place(shape))}
        for time, shape in zip(region.times, region.places, strict=True)
    ]
    return {"name": region.name, "places": places}


def parse_regions(entries: Any, path: Path) -> list[Region]:
    """The regions of a list as our own JSON has it, for any picture or video.

    Args:
        entries: of the regions.
        path: of the file, for messages, and beside which masks lie.

    Raises:
        SalzooError: they are laid out otherwise, or one has no place.
    """
    try:
        return [region for held in _own_json(path, entries).values() for region in held]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise SalzooError(f"{path} is not laid out as such a file is: {one_line(error)}") from error


def region_place(shape: Shape) -> dict[str, Any]:
    """A place as our own JSON has it; a mask becomes the polygon around its pixels."""
    if isinstance(shape, Rectangle | Ellipse):
        numbers = [shape.x, shape.y, shape.width, shape.height]
        return {"rectangle" if isinstance(shape, Rectangle) else "ellipse": numbers}
    around = outline(shape) if isinstance(shape, Mask) else shape
    assert isinstance(around, Polygon)
    return {"polygon": around.parts if len(around.parts) > 1 else around.parts[0]}


def _base(name: str) -> str:
    return PureWindowsPath(name).name  # which takes both kinds of slash


def _read_json(path: Path, text: str) -> tuple[dict[str, list[Region]], list[str]]:
    """The regions, and the kinds of those that are left out."""
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        raise SalzooError(f"{path}, line {error.lineno}: it is no JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"{path} is no JSON: {one_line(error)}") from error
    try:
        if isinstance(held, dict) and "shapes" in held:
            regions, left_out = read_labelme(path, held)
            return {"": regions}, left_out
        if isinstance(held, dict) and "annotations" in held:
            return read_coco(path, held), []
        if isinstance(held, dict) and held.get("salzoo_regions") == VERSION:
            return _own_json(path, held["regions"]), []
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise SalzooError(f"{path} is not laid out as such a file is: {one_line(error)}") from error
    raise SalzooError(
        f"{path} is no file of regions: ours begin with {{\"salzoo_regions\": {VERSION}; LabelMe's have shapes, COCO's "
        "annotations"
    )


def _own_json(path: Path, entries: Any) -> dict[str, list[Region]]:
    regions: dict[str, list[Region]] = {}
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("name") or "")
        if not name:
            raise SalzooError(f"{path}: region {number} has no name")
        with_places = entry.get("places")
        where = f"{path}: region {name!r}"
        if with_places is None:
            region = Region(name, (_json_shape(path, entry, where),))
        else:
            shapes = [None if each.get("absent") is True else _json_shape(path, each, where) for each in with_places]
            times = [check_number(each.get("time"), f"{where}: time") for each in with_places]
            region = _region(path, name, shapes, times)
        regions.setdefault(str(entry.get("file") or ""), []).append(region)
    return regions


def _json_shape(path: Path, entry: dict[str, Any], where: str) -> Shape:
    kinds = [kind for kind in ("rectangle", "ellipse", "polygon", "mask") if kind in entry]
    if len(kinds) != 1:
        raise SalzooError(f"{where} has {'no' if not kinds else 'more than one'} of rectangle, ellipse, polygon, mask")
    value = entry[kinds[0]]
    if kinds[0] == "mask":
        return _read_mask(path, str(value), where)
    if kinds[0] == "polygon":
        return polygon(value if isinstance(value[0][0], list) else [value], where)
    x, y, width, height = value
    return box(Rectangle if kinds[0] == "rectangle" else Ellipse, (x, y, width, height), where)


def _read_csv(path: Path, text: str) -> dict[str, list[Region]]:
    reader = csv.reader(text.splitlines())
    rows: dict[tuple[str, str], list[tuple[int, Shape | None, float | None]]] = {}
    masks: dict[str, Mask] = {}
    try:
        header = [each.strip() for each in next(reader, [])]
        unknown = [each for each in header if each not in _COLUMNS]
        if "name" not in header or unknown or len(set(header)) < len(header):
            raise SalzooError(
                f"{path}, line 1: {f'no column is called {unknown[0]!r}' if unknown else 'a column name is needed'}; "
                f"columns are {', '.join(_COLUMNS)}"
            )
        for values in reader:
            if not any(values):
                continue
            where = f"{path}, line {reader.line_num}"
            row = {key: value.strip() for key, value in zip(header, values, strict=False)}
            if len(values) > len(header) or not row.get("name"):
                raise SalzooError(
                    f"{where}: no name" if row.get("name") == "" else f"{where}: more values than columns"
                )
            time = check_number(row["time"], f"{where}: time") if row.get("time") else None
            shape = _csv_shape(path, row, where, masks)
            if shape is None and time is None:
                raise SalzooError(f"{where}: {row['name']!r} has no place; give x, y, width and height, or points")
            rows.setdefault((row.get("file", ""), row["name"]), []).append((reader.line_num, shape, time))
    except csv.Error as error:
        raise SalzooError(f"{path}, line {reader.line_num}: {one_line(error)}") from error
    regions: dict[str, list[Region]] = {}
    for (file, name), places in rows.items():
        regions.setdefault(file, []).append(_csv_region(path, name, places))
    return regions


def _csv_region(path: Path, name: str, places: list[tuple[int, Shape | None, float | None]]) -> Region:
    """The lines of one name."""
    line, shape, time = places[0]
    if len(places) == 1 and time is None:
        return Region(name, (shape,))
    for line, _, time in places:
        if time is None:
            raise SalzooError(f"{path}, line {line}: the name {name!r} is taken; a region that moves has times")
    times = [float(time) for _, _, time in places if time is not None]
    return _region(path, name, [shape for _, shape, _ in places], times)


def _region(path: Path, name: str, shapes: list[Shape | None], times: list[float]) -> Region:
    try:
        return Region(name, tuple(shapes), tuple(times))
    except SalzooError as error:
        raise SalzooError(f"{path}: {error}") from error


def _csv_shape(path: Path, row: dict[str, str], where: str, masks: dict[str, Mask]) -> Shape | None:
    numbers = [row.get(each, "") for each in _RECTANGLE]
    given = [any(numbers), bool(row.get("points")), bool(row.get("mask"))]
    kind = row.get("shape") or ("rectangle" if given[0] else "polygon")
    if sum(given) > 1:
        raise SalzooError(f"{where}: it has several of a rectangle, points and a mask")
    if kind not in ("rectangle", "ellipse", "polygon", "mask"):
        raise SalzooError(f"{where}: the shape {kind!r} is none of rectangle, ellipse, polygon, mask")
    if given[1]:
        values = row["points"].replace(",", " ").replace(";", " ").split()
        if len(values) % 2:
            raise SalzooError(f"{where}: points are pairs x y, and there are {len(values)} numbers")
        return polygon([list(zip(values[::2], values[1::2], strict=True))], where)
    if given[2]:
        if row["mask"] not in masks:
            masks[row["mask"]] = _read_mask(path, row["mask"], where)
        return masks[row["mask"]]
    if not given[0]:
        return None
    missing = [name for name, value in zip(_RECTANGLE, numbers, strict=True) if not value]
    if missing:
        raise SalzooError(f"{where}: no {', '.join(missing)}")
    return box(Ellipse if kind == "ellipse" else Rectangle, tuple(numbers), where)


def _read_mask(path: Path, name: str, where: str) -> Mask:
    """A mask beside the file of regions: a grey image, white where the region is."""
    if Path(name).is_absolute() or ".." in Path(name).parts:  # whoever made the file may not be who reads it
        raise SalzooError(f"{where}: the mask {name!r} must lie beside the file of regions, or below")
    pixels = read_image(path.parent / name, grey=True) > 127
    if not pixels.any():
        raise SalzooError(f"{where}: {name} is black everywhere, so that the region has no area")
    return mask_of(np.asarray(pixels))
