"""How a package says what the file of its network's authors holds."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedWeights:
    """What a file of published weights calls the tensors of a model.

    ``salzoo convert`` reads the file, which is data alone: no code of it or of the package runs. What is registered
    with ``register_converters`` is the declaration itself, not a function.

    Attributes:
        spec: the model that the file gives.
        names: how the beginning of a key in the file is to read in the model's state dict; of several that fit, the
            first. A whole key may stand there too. DataParallel's prefix ``module.`` is left out before.
        wrapper: the entry of the file that holds the tensors; where there is none, "state_dict" or the file itself.
        ignored: globs of keys that the model has no use for.
        trained_on: the data sets that the authors state they trained it on ("DHF1K"); none where they do not say.
    """

    spec: str
    names: Mapping[str, str]
    wrapper: str = ""
    ignored: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()

    def rename(self, key: str) -> str | None:
        """What the model calls a tensor of the file, None for one that is not the model's.

        >>> PublishedWeights("net", {"encoder.0.": "backbone.stem."}).rename("module.encoder.0.weight")
        'backbone.stem.weight'
        """
        key = key.removeprefix("module.")
        return next((new + key[len(old) :] for old, new in self.names.items() if key.startswith(old)), None)
