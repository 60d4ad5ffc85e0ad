"""What the records of photographs have in common: each is a video of one frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salzoo.interfaces.errors import SalzooError
from salzoo.video.pictures import read_image


@dataclass(frozen=True)
class Still:
    """An image as a video of one frame; see ``salzoo.interfaces.dataset.Video``.

    Attributes:
        image: the file; its name without ending is the id, and the name of its frame too.
        split: "train", "val" or "test".
    """

    image: Path
    split: str

    @property
    def id(self) -> str:
        return self.image.stem

    @property
    def frames(self) -> int:
        return 1

    def frame_name(self, index: int) -> str:
        return self.id

    def read_frames(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
        if range(1)[start:stop]:
            yield read_image(self.image)

    def _check_index(self, index: int) -> None:
        if index != 0:
            raise SalzooError(f"image {self.id} has one frame, 0, and no frame {index}")
