"""Recipes: how a model is trained. Small TOML files ship with salzoo (``salzoo recipes``); values can be overridden.

>>> load_recipe("salema").lr
1e-06
>>> override(load_recipe("salema"), {"lr": 1e-5, "flip": 0.5}).lr
1e-05
"""

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.plugins import registry
from salzoo.registry import did_you_mean
from salzoo.runtime.files import read_text
from salzoo.spec import Spec
from salzoo.training.losses import parse_loss

LENGTH = ("epochs", "frames", "minutes")
"""Values of a recipe that say how long a run is: they may change when it is resumed."""

Optimizer = Literal["adam", "adamw", "sgd", "nesterov", "adagrad"]
Schedule = Literal["constant", "cosine", "plateau", "from-scratch", "steps", "exponential"]
Score = Literal["auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig"]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the spec and the data. The run folder records it.

    Attributes:
        name, summary, source: what it is called, what it does, and where its values come from.
        init: initial weights: "random", "imagenet", or a model whose backbone is taken; empty where it must be named.
        epochs: passes over the training videos.
        frames: end after so many, wherever the epoch stands; 0 for no limit.
        minutes: end after so many, wherever the epoch stands; 0 for no limit.
        size: (height, width) of the model's input; empty for the model's own.
        clip_length: frames of a clip: what a step sees, and how far gradients reach back in time.
        windows: clips are random windows, one of each video in an epoch, instead of following one another.
        primes: of a window, the first so many frames prime the model: nothing is learned from their maps.
        step: video frames from one frame of a window to the next.
        batch: videos side by side, on each rank.
        accumulate: batches whose gradients make one step.
        shuffle: take the videos in random order, another in every epoch.
        stills: share of the run, from its start, that sees single frames in random order instead of clips.
        still_batch: frames in a batch meanwhile, on each rank.
        still_every: frames from one still to the next of a video; in an epoch the first is drawn among these.
        drop_last: leave out a last batch of stills that is not full.
        bypass: stills pass by the temporal modules.
        target: a density map is scaled to the range 0 to 1 ("range"), or divided by 255 ("255").
        flip, zoom, jitter: augmentation (``salzoo.training.augmentation.Augmentation``), alike for a whole video.
        loss: names and weights, such as "kld,cc=-0.1,nss=-0.1" (``salzoo.training.losses``).
        optimizer: adam, adamw, sgd, nesterov, or adagrad.
        lr: its learning rate.
        encoder_rate: factor on it for the layers before the bottleneck, where the backbone has one.
        encoder_decay: factor on the weight decay, likewise.
        alpha_lr: that of learned EMA weights (``temporal.*.alpha``), which get no weight decay.
        momentum: of sgd and nesterov.
        weight_decay: on the backbone; on temporal modules too with adamw.
        frame_mean: the loss is the mean over the frames of a clip, not their sum.
        clip_norm: the gradient's norm is clipped at this times the frames of the clip (with ``frame_mean`` at this); 0
            for never.
        batch_norm: "frozen", or with the statistics of each batch: "decoder" for the layers from the bottleneck on,
            "train" for all. Then a batch must hold different videos, in full batches of windows or stills, and each
            time step is run by itself, so that frames of a video are not mixed.
        schedule: of the learning rates (``salzoo.training.schedules``).
        drops: of the schedule "steps": shares of the run after which the rates are a tenth.
        decay: of the schedule "exponential": factor on the rates with each epoch.
        warm_up: steps over which they rise.
        freeze: globs of parameters that stay as they are.
        thaw: for each epoch from the first, globs of the parameters that join the training; all of them from the last.
        average: decay of the moving average of the weights that is saved and scored; 0 for none.
        precision: "float32", "bfloat16" (layers under autocast), or "auto": bfloat16 where the device computes in it.
        checkpoint_activations: compute activations again in the backward pass instead of keeping them.
        validate: epochs from one validation to the next; 0 for one at the end alone.
        score_frames: frames of each validation video that it scores; 0 for all.
        best: the score by which the best checkpoint is kept.
        save_every: steps after which the state is saved; at the end of an epoch always.
        seed: of weights, dropout, order and augmentation.
    """

    name: str
    summary: str
    source: str
    init: str = "imagenet"
    epochs: int = 7
    frames: int = 0
    minutes: float = 0.0
    size: tuple[int, ...] = ()
    clip_length: int = 10
    windows: bool = False
    primes: int = 0
    step: int = 1
    batch: int = 1
    accumulate: int = 1
    shuffle: bool = False
    stills: float = 0.0
    still_batch: int = 4
    still_every: int = 10
    drop_last: bool = False
    bypass: bool = False
    target: Literal["range", "255"] = "range"
    flip: float = 0.0
    zoom: float = 1.0
    jitter: float = 0.0
    loss: str = "bce"
    optimizer: Optimizer = "adam"
    lr: float = 1e-6
    encoder_rate: float = 1.0
    encoder_decay: float = 1.0
    alpha_lr: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    frame_mean: bool = False
    clip_norm: float = 0.0
    batch_norm: Literal["frozen", "decoder", "train"] = "frozen"
    schedule: Schedule = "constant"
    drops: tuple[float, ...] = ()
    decay: float = 1.0
    warm_up: int = 0
    freeze: tuple[str, ...] = ()
    thaw: tuple[tuple[str, ...], ...] = ()
    average: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    checkpoint_activations: bool = False
    validate: int = 1
    score_frames: int = 50
    best: Score = "nss"
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                between = f"between {low:g} and {high:g}" if high == 1 else None
                limits = between or (f"at least {low:g}" if value < low else f"at most {high:g}")
                raise SalzooError(f"recipe {self.name}: {name} must be {limits}, not {value:g}")
        if self.optimizer == "nesterov" and not self.momentum:
            raise SalzooError(f"recipe {self.name}: nesterov needs a momentum above 0, such as momentum=0.9")
        if self.size and (len(self.size) != 2 or not 1 <= min(self.size) <= max(self.size) <= 2**16):
            raise SalzooError(f"recipe {self.name}: size must be a height and a width, not {list(self.size)}")
        if self.primes and not (self.windows and self.primes < self.clip_length):
            raise SalzooError(f"recipe {self.name}: primes must be fewer than clip_length, and go with windows=true")
        varied = (self.windows and self.batch > 1) or (self.stills == 1 and self.still_batch > 1 and self.drop_last)
        if self.batch_norm != "frozen" and not varied:
            raise SalzooError(
                f"recipe {self.name}: batch_norm={self.batch_norm} needs full batches of different videos: "
                "windows=true with a batch from 2, or stills alone (stills=1) with drop_last=true"
            )
        parse_loss(self.loss)

    @property
    def losses(self) -> dict[str, float]:
        """Weights of the losses by name."""
        return parse_loss(self.loss)


_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("epochs", "clip_length", "batch", "accumulate", "still_batch"), (1, 10**6)),
    **dict.fromkeys(("still_every", "save_every"), (1, 10**9)),
    **dict.fromkeys(("warm_up", "validate", "score_frames"), (0, 10**9)),
    **dict.fromkeys(("lr", "encoder_rate", "encoder_decay", "alpha_lr", "weight_decay"), (0, 1000)),
    "primes": (0, 10**6),
    "step": (1, 10**6),
    "decay": (0, 1),
    **dict.fromkeys(("stills", "flip", "jitter", "momentum", "average"), (0, 1)),
    "frames": (0, 10**15),
    "minutes": (0, 10**7),
    "zoom": (1, 100),
    "clip_norm": (0, 10**9),
    "seed": (0, 2**63 - 1),
}
"""The least and the largest value of each number, far beyond what is of use: what computes with them is safe."""


def list_recipes() -> list[str]:
    """Names of the recipes of salzoo and of packages, sorted."""
    return [entry.name for entry in registry().entries("recipes")]


def load_recipe(name: str) -> Recipe:
    """Read a recipe: one of salzoo's or of a package's, or a TOML file of yours by its path (ending in ``.toml``).

    Raises SalzooError for an unknown name, naming the nearest, and with file and line for a file that is no recipe.
    """
    if name.endswith(".toml"):
        return read_recipe(Path(name))
    entry = registry().find("recipes", name)
    return parse_recipe(entry.name, entry.load()())


def read_recipe(path: Path) -> Recipe:
    """Read a recipe's file. Raises SalzooError naming file and line where a key is unknown or has a wrong type."""
    try:
        return parse_recipe(path.stem, read_text(path), str(path))
    except FileNotFoundError:
        raise SalzooError(f"cannot read recipe {path}: there is no such file") from None


def parse_recipe(name: str, text: str, where: str = "") -> Recipe:
    """Read the text of a recipe of a name; errors are as ``read_recipe`` has them, of the file ``where``."""
    where = where or name
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SalzooError(f"recipe {where} is not TOML: {one_line(error)}") from error
    file = Path(where).name
    values: dict[str, Any] = {"name": name}
    for key, value in table.items():
        values[key] = check_value(key, value, f"{file}, line {_line_of(text, key)}")
    missing = [key for key in ("summary", "source") if key not in values]
    if missing:
        raise SalzooError(f"recipe {file} must state its {' and '.join(missing)}")
    return Recipe(**values)


def override(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """A recipe with values changed. Raises SalzooError for an unknown key, a wrong type or value."""
    return dataclasses.replace(recipe, **{key: check_value(key, value, key) for key, value in changes.items()})


def parse_change(text: str) -> tuple[str, object]:
    """Read KEY=VALUE as written on a command line: the value as in TOML, texts with or without quotes.

    >>> parse_change("lr=1e-5"), parse_change("loss=kld,cc=-0.1")
    (('lr', 1e-05), ('loss', 'kld,cc=-0.1'))
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise SalzooError(f"a value is set as KEY=VALUE, not {text!r}")
    try:
        table = tomllib.loads(f"value = {value}")
        parsed = table["value"] if len(table) == 1 else value
    except (ValueError, RecursionError):  # TOML's own error, a number of thousands of digits, brackets nested so deep
        parsed = value
    return key.strip(), parsed


def choose_recipe(spec: Spec, datasets: tuple[str, ...], init: str | None) -> str:
    """The name of the recipe for a model and data, where none is named.

    From another model's weights (``init``) it is the one of the paper: ``salema``, ``salema-release`` where alpha is
    learned, ``videosalgan``, ``salclstm``, ``dhf1k-static``. From less, ``synthetic`` on synthetic data,
    ``salicon-baseline`` for a static model on SALICON, ``modern`` for timm's encoders, and ``scratch`` otherwise.
    """
    if init in (None, "random", "imagenet"):
        if datasets == ("synthetic",):
            return "synthetic"
        if spec.backbone.name.startswith("timm"):
            return "modern"
        return "salicon-baseline" if datasets == ("salicon",) and not spec.temporal else "scratch"
    if spec.backbone.name.startswith("timm"):
        return "modern"
    components = {placed.component.name: placed for placed in spec.temporal}
    if "convlstm" in components:
        return "videosalgan" if dict(components["convlstm"].component.params).get("project") else "salclstm"
    if "ema" in components:
        return "salema-release" if dict(components["ema"].component.params).get("learn") else "salema"
    return "dhf1k-static"


def _line_of(text: str, key: str) -> int:
    """Number of the line on which a top-level key stands."""
    starts = (line.partition("=")[0].strip().strip("\"'[]").split(".")[0] for line in text.splitlines())
    return next((number for number, start in enumerate(starts, 1) if start == key), 1)


def check_key(key: str, where: str) -> Any:
    """The annotation of a recipe's field. Raises SalzooError that begins with ``where`` if there is none."""
    hints = typing.get_type_hints(Recipe)
    if key not in hints or key == "name":
        known = [each for each in hints if each != "name"]
        raise SalzooError(f"{where}: a recipe has no {key!r}{did_you_mean(key, known)}")
    return hints[key]


def check_value(key: str, value: object, where: str) -> Any:
    """A TOML value as the field of a recipe holds it. Raises SalzooError that begins with ``where``."""
    hint = check_key(key, where)
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise SalzooError(f"{where}: {key} is a number of more than 64 bits")
    if hint is float and type(value) is int:
        value = float(value)
    try:
        if not _fits(value, hint):
            raise SalzooError(f"{where}: {key} must be {_called(hint)}, not {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise SalzooError(f"{where}: {key} must be finite")
        return _as_tuples(value)
    except RecursionError:
        raise SalzooError(f"{where}: {key} is nested too deeply") from None


def _fits(value: object, hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return value in get_args(hint)
    if typing.get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    return type(value) is hint


def _called(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if isinstance(hint, types.GenericAlias):
        return f"a list, each item {_called(get_args(hint)[0])}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[hint]


def _as_tuples(value: object) -> object:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list | tuple) else value
