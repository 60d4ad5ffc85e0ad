"""Where a temporal module is tried out."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from salzoo.interfaces import Backbone, SalzooError
from salzoo.model import SaliencyModel, create_model
from salzoo.testing.composing import SmallUNet, check_size, compose, make_clip
from salzoo.testing.report import FaultError, describe, require

CHAIN = "salgan:width=0.05"
PLACES: tuple[tuple[str, Callable[[], Backbone], tuple[int, ...]], ...] = (
    (CHAIN, lambda: create_model(CHAIN).backbone, (30, 61)),
    ("a small U-Net", SmallUNet, (3, 0, 4, 7, 8)),
)
"""Backbones and positions: the chain's where SalEMA's papers put their modules, and in a network with links and side
outputs the bottleneck, the first layer, one inside the decoder, the last, and the place after it."""


@dataclass(frozen=True)
class Placed:
    """A module where it fits: in words, with the model around it (weights drawn, evaluation mode, float32)."""

    where: str
    model: SaliencyModel


@dataclass(frozen=True)
class Subject:
    """A module's factory, and the places where it fits: the first is at the bottleneck if it fits there."""

    factory: Callable[..., nn.Module]
    places: tuple[Placed, ...]

    @property
    def model(self) -> SaliencyModel:
        """A fresh copy of the first place's model."""
        return copy.deepcopy(self.places[0].model)


def find_places(factory: Callable[..., nn.Module]) -> Iterator[Placed]:
    """Every place where a module fits; a SalzooError is its way to say that it does not fit somewhere.

    Raises FaultError where making or running it raises anything else, and where it fits nowhere.
    """
    refusals = []
    places = [(name, make, position) for name, make, positions in PLACES for position in positions]
    for name, make_backbone, position in places:
        backbone = make_backbone()
        channels = backbone.channels_into(position), backbone.channels_out_of(position)
        where = f"position {position} of {name}"
        try:
            check_size(factory, "the module", *channels)
            torch.manual_seed(0)
            module = factory(*channels)
            if not isinstance(module, nn.Module):
                raise FaultError(f"the factory gave a {type(module).__name__}, not a torch module")
            acts_on = getattr(module, "acts_on", "both")
            require(
                acts_on in ("input", "output", "both"),
                f"acts_on is {acts_on!r}; it must be 'input', 'output' or 'both'",
            )
            module.register_forward_hook(_check_result)
            model = compose(backbone, {position: module}).at_rate(25)
            with torch.no_grad():
                model(make_clip(model, 1, 2))
        except SalzooError as error:
            refusals.append(str(error))
            continue
        except FaultError:
            raise
        except Exception as error:
            raise FaultError(
                f"at {where}, with {channels[0]} channels in and {channels[1]} out, {describe(error)}; where a module "
                "does not fit, its factory or forward raises SalzooError"
            ) from error
        yield Placed(where, model)
    if len(refusals) == len(places):
        raise FaultError(f"it fits nowhere; its first message: {refusals[0]}")


def _check_result(_module: nn.Module, _inputs: object, result: object) -> None:
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], torch.Tensor)):
        raise FaultError(f"forward must return the clip and the state, (y, state), not a {type(result).__name__}")
    if result[0].dim() != 5:
        raise FaultError(f"forward returned a clip of shape {tuple(result[0].shape)}; it must be (B, T, C, H, W)")
