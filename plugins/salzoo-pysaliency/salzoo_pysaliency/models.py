"""A salzoo model as a pysaliency model, with log densities or as a saliency map."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salzoo import SaliencyModel, load_model
from salzoo.interfaces import SalzooError
from salzoo.metrics import log_density

try:
    from pysaliency import FixationTrains, Model, SaliencyMapModel, Stimuli
except ImportError as error:
    raise SalzooError(
        "this needs pysaliency, in an environment of its own: pip install 'salzoo-pysaliency[pysaliency]'"
    ) from error


__all__ = ["FixationTrains", "Model", "SalzooModel", "SalzooSaliencyMapModel", "Stimuli", "predict_map"]


class SalzooModel(Model):  # type: ignore[misc]
    """A salzoo model as a probabilistic one: the natural logarithm of a density that sums to one over the stimulus.

    Args:
        model: what ``salzoo.load_model`` takes, or a model.
    """

    def __init__(self, model: str | SaliencyModel, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = load_model(model) if isinstance(model, str) else model

    def _log_density(self, stimulus: NDArray[Any]) -> NDArray[np.float64]:
        return log_density(predict_map(self.model, stimulus))


class SalzooSaliencyMapModel(SaliencyMapModel):  # type: ignore[misc]
    """A salzoo model as one of saliency maps: values in [0, 1] as the model gives them.

    Args:
        model: what ``salzoo.load_model`` takes, or a model.
    """

    def __init__(self, model: str | SaliencyModel, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = load_model(model) if isinstance(model, str) else model

    def _saliency_map(self, stimulus: NDArray[Any]) -> NDArray[np.float32]:
        return predict_map(self.model, stimulus)


def predict_map(model: SaliencyModel, stimulus: NDArray[Any]) -> NDArray[np.float32]:
    """The map of a stimulus, (H, W) grey or (H, W, 3) RGB, of 8 bits."""
    picture = np.asarray(stimulus)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, 2)
    return np.asarray(model.predict(picture[..., :3], order="rgb"), np.float32)
