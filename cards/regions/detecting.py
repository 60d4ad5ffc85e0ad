"""Boxes as people draw them, for fitting and judging: round faces and objects, by two small published detectors.

Neither detector ships, and nothing but ``fitting`` asks for them:

- YuNet (Wu et al., "YuNet: A tiny millisecond-level face detector", 2023; Apache-2.0): ``onnx/yunet_n_dynamic.onnx`` of
  ShiqiYu/libfacedetection.train, commit 0047ac24afb1a50a0c6105001c89d1b5b805dbf1;
- FastestDet (BSD-3): ``example/onnx-runtime/FastestDet.onnx`` of dog-qiuqiu/FastestDet, commit
  50473cd155cb088aa4a99e64ff6a4b3c24fa07e1, trained on the 80 classes of COCO.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError, one_line

FACE, OBJECT = 0.7, 0.55
"""Least scores."""

OVERLAP = 0.45
"""Intersection over union from which the weaker of two boxes of a kind is dropped."""

SIDE = 352
"""Of the square that FastestDet sees."""


class Detector:
    """Both detectors, ready.

    Args:
        faces, objects: the two ONNX files.

    Raises SalzooError for a file that is not there, or is no such network.
    """

    def __init__(self, faces: Path, objects: Path) -> None:
        for path in (faces, objects):
            if not path.is_file():
                raise SalzooError(f"{path} does not exist: it is a detector's ONNX file")
        try:
            self.faces = cv2.FaceDetectorYN.create(str(faces), "", (320, 320), FACE, 0.3, 500)
            self.objects = cv2.dnn.readNetFromONNX(str(objects))
        except cv2.error as error:
            raise SalzooError(f"{faces} or {objects} is no detector that can be read: {one_line(error)}") from error

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Faces and objects in a picture (H, W, 3), BGR: (n, 4) left, top, width and height in pixels within it."""
        height, width = image.shape[:2]
        boxes = np.concatenate([self._faces(image), self._objects(image)])
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
        corners = np.clip(corners, 0, (width, height, width, height))
        sides = corners[:, 2:] - corners[:, :2]
        return np.asarray(np.concatenate([corners[:, :2], sides], 1)[(sides >= 4).all(1)])

    def _faces(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        self.faces.setInputSize((image.shape[1], image.shape[0]))
        _, found = self.faces.detect(image)
        return np.zeros((0, 4)) if found is None else np.asarray(found, np.float64)[:, :4]

    def _objects(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Cells of (objectness, x, y, width, height, classes…), decoded as the authors' own example does."""
        height, width = image.shape[:2]
        square = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self.objects.setInput(cv2.dnn.blobFromImage(square, 1 / 255))
        cells = self.objects.forward()[0].astype(np.float64)  # (85, 22, 22)
        rows, columns = np.indices(cells.shape[1:])
        scores = cells[0] ** 0.6 * cells[5:].max(0) ** 0.4
        sure = scores > OBJECT
        centre = np.stack(
            [(columns + np.tanh(cells[1])) / cells.shape[2], (rows + np.tanh(cells[2])) / cells.shape[1]], -1
        )
        sides = 1 / (1 + np.exp(-np.stack([cells[3], cells[4]], -1)))
        boxes = np.concatenate([centre - sides / 2, sides], -1)[sure] * (width, height, width, height)
        kept = cv2.dnn.NMSBoxesBatched(boxes, scores[sure], cells[5:].argmax(0)[sure], OBJECT, OVERLAP)
        return np.asarray(boxes[np.asarray(kept, int).reshape(-1)])


def random_boxes(drawn: NDArray[np.float64], size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """For each drawn box one of like size and shape, and three of 3 to 50 % of the frame's sides, anywhere: (n, 4)."""
    height, width = size
    like = drawn[:, 2:] * np.exp(rng.normal(0, 0.5, (len(drawn), 1)) + rng.normal(0, 0.3, (len(drawn), 2)))
    any_size = np.exp(rng.uniform(np.log(0.03), np.log(0.5), (3, 1)) + rng.normal(0, 0.3, (3, 2))) * (width, height)
    sides = np.clip(np.concatenate([like, any_size]), 4, (0.95 * width, 0.95 * height))
    corner = rng.uniform(0, 1, (len(sides), 2)) * ((width, height) - sides)
    return np.concatenate([corner, sides], 1)
