"""SalGAN's generator (Pan et al., "SalGAN: visual saliency prediction with generative adversarial networks",
arXiv 1701.01081) as the chain of 62 layers whose indices SalEMA's paper uses (arXiv 1907.01869)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from salzoo.interfaces import Backbone, Layer, Preprocessing, SalzooError
from salzoo.runtime.network import check_at_hand

ENCODER = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of VGG-16's convolutions; a 2×2 max pool follows each of the first four groups."""

DECODER = ((512, 512, 512), (512, 512, 512), (256, 256, 256), (128, 128), (64, 64))
"""Channels of the decoder's convolutions; nearest upsampling follows each of the first four groups."""


class SalGAN(Backbone):
    """62 layers: VGG-16 up to the ReLU after conv5_3 (29), then the decoder (30–60) and a sigmoid (61).

    Input: BGR, 0–255, minus the VGG mean, 192×256. Every other size works; strides go up to 16. All convolutions are
    3×3 with padding 1 but the last, which is 1×1. 31,787,009 parameters at full width.

    Args:
        width: factor on every number of channels but the input's and the output's. Indices do not change.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        if not 0 < width <= 8:
            raise SalzooError(f"salgan: width must lie in (0, 8], not {width}")
        layers: list[Layer] = []
        channels, stride = 3, 1

        def add(name: str, module: nn.Module) -> None:
            layers.append(Layer(name, module, channels, stride))

        for group, counts in enumerate(ENCODER + DECODER, start=1):
            for number, count in enumerate(counts, start=1):
                incoming, channels = channels, max(1, round(count * width))
                add(f"conv{group}_{number}", nn.Conv2d(incoming, channels, 3, padding=1))
                add(f"relu{group}_{number}", nn.ReLU())
            if group < len(ENCODER):
                stride *= 2
                add(f"pool{group}", nn.MaxPool2d(2))
            elif len(ENCODER) < group < len(ENCODER + DECODER):
                stride //= 2
                add(f"upsample{group}", nn.Upsample(scale_factor=2))
        incoming, channels = channels, 1
        add("score", nn.Conv2d(incoming, 1, 1))
        add("sigmoid", nn.Sigmoid())

        super().__init__(
            layers,
            landmarks={"bottleneck": 30, "output": 61},
            preprocessing=Preprocessing(size=(192, 256), channel_order="bgr", mean=(103.939, 116.779, 123.68)),
        )
        for layer in layers:
            if isinstance(layer.module, nn.Conv2d):
                # PyTorch's default loses a factor 6 of variance a layer: 27 layers deep the maps would be constant.
                nn.init.kaiming_uniform_(layer.module.weight, nonlinearity="relu")
                nn.init.zeros_(layer.module.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            layers[0].module.get_parameter("weight").mul_(0.01)  # the input reaches ±128, not ±1

    def load_imagenet(self) -> str:
        """Take the encoder's weights from VGG-16 trained on ImageNet (timm's ``vgg16.tv_in1k``, from the Hub)."""
        if self.layers[0].channels != ENCODER[0][0]:
            raise SalzooError(
                "salgan has ImageNet weights at width 1 alone: use --init random, or drop width from the spec"
            )
        import timm

        try:
            check_at_hand("timm/vgg16.tv_in1k")
            vgg: Any = timm.create_model("vgg16.tv_in1k", pretrained=True, num_classes=0)
        except Exception as error:  # whatever the Hub's client and the network raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise SalzooError(
                "the ImageNet weights of VGG-16 (timm/vgg16.tv_in1k on the Hub) are out of reach; connect once so that "
                f"they are cached, or start from nothing with --init random ({reason})"
            ) from error
        self.load_vgg(vgg.state_dict(), vgg.pretrained_cfg["mean"], vgg.pretrained_cfg["std"])
        return "VGG-16 of timm, from the Hub"

    def load_vgg(self, weights: Mapping[str, Tensor], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Copy the encoder of a VGG-16 that expects RGB, (value / 255 − mean) / std.

        The first convolution is rewritten for this chain's input (BGR, 0–255 minus the VGG mean): its kernels are
        reversed in colour and divided by 255·std, and what the two means differ by goes into its bias. Features then
        agree, but for the outermost pixels: padding is zero in both, which is not quite the same colour.

        Args:
            weights: with keys "features.<index>.weight" and "….bias".
            mean, std: red, green, blue.
        """
        with torch.no_grad():
            for index in range(30):
                module = self.layers[index].module
                if isinstance(module, nn.Conv2d):
                    module.weight.copy_(weights[f"features.{index}.weight"])
                    module.get_parameter("bias").copy_(weights[f"features.{index}.bias"])
            first = self.layers[0].module
            kernel = first.get_parameter("weight") / (255 * torch.tensor(std).view(3, 1, 1))
            ours = torch.tensor(self.preprocessing.mean).flip(0)  # in the order red, green, blue
            shift = (ours - 255 * torch.tensor(mean)).view(3, 1, 1)
            first.get_parameter("bias").add_((kernel * shift).sum((1, 2, 3)))
            first.get_parameter("weight").copy_(kernel.flip(1))
