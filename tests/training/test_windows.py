"""Training networks that look over time: random windows, priming, batch norms that learn, the recipes of two papers."""

import copy
import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from salzoo.datasets.synthetic import open_synthetic
from salzoo.interfaces import SalzooError, Video
from salzoo.model import SaliencyModel
from salzoo.runtime.ranks import Rank
from salzoo.spec import parse_spec
from salzoo.training.clips import Reading
from salzoo.training.initialization import initialize_from_nothing
from salzoo.training.loop import train_steps
from salzoo.training.recipe import Recipe, load_recipe, override, read_recipe
from salzoo.training.state import begin_training
from salzoo.training.windows import Window, window_batches
from salzoo.video.resizing import resize_frame

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "salzoo-tased"))
sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "salzoo-unisal"))
from salzoo_tased.network import TasedNet
from salzoo_unisal.network import Skip, Unisal
from salzoo_unisal.recurrence import Recurrence

PLUGINS = Path(__file__).parents[2] / "plugins"
SIZE = (32, 64)


@pytest.fixture(scope="module")
def videos(tiny_data: Path) -> list[Video]:
    return open_synthetic(tiny_data).split("train")


def reading(batch: int = 2, rank: Rank = Rank(0, 1)) -> Reading:  # noqa: B008 - frozen
    return Reading(size=SIZE, fixations=True, seed=3, batch=batch, rank=rank, interpolation="opencv-linear")


def test_a_window_is_frames_of_its_video_at_the_step_with_the_truth_of_the_last(videos: list[Video]) -> None:
    batches = list(window_batches(videos, reading(), Window(5, primes=4, step=3), epochs=2))
    assert len(batches) == 2 * (len(videos) // 2)
    starts = []
    for batch in batches:
        assert batch.frames.shape == (2, 5, *SIZE, 3)
        assert batch.density.shape == batch.fixations.shape == (2, 1, *SIZE)
        assert (batch.count, batch.longest, batch.primes) == (2, 1, 4)
        for frames, density, name in zip(batch.frames, batch.density, batch.names, strict=True):
            video = next(video for video in videos if video.id == name.split()[0])
            first, last = (int(number) - 1 for number in name.split()[2].split("-"))
            assert last == first + 12
            starts.append(first)
            shown = [resize_frame(f, SIZE, "opencv-linear") for f in video.read_frames(first, last + 1)][::3]
            np.testing.assert_array_equal(frames, np.stack(shown))
            truth = resize_frame(video.read_density(last), SIZE).astype(float)
            np.testing.assert_allclose(density[0], (truth - truth.min()) / np.ptp(truth), atol=1e-6)
    assert len(set(starts)) > 3


def test_what_is_skipped_or_another_ranks_is_left_out(videos: list[Video]) -> None:
    whole = [batch.names for batch in window_batches(videos, reading(), Window(4), epochs=2)]
    skipped = [batch.names for batch in window_batches(videos, reading(), Window(4), epochs=2, skip=3)]
    assert skipped == whole[3:]
    ranks = [
        [batch.names for batch in window_batches(videos, reading(1, Rank(n, 2)), Window(4), epochs=2)] for n in (0, 1)
    ]
    assert [one + other for one, other in zip(*ranks, strict=True)] == whole


def test_too_few_long_videos_are_refused(videos: list[Video]) -> None:
    with pytest.raises(SalzooError, match="needs as many videos of at least 5000 frames; there are 0"):
        next(window_batches(videos, reading(), Window(5000)))


@pytest.mark.parametrize("changes", [{"batch_norm": "train"}, {"batch_norm": "train", "windows": True}, {"primes": 3}])
def test_a_recipe_that_would_mix_the_frames_of_a_video_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SalzooError, match=r"needs full batches of different videos|go with windows=true"):
        override(load_recipe("salema"), changes)


def train(model: SaliencyModel, videos: list[Video], recipe: Recipe, steps: int) -> list[float]:
    training = begin_training(model, {"dhf1k": videos}, recipe, Rank(0, 1))
    losses = []
    for step in train_steps(training):
        losses.append(step.loss)
        if len(losses) == steps:
            return losses
    raise AssertionError("the run ended early")


def by_hand(model: SaliencyModel, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD as the papers have it: the encoder apart."""
    first = model.backbone.landmarks["bottleneck"]
    keys = tuple(f"{layer.key}." for layer in model.backbone.layers[:first])
    encoder, others = [], []
    for name, parameter in model.backbone.named_parameters():
        (encoder if name.startswith(keys) else others).append(parameter)
    groups = [
        {"params": others, "lr": recipe.lr, "weight_decay": recipe.weight_decay},
        {
            "params": encoder,
            "lr": recipe.lr * recipe.encoder_rate,
            "weight_decay": recipe.weight_decay * recipe.encoder_decay,
        },
    ]
    return torch.optim.SGD(groups, momentum=0.9)


def ready(model: SaliencyModel, videos: list[Video]) -> SaliencyModel:
    model.preprocessing = dataclasses.replace(model.preprocessing, size=SIZE)
    frames = np.stack([resize_frame(next(video.read_frames(0, 1)), SIZE) for video in videos[:2]])
    torch.manual_seed(0)
    initialize_from_nothing(model.eval(), frames, 0.1)
    return model


def test_tased_nets_losses_are_those_of_a_plain_loop(videos: list[Video]) -> None:
    torch.manual_seed(0)
    model = ready(SaliencyModel(parse_spec("tased-net"), TasedNet(width=0.05), {}), videos)
    recipe = override(
        read_recipe(PLUGINS / "salzoo-tased" / "salzoo_tased" / "tased-net.toml"),
        {"size": SIZE, "batch": 2, "accumulate": 1, "lr": 0.01, "flip": 0.0, "seed": 3},
    )
    other = copy.deepcopy(model)
    found = train(model, videos, recipe, 3)

    other.train()  # every batch norm too
    optimizer = by_hand(other, recipe)
    read = Reading(size=SIZE, target="255", seed=3, batch=2, interpolation="opencv-linear")
    batches = window_batches(videos, read, Window(32, primes=31), epochs=None)
    expected = []
    for _ in range(3):
        batch = next(batches)
        x = (torch.from_numpy(batch.frames[..., ::-1].copy()).float() * 2 - 255) / 255
        x = x.permute(0, 1, 4, 2, 3).flatten(1, 2)  # whole windows, oldest frame first
        left: dict[int, Tensor] = {}
        for index, layer in enumerate(other.backbone.layers):
            x = layer.module(x, *(left[link[0]] for link in layer.links))
            if isinstance(x, tuple):
                x, (left[index],) = x
        q = torch.from_numpy(batch.density)
        p, q = x / x.sum(), q / q.sum()
        loss = (q * torch.log(2.22e-16 + q / (p + 2.22e-16))).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len({round(loss, 4) for loss in expected}) == 3


@pytest.mark.slow  # in double precision
def test_unisals_losses_are_those_of_a_plain_loop(videos: list[Video], monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = ready(SaliencyModel(parse_spec("unisal"), Unisal(), {}), videos)
    for module in model.modules():  # what is drawn at random would differ
        if isinstance(module, Skip):
            module.dropout.p = 0.0
        elif isinstance(module, Recurrence):
            module.dropout = 0.0
    recipe = override(
        read_recipe(PLUGINS / "salzoo-unisal" / "salzoo_unisal" / "unisal.toml"),
        {"size": SIZE, "batch": 2, "clip_length": 3, "thaw": [], "decay": 1.0, "lr": 1e-3, "seed": 3},
    )
    # Batch norms over so few values multiply rounding a millionfold: in double precision it stays out of sight.
    model.double()
    in_float32 = model.preprocess
    other = copy.deepcopy(model)
    monkeypatch.setattr(model, "preprocess", lambda frames: in_float32(frames).double())
    found = train(model, videos, recipe, 3)

    other.backbone.select_source("dhf1k")
    other.train()
    for layer in other.backbone.layers[:19]:
        layer.module.eval()
    optimizer = by_hand(other, recipe)
    read = Reading(size=SIZE, target="255", fixations=True, seed=3, batch=2, interpolation="pil-lanczos")
    batches = window_batches(videos, read, Window(3, step=5), epochs=None)
    expected = []
    for _ in range(3):
        batch = next(batches)
        frames = torch.cat([in_float32(each).double() for each in batch.frames])
        state, total = None, torch.zeros(())
        for t in range(3):
            logs, state = other(frames[:, t : t + 1], state)
            for one in range(2):
                log = logs[one, 0, 0]
                q = torch.from_numpy(batch.density[one, t]).double()
                q, fixated = q / q.sum(), torch.from_numpy(batch.fixations[one, t])
                p = log.exp()
                divergence = (torch.xlogy(q, q) - q * log).sum()
                nss = ((p - p.mean()) / p.std())[fixated].mean()
                cc = torch.corrcoef(torch.stack([p.flatten(), q.flatten()]))[0, 1]
                total = total + (divergence - 0.1 * nss - 0.1 * cc) / 6
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 2.0)
        optimizer.step()
        expected.append(total.item())
    # The recipe's loss of a step is the mean over its frames.
    np.testing.assert_allclose(found, expected, atol=1e-5)
