"""Pictures and video as data URIs, which HTML holds within itself."""

import base64
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray


def data_uri(kind: Literal["image/jpeg", "video/mp4"], data: bytes) -> str:
    """The bytes of a file as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def picture_uri(image: NDArray[np.uint8]) -> str:
    """A picture, (H, W, 3) uint8 BGR, as a data URI that holds a JPEG."""
    return data_uri("image/jpeg", cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes())
