"""salzoo: a zoo of visual-saliency models for video and images.

    import salzoo

    model = salzoo.create_model("salgan+ema@61")     # a spec names a model
    model = salzoo.load_model("runs/my-run")         # a checkpoint folder
    salzoo.list_models("*ema*")

Names load on first use: ``import salzoo`` imports neither torch nor OpenCV.
"""

import importlib
from typing import TYPE_CHECKING, Any

from salzoo.version import __version__ as __version__

if TYPE_CHECKING:
    from salzoo import datasets as datasets
    from salzoo import interfaces as interfaces
    from salzoo import metrics as metrics
    from salzoo.data import open_dataset as open_dataset
    from salzoo.evaluation.models import evaluate as evaluate
    from salzoo.evaluation.tasks import Scoring as Scoring
    from salzoo.hub.cards import list_models as list_models
    from salzoo.hub.sources import load_model as load_model
    from salzoo.interfaces.errors import SalzooError as SalzooError
    from salzoo.model import SaliencyModel as SaliencyModel
    from salzoo.model import create_model as create_model
    from salzoo.prediction.corpus import predict_corpus as predict_corpus
    from salzoo.prediction.engines.engine import RunOptions as RunOptions
    from salzoo.prediction.preview import show as show
    from salzoo.prediction.runner import predict as predict
    from salzoo.prediction.runner import predict_frames as predict_frames
    from salzoo.training.session import Session as Session
    from salzoo.training.starting import train as train

_HOMES = {
    "RunOptions": "salzoo.prediction.engines.engine",
    "SaliencyModel": "salzoo.model",
    "SalzooError": "salzoo.interfaces.errors",
    "Scoring": "salzoo.evaluation.tasks",
    "Session": "salzoo.training.session",
    "create_model": "salzoo.model",
    "evaluate": "salzoo.evaluation.models",
    "list_models": "salzoo.hub.cards",
    "load_model": "salzoo.hub.sources",
    "open_dataset": "salzoo.data",
    "predict": "salzoo.prediction.runner",
    "predict_corpus": "salzoo.prediction.corpus",
    "predict_frames": "salzoo.prediction.runner",
    "show": "salzoo.prediction.preview",
    "train": "salzoo.training.starting",
}
__all__ = sorted(_HOMES)
_ROOMS = ("datasets", "interfaces", "metrics")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"salzoo.{name}")
    raise AttributeError(f"module 'salzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__, *_ROOMS})
