"""MATLAB files, with scipy and h5py (the extra ``mat``), and the fixation maps in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError


def load_mat(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Those of the named variables that a MATLAB file (up to version 7.2) holds.

    Raises SalzooError where the file is missing, damaged or of version 7.3, or scipy is not installed.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise SalzooError(f"reading {path} needs scipy; install it with: pip install 'salzoo[mat]'") from error
    _check_file(path)
    try:
        variables = loadmat(str(path), appendmat=False, variable_names=names)
    except NotImplementedError as error:
        raise SalzooError(f"cannot read {path}: it is of MATLAB's version 7.3; save it again with -v7") from error
    except Exception as error:  # of many types, in a damaged file
        raise SalzooError(f"cannot read {path}: the file is damaged, or not a MATLAB file") from error
    return {name: variables[name] for name in names if name in variables}


@contextmanager
def open_mat73(path: Path) -> Iterator[Any]:
    """A MATLAB file of version 7.3, which is HDF5, as an ``h5py.File``.

    Raises SalzooError where it cannot be opened or what is asked of it is not there, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise SalzooError(f"reading {path} needs h5py; install it with: pip install 'salzoo[mat]'") from error
    _check_file(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except SalzooError:
        raise
    except Exception as error:  # of many types, in a damaged file
        raise SalzooError(f"cannot read {path}: the file is damaged, or not a MATLAB file of version 7.3") from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise SalzooError(f"{path} is not a file" if path.exists() else f"{path} does not exist")


def read_mat_fixations(path: Path) -> NDArray[np.bool_]:
    """Read the fixation map of a frame: (H, W) bool.

    Two kinds of file are known. DHF1K and older SALICON files hold the map itself in a variable ``I``. SALICON files
    hold ``resolution``, the height and width, and ``gaze``, a struct array over observers whose field ``fixations``
    (the third) lists points (x, y), counted from 1.

    Raises:
        SalzooError: the file is missing or damaged, holds something else, or a fixation lies outside the image; scipy
            is not installed.
    """
    variables = load_mat(path, ("I", "gaze", "resolution"))
    if "I" in variables:
        return _map(path, variables["I"])
    if "gaze" in variables and "resolution" in variables:
        return _map_of_points(path, variables["gaze"], variables["resolution"])
    raise SalzooError(f"{path} holds no fixations: expected a variable I, or gaze and resolution")


def _map(path: Path, values: Any) -> NDArray[np.bool_]:
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size or values.dtype.kind not in "buif":
        raise SalzooError(f"the variable I of {path} is not a map of numbers")
    return np.asarray(values > 0, dtype=np.bool_)


def _map_of_points(path: Path, gaze: Any, resolution: Any) -> NDArray[np.bool_]:
    fields: tuple[str, ...] = gaze.dtype.names or ()
    field = "fixations" if "fixations" in fields else fields[2] if len(fields) > 2 else None
    if field is None:
        raise SalzooError(f"the variable gaze of {path} has no field of fixations")
    try:
        height, width = (int(value) for value in np.asarray(resolution).ravel())
        observers = [np.asarray(points, dtype=np.float64) for points in gaze[field].ravel()]
        points = np.concatenate([np.zeros((0, 2)), *(each for each in observers if each.size)])
    except (TypeError, ValueError) as error:
        raise SalzooError(f"the variables gaze and resolution of {path} are not as SALICON's") from error
    inside = (points >= 1).all(1) & (points[:, 0] < width + 1) & (points[:, 1] < height + 1)
    if not inside.all():
        x, y = points[~inside][0]
        raise SalzooError(f"{path} has a fixation at x {x:g}, y {y:g}, outside its image of {width}×{height} pixels")
    fixations = np.zeros((height, width), np.bool_)
    column, row = points.astype(np.int64).T - 1
    fixations[row, column] = True
    return fixations
