"""What a plug-in implements. This room imports nothing else of salzoo; names load on first use, so that code which
needs none of torch stays free of it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salzoo.interfaces.backbone import Backbone, Finishing, Fit, Interpolation, Layer, Link, Output, Preprocessing
    from salzoo.interfaces.dataset import (
        Dataset,
        DatasetFactory,
        DensityVideo,
        FixationVideo,
        GazeVideo,
        Video,
        ViewedVideo,
        Viewing,
    )
    from salzoo.interfaces.errors import SalzooError
    from salzoo.interfaces.metric import Metric, Truth
    from salzoo.interfaces.packaged import match_in_order, packaged_file, packaged_tensors
    from salzoo.interfaces.published import PublishedWeights
    from salzoo.interfaces.temporal import (
        LayerCall,
        State,
        TemporalModule,
        Window,
        map_state,
        reset_slots,
        state_tensors,
    )

__all__ = [
    "Backbone",
    "Dataset",
    "DatasetFactory",
    "DensityVideo",
    "Finishing",
    "Fit",
    "FixationVideo",
    "GazeVideo",
    "Interpolation",
    "Layer",
    "LayerCall",
    "Link",
    "Metric",
    "Output",
    "Preprocessing",
    "PublishedWeights",
    "SalzooError",
    "State",
    "TemporalModule",
    "Truth",
    "Video",
    "ViewedVideo",
    "Viewing",
    "Window",
    "map_state",
    "match_in_order",
    "packaged_file",
    "packaged_tensors",
    "reset_slots",
    "state_tensors",
]

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


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
