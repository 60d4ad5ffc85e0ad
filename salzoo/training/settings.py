"""What a training run was asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, besides the spec and the data. The run folder records it.

    Attributes:
        epochs: passes over the training videos.
        minutes: stop after so many, wherever the epoch stands; None for no limit.
        clip_length: frames of a clip: what one optimiser step sees, and how far gradients reach back in time.
        batch: videos that run side by side.
        size: (height, width) of the model's input.
        lr: learning rate of Adam.
        alpha_lr: learning rate of learned EMA weights (``temporal.*.alpha``), which get no weight decay.
        stills: share of the run, from its start, in which single frames in random order are learned, as SalGAN learns
            SALICON, before clips come. Learning rates follow (``salzoo.training.loop.schedule``); without stills they
            are constant.
        still_batch: frames of a step meanwhile.
        precision: "float32", or "bfloat16" for layers under autocast (state, maps and loss stay float32).
        seed: of weights and dropout.
        init: "random", "imagenet", or the model whose backbone the run starts from.
    """

    epochs: int
    minutes: float | None
    clip_length: int
    batch: int
    size: tuple[int, int]
    lr: float
    alpha_lr: float
    stills: float
    still_batch: int
    precision: str
    seed: int
    init: str

    def __str__(self) -> str:
        limit = f"{self.epochs} epochs" + (f" or {self.minutes:g} minutes" if self.minutes is not None else "")
        height, width = self.size
        return f"{self.precision}, input {height}x{width}, init {self.init}, lr {self.lr:g}, seed {self.seed}, {limit}"
