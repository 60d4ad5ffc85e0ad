"""What a temporal module must keep: streaming, causality, state, batches, gradients, precision, sizes."""

from collections.abc import Callable

from torch import nn

from salzoo.testing.composing import check_signature, find_factory
from salzoo.testing.placing import Subject, find_places
from salzoo.testing.report import Report, Suite
from salzoo.testing.temporal_checks import CHECKS


def check_temporal(module: str | Callable[..., nn.Module], **params: bool | int | float | str) -> Report:
    """Check a temporal module at several positions of several backbones.

    Args:
        module: a registered component ("convgru:hidden=8"), or the factory itself: ``temporal(in_channels,
            out_channels, **params)``.
        params: parameters for the factory.

    Returns:
        What was checked. Raises ConformanceError with every finding when something failed.
    """
    return temporal_suite(module, **params).enforce()


def temporal_suite(module: str | Callable[..., nn.Module], **params: bool | int | float | str) -> Suite[Subject]:
    """The checks of ``check_temporal``, to be run one by one: its ``cases()`` are for ``pytest.mark.parametrize``."""
    name = module if isinstance(module, str) else getattr(module, "__name__", str(module))

    def make() -> Subject:
        check_signature("temporal", module)
        factory = find_factory("temporal", module, params)
        places = tuple(find_places(factory))
        return Subject(factory, places)

    return Suite("temporal module", name, make, CHECKS)
