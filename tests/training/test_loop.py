"""The training loop against a plain one, written from the paper."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from salzoo.datasets.synthetic import open_synthetic
from salzoo.interfaces import SalzooError
from salzoo.model import create_model
from salzoo.training.clips import clip_batches
from salzoo.training.loop import make_optimizer, schedule, train_steps
from salzoo.training.settings import Settings


def settings(**changes: object) -> Settings:
    values = {
        "epochs": 1, "minutes": None, "clip_length": 5, "batch": 1, "size": (16, 32), "lr": 1e-4, "alpha_lr": 0.1,
        "stills": 0.0, "still_batch": 4, "precision": "float32", "seed": 0, "init": "random",
    }  # fmt: skip
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


def test_losses_and_alpha_follow_a_plain_loop(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:2]
    torch.manual_seed(0)
    model = create_model("salgan:width=0.1+ema:alpha=0.3,learn=true@30").double()
    chain = nn.Sequential(*(layer.module for layer in create_model("salgan:width=0.1").double().backbone.layers))
    chain.load_state_dict(model.backbone.state_dict())
    logit = torch.tensor([0.3]).logit().double().requires_grad_()

    single = model.preprocess
    model.preprocess = lambda frames: single(frames).double()  # type: ignore[method-assign]
    ours = []
    for step in train_steps(model, videos, settings()):
        ours.append((step.loss, torch.sigmoid(model.get_parameter("temporal.30.alpha")).item()))

    optimizer = torch.optim.Adam(
        [{"params": chain.parameters(), "lr": 1e-4, "weight_decay": 1e-4}, {"params": [logit], "lr": 0.1}]
    )
    plain = []
    state = None
    for clip in clip_batches(videos, size=(16, 32), length=5):
        if clip.starts[0]:
            state = None
        frames = torch.from_numpy(clip.frames[0]).double().permute(0, 3, 1, 2)
        loss = torch.zeros((), dtype=torch.float64)
        for frame, truth in zip(frames, torch.from_numpy(clip.density[0]), strict=True):
            x = frame[None] - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
            for module in chain[:31]:
                x = module(x)
            a = torch.sigmoid(logit)
            state = x if state is None else a * x + (1 - a) * state
            x = state
            for module in chain[31:]:
                x = module(x)
            loss = loss + F.binary_cross_entropy(x[0, 0], truth.double())
        state = state.detach() if state is not None else None
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*chain.parameters(), logit], 10.0 * len(frames))
        optimizer.step()
        plain.append((loss.item() / len(frames), torch.sigmoid(logit).item()))
    assert len(plain) == 24
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(plain), atol=1e-5, rtol=1e-5)


def test_every_parameter_is_in_one_group_with_its_rate() -> None:
    model = create_model("salgan:width=0.05+ema:learn=true@30+convlstm@56")
    optimizer = make_optimizer(model, settings(lr=1e-3, alpha_lr=0.2))
    of = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    rates = {name: (of[id(p)]["lr"], of[id(p)]["weight_decay"]) for name, p in model.named_parameters()}
    assert rates.pop("temporal.30.alpha") == (0.2, 0)
    assert {rate for name, rate in rates.items() if name.startswith("temporal")} == {(1e-3, 0)}
    assert {rate for name, rate in rates.items() if name.startswith("backbone")} == {(1e-3, 1e-4)}


def test_a_run_of_clips_keeps_its_rate(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    steps = list(train_steps(create_model("salgan:width=0.05"), videos, settings(epochs=2)))
    assert [step.lr for step in steps] == [1e-4] * 24
    assert [step.frames for step in steps] == [5 * (i + 1) for i in range(24)]
    assert [step.epoch for step in steps] == [1] * 12 + [2] * 12


def test_a_run_from_scratch_begins_with_stills(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    steps = list(train_steps(create_model("salgan:width=0.05+ema@61"), videos, settings(stills=0.5)))
    sizes = [after.frames - before.frames for before, after in itertools.pairwise(steps)]
    assert set(sizes[:29]) == {4}
    assert set(sizes[29:]) == {5}
    assert steps[-1].frames == 240


def test_the_schedule_of_a_run_from_scratch() -> None:
    assert [schedule("backbone", step, 0, 0.5) for step in (1, 10, 20, 99)] == [0.05, 0.5, 1, 1]
    assert [schedule("backbone", 99, done, 0.5) for done in (0.25, 0.375, 0.5, 1)] == [1, 0.5, 0.05, 0.05]
    assert [schedule("temporal", 99, done, 0.5) for done in (0.25, 0.5, 0.75, 1)] == [1, 1, 0.5, 0.05]
    assert schedule("backbone", 1, 0.9, 0) == 1


def test_it_stops_when_asked_or_out_of_time(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    model = create_model("salgan:width=0.05")
    answers = iter([False, False, True])
    assert len(list(train_steps(model, videos, settings(), lambda: next(answers)))) == 2
    assert len(list(train_steps(model, videos, settings(minutes=1e-9)))) == 0


def test_a_loss_that_is_not_finite_names_the_clip(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    model = create_model("salgan:width=0.05+ema@61")
    with torch.no_grad():
        model.get_parameter("backbone.60.bias").fill_(float("nan"))
    with pytest.raises(SalzooError, match="diverged: no finite maps at step 1, video 0001 frames 1-5"):
        list(train_steps(model, videos, settings()))
