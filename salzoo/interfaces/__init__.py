"""What a plug-in implements. This room imports nothing else of salzoo; names load on first use, so that code which
needs none of torch stays free of it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salzoo.interfaces.backbone import Backbone as Backbone
    from salzoo.interfaces.backbone import Finishing as Finishing
    from salzoo.interfaces.backbone import Fit as Fit
    from salzoo.interfaces.backbone import Interpolation as Interpolation
    from salzoo.interfaces.backbone import Layer as Layer
    from salzoo.interfaces.backbone import Link as Link
    from salzoo.interfaces.backbone import Output as Output
    from salzoo.interfaces.backbone import Preprocessing as Preprocessing
    from salzoo.interfaces.dataset import Dataset as Dataset
    from salzoo.interfaces.dataset import DatasetFactory as DatasetFactory
    from salzoo.interfaces.dataset import DensityVideo as DensityVideo
    from salzoo.interfaces.dataset import FixationVideo as FixationVideo
    from salzoo.interfaces.dataset import GazeVideo as GazeVideo
    from salzoo.interfaces.dataset import Video as Video
    from salzoo.interfaces.dataset import ViewedVideo as ViewedVideo
    from salzoo.interfaces.dataset import Viewing as Viewing
    from salzoo.interfaces.errors import SalzooError as SalzooError
    from salzoo.interfaces.metric import Metric as Metric
    from salzoo.interfaces.metric import Truth as Truth
    from salzoo.interfaces.packaged import match_in_order as match_in_order
    from salzoo.interfaces.packaged import packaged_file as packaged_file
    from salzoo.interfaces.packaged import packaged_tensors as packaged_tensors
    from salzoo.interfaces.published import PublishedWeights as PublishedWeights
    from salzoo.interfaces.temporal import LayerCall as LayerCall
    from salzoo.interfaces.temporal import State as State
    from salzoo.interfaces.temporal import TemporalModule as TemporalModule
    from salzoo.interfaces.temporal import Window as Window
    from salzoo.interfaces.temporal import map_state as map_state
    from salzoo.interfaces.temporal import reset_slots as reset_slots
    from salzoo.interfaces.temporal import state_tensors as state_tensors

_MODULES = {
    "backbone": ("Backbone", "Finishing", "Fit", "Interpolation", "Layer", "Link", "Output", "Preprocessing"),
    "dataset": (
        *("Dataset", "DatasetFactory", "DensityVideo", "FixationVideo", "GazeVideo", "Video"),
        *("ViewedVideo", "Viewing"),
    ),
    "errors": ("SalzooError",),
    "metric": ("Metric", "Truth"),
    "packaged": ("match_in_order", "packaged_file", "packaged_tensors"),
    "published": ("PublishedWeights",),
    "temporal": ("LayerCall", "State", "TemporalModule", "Window", "map_state", "reset_slots", "state_tensors"),
}

__all__ = sorted(name for names in _MODULES.values() for name in names)


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
