"""What a backbone implements: a numbered list of layers on frames."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from salzoo.interfaces.errors import SalzooError

Link = int | tuple[int, int]
"""What a layer reads besides the chain: position j (the output of layer j, after the temporal module there), or
(j, k): side output k of layer j, which no temporal module filters."""


@dataclass(frozen=True)
class Layer:
    """One layer of a backbone.

    Attributes:
        name: what the layer is called in the literature ("conv1_1").
        module: called as ``module(x, *links)`` on frames (N, C, H, W). It returns a tensor, or a tensor and a tuple of
            side outputs. It must not change its input in place, keep anything between calls or mix frames.
        channels: channels of the tensor that it returns.
        stride: height of the model's input over height of that tensor.
        links: what it reads besides the layer before it.
        key: the module's name in the state dict; its index when empty.
        temporal: a temporal module of the network's own that wraps the layer, as one of a spec would: a ``Window`` for
            a layer that convolves over time, a recurrent cell. Its weights are the backbone's, under the layer's key
            and ``_temporal``. See ``TemporalModule`` for the attributes ``always`` and ``length``.
    """

    name: str
    module: nn.Module
    channels: int
    stride: int
    links: tuple[Link, ...] = ()
    key: str = ""
    temporal: nn.Module | None = None


Output = Literal["map", "density", "log-density"]
"""What a network gives: a map in [0, 1]; a density, positive and summing to one over each frame's pixels, as a softmax
gives it; or the logarithm of one."""

Interpolation = Literal[
    "opencv-area", "opencv-linear", "opencv-linear-float", "opencv-cubic", "opencv-lanczos",
    "pil-bilinear", "pil-bicubic", "pil-lanczos",
]  # fmt: skip
"""How frames are resized. OpenCV's do not smooth where they shrink, but for area; Pillow's always do. The one on floats
does not round its result: it is PyTorch's ``interpolate(mode="bilinear")`` without antialiasing."""

Fit = Literal["stretch", "pad", "nearest"]


@dataclass(frozen=True)
class Preprocessing:
    """From a decoded frame (H, W, 3), uint8, BGR, to a model's input.

    Attributes:
        size: (height, width) that frames are resized to.
        channel_order: order of the input's channels.
        mean, std: in that order, on the scale 0–255: input = (value − mean) / std.
        fixed_size: the one (height, width) that the network runs at, if it has one. Clips of any other size are
            resized to it, and the maps back.
        interpolation: how they are resized.
        fit: what becomes of a frame's proportions: it is stretched to ``size``; or resized to fit into it, with black
            margins of which the maps are freed again ("pad"); or stretched to the one of ``sizes`` whose height over
            width is nearest to its own, by ratio ("nearest"). Training stretches to ``size``.
        sizes: what "nearest" chooses from, the first of those that are equally near.
    """

    size: tuple[int, int]
    channel_order: Literal["bgr", "rgb"] = "bgr"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fixed_size: tuple[int, int] | None = None
    interpolation: Interpolation = "opencv-area"
    fit: Fit = "stretch"
    sizes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Finishing:
    """What a network's authors do to its maps once these have the frame's size; prediction and evaluation do it too,
    exported programs do not.

    Attributes:
        blur: width of a Gaussian kernel in pixels of the frame, odd; 1 for none.
        sigma: its standard deviation in pixels; 0 for what OpenCV takes for a kernel so wide, 0.15·blur + 0.35.
    """

    blur: int = 1
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.blur < 1 or self.blur % 2 == 0 or not 0 <= self.sigma < math.inf:
            raise ValueError(f"a kernel is of odd width, not {self.blur}, and its sigma from 0, not {self.sigma}")


class Backbone(nn.Module):
    """A list of layers 0..L−1 in evaluation order, with what the zoo needs to know about them.

    A factory registered as a backbone, ``backbone(*, **params)``, returns one. It is composed into a
    ``salzoo.model.SaliencyModel``, which runs the layers; the last must give one channel at the input's size, of the
    kind that ``output`` states.

    Args:
        layers: the layers. Layer i reads the output of layer i−1 (layer 0: frames) and what its links name.
        landmarks: positions with a name. ``bottleneck`` is the first decoder layer, ``output`` the last layer; a
            backbone without a decoder has ``output`` alone.
        preprocessing: what the input must be.
        training_free: whether it works as it is, without weights.
        output: what the last layer gives.
        finishing: what is done to maps at the frame's size.

    Attributes:
        sources: the data sets, by registered name, for which some of its layers differ (UNISAL's normalisation; Droste
            et al., ECCV 2020). A parameter of the factory names the one that a model is used as; its weights are those
            of all.

    The factory must also work under ``torch.device("meta")``, and the layers on meta tensors: shapes are checked
    and described that way, without memory or arithmetic.
    """

    sources: tuple[str, ...] = ()

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        landmarks: Mapping[str, int],
        preprocessing: Preprocessing,
        training_free: bool = False,
        output: Output = "map",
        finishing: Finishing = Finishing(),
    ) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.landmarks = dict(landmarks)
        self.preprocessing = preprocessing
        self.training_free = training_free
        self.output: Output = output
        self.finishing = finishing
        keys = [layer.key or str(index) for index, layer in enumerate(self.layers)]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"two layers have the key {twice!r}: their weights would share names")
        for index, layer in enumerate(self.layers):
            self.add_module(layer.key or str(index), layer.module)
            if layer.temporal is not None:
                self.add_module(f"{layer.key or index}_temporal", layer.temporal)
            for link in layer.links:
                source = link if isinstance(link, int) else link[0]
                if not 0 <= source < index:
                    raise ValueError(f"layer {index} ({layer.name}) links to {source}, which is not before it")
        for landmark, position in self.landmarks.items():
            if not 0 <= position <= len(self.layers):
                raise ValueError(f"landmark {landmark} lies at {position}, outside 0..{len(self.layers)}")

    def load_imagenet(self) -> str:
        """Take over weights pretrained on ImageNet, downloading them where they are not cached, and say where they
        came from.

        A backbone that has some overrides this. Raises SalzooError where it has none, or they are out of reach.
        """
        raise SalzooError("this backbone has no ImageNet weights: start from nothing (--init random) or from a model")

    def select_source(self, source: str | None) -> None:
        """Be, until the next call, the network of one of ``sources``; None is the one that the factory was asked for.

        Training on several data sets calls it before each batch, and with None before anything else is done. A backbone
        with ``sources`` overrides this.
        """

    @property
    def stride(self) -> int:
        """The largest stride of a layer: sizes that it divides run without padding."""
        return max(layer.stride for layer in self.layers)

    def channels_into(self, position: int) -> int:
        """Channels of the chain that enter a position 0..L (3 at 0: the frame)."""
        return self.layers[position - 1].channels if position else 3

    def channels_out_of(self, position: int) -> int:
        """Channels of the chain that leave a position 0..L (at L, those that enter it)."""
        return self.layers[min(position, len(self.layers) - 1)].channels
