"""The names of engines and precisions. Imports nothing, so that commands can offer them without loading torch."""

from typing import Literal, get_args

EngineName = Literal["torch", "onnx", "openvino"]
Precision = Literal["float32", "bfloat16", "float16"]

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
