"""The training loop against a plain one, written from the paper, and the laws of batches."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from salzoo.datasets.synthetic import open_synthetic
from salzoo.interfaces import SalzooError, Video
from salzoo.model import SaliencyModel, create_model
from salzoo.training.clips import Reading, clip_batches
from salzoo.training.loop import Step, train_steps
from salzoo.training.recipe import Recipe, load_recipe, override
from salzoo.training.schedules import Plateau, rate_factor
from salzoo.training.state import Training, begin_training, make_optimizer


def recipe(name: str = "salema", **changes: object) -> Recipe:
    values = {"epochs": 1, "clip_length": 5, "lr": 1e-4, "precision": "float32", "init": "random", **changes}
    return override(load_recipe(name), values)


def begin(model: SaliencyModel, videos: Sequence[Video], settled: Recipe) -> Training:
    model.preprocessing = create_model("salgan:width=0.05").preprocessing
    object.__setattr__(model.preprocessing, "size", (16, 32))
    return begin_training(model, {"videos": videos}, settled)


def run(spec: str, videos: Sequence[Video], settled: Recipe) -> list[Step]:
    torch.manual_seed(0)
    return list(train_steps(begin(create_model(spec), videos, settled)))


@pytest.mark.parametrize("position", [30, 61])
def test_losses_and_alpha_follow_a_plain_loop(tiny_data: Path, position: int) -> None:
    videos = open_synthetic(tiny_data).split("train")[:2]
    torch.manual_seed(0)
    model = create_model(f"salgan:width=0.1+ema:alpha=0.3,learn=true@{position}").double()
    chain = nn.Sequential(*(layer.module for layer in create_model("salgan:width=0.1").double().backbone.layers))
    chain.load_state_dict(model.backbone.state_dict())
    logit = torch.tensor([0.3]).logit().double().requires_grad_()

    training = begin(model, videos, recipe("salema-release", lr=1e-4))
    single = model.preprocess
    model.preprocess = lambda frames: single(frames).double()  # type: ignore[method-assign]
    ours = [(step.loss, torch.sigmoid(model.get_parameter(f"temporal.{position}.alpha")).item(), step.alpha)
            for step in train_steps(training)]  # fmt: skip
    assert all(shown == pytest.approx(alpha) for _, alpha, shown in ours)

    optimizer = torch.optim.Adam(
        [{"params": chain.parameters(), "lr": 1e-4, "weight_decay": 1e-4}, {"params": [logit], "lr": 0.1}]
    )
    plain = []
    state = None
    for clip in clip_batches(videos, Reading((16, 32)), length=5):
        if clip.starts[0]:
            state = None
        frames = torch.from_numpy(clip.frames[0]).double().permute(0, 3, 1, 2)
        loss = torch.zeros((), dtype=torch.float64)
        for frame, truth in zip(frames, torch.from_numpy(clip.density[0]), strict=True):
            x = frame[None] - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
            for module in chain[: position + 1]:
                x = module(x)
            a = torch.sigmoid(logit)
            state = x if state is None else a * x + (1 - a) * state
            x = state
            for module in chain[position + 1 :]:
                x = module(x)
            loss = loss + F.binary_cross_entropy(x[0, 0], truth.double())
        state = state.detach() if state is not None else None
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*chain.parameters(), logit], 10.0 * len(frames))
        optimizer.step()
        plain.append((loss.item() / len(frames), torch.sigmoid(logit).item()))
    assert len(plain) == 24
    torch.testing.assert_close(torch.tensor([each[:2] for each in ours]), torch.tensor(plain), atol=1e-5, rtol=1e-5)


def first_step(videos: Sequence[Video], **changes: object) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and change of each parameter in one step of plain gradient descent."""
    torch.manual_seed(0)
    model = create_model("salgan:width=0.1+ema:learn=true@61+convlstm@30").double()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    single = model.preprocess
    model.preprocess = lambda frames: single(frames).double()  # type: ignore[method-assign]
    settled = recipe(optimizer="sgd", lr=1.0, alpha_lr=1.0, weight_decay=0.0, clip_norm=0.0, **changes)
    step = next(train_steps(begin(model, videos, settled)))
    return step.loss, {name: parameter.detach() - before[name] for name, parameter in model.named_parameters()}


def test_a_batch_of_two_videos_is_the_mean_of_the_two(tiny_data: Path) -> None:
    train = open_synthetic(tiny_data).split("train")
    short, long = _Cropped(train[0], 3), train[1]
    singles = [first_step([video]) for video in (short, long)]
    loss, change = first_step([short, long], batch=2)
    # Losses are means of frames, here of 3 and 5; gradients those of sums over frames.
    assert loss == pytest.approx((3 * singles[0][0] + 5 * singles[1][0]) / 8, abs=1e-9)
    accumulated = first_step([short, long], accumulate=2)
    assert accumulated[0] == pytest.approx(loss, abs=1e-9)
    for name, ours in change.items():
        mean = (singles[0][1][name] + singles[1][1][name]) / 2
        torch.testing.assert_close(ours, mean, atol=1e-9, rtol=1e-6)
        torch.testing.assert_close(accumulated[1][name], mean, atol=1e-9, rtol=1e-6)
    assert max(each.abs().max() for each in change.values()) > 1e-4


class _Cropped:
    """The first frames of a video."""

    def __init__(self, video: Video, frames: int) -> None:
        self.video, self.frames = video, frames

    def __getattr__(self, name: str) -> object:
        return getattr(self.video, name)


def test_every_parameter_is_in_one_group_with_its_rate() -> None:
    model = create_model("salgan:width=0.05+ema:learn=true@30+convlstm@56")
    optimizer = make_optimizer(model, recipe(lr=1e-3, alpha_lr=0.2, encoder_rate=0.5))
    of = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    rates = {name: (of[id(p)]["lr"], of[id(p)]["weight_decay"]) for name, p in model.named_parameters()}
    assert rates.pop("temporal.30.alpha") == (0.2, 0)
    assert {rate for name, rate in rates.items() if name.startswith("temporal")} == {(1e-3, 0)}
    encoder = {f"backbone.{layer}.{kind}" for layer in range(30) for kind in ("weight", "bias")}
    assert {rate for name, rate in rates.items() if name in encoder} == {(5e-4, 1e-4)}
    decoder = {rate for name, rate in rates.items() if name.startswith("backbone") and name not in encoder}
    assert decoder == {(1e-3, 1e-4)}


def test_a_run_of_clips_keeps_its_rate(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    steps = run("salgan:width=0.05", videos, recipe(epochs=2))
    assert [step.lr for step in steps] == [1e-4] * 24
    assert [step.frames for step in steps] == [5 * (i + 1) for i in range(24)]
    assert [step.epoch for step in steps] == [1] * 12 + [2] * 12


def test_a_run_may_end_after_a_number_of_frames(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    assert run("salgan:width=0.05", videos, recipe(epochs=3, frames=25))[-1].frames == 25
    assert run("salgan:width=0.05", videos, recipe(epochs=1, frames=1000))[-1].frames == 60


def test_a_run_from_scratch_begins_with_stills(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    steps = run("salgan:width=0.05+ema@61", videos, recipe("synthetic", epochs=1, minutes=0, stills=0.5, size=(16, 32)))
    sizes = [after.frames - before.frames for before, after in itertools.pairwise(steps)]
    assert set(sizes[:29]) == {4}
    assert set(sizes[29:]) == {5}
    assert steps[-1].frames == 240


def test_the_schedules() -> None:
    scratch = recipe("scratch", stills=0.5)
    assert [rate_factor(scratch, "backbone", step, 0) for step in (1, 10, 20, 99)] == [0.05, 0.5, 1, 1]
    assert [rate_factor(scratch, "backbone", 99, done) for done in (0.25, 0.375, 0.5, 1)] == [1, 0.5, 0.05, 0.05]
    assert [rate_factor(scratch, "temporal", 99, done) for done in (0.25, 0.5, 0.75, 1)] == [1, 1, 0.5, 0.05]
    assert rate_factor(recipe(), "backbone", 1, 0.9) == 1
    cosine = recipe("modern", warm_up=10)
    assert [rate_factor(cosine, "alpha", step, done) for step, done in ((5, 0), (10, 0), (99, 0.5), (99, 1))] == [
        0.5, 1, pytest.approx(0.5), 0,
    ]  # fmt: skip
    plateau = Plateau()
    for loss in (1.0, 0.5, *[0.6] * 4):
        plateau.end_epoch(loss, 1e-5)
    assert plateau.factor == 1
    plateau.end_epoch(0.5, 1e-5)
    assert plateau.factor == pytest.approx(0.1)
    for _ in range(10):
        plateau.end_epoch(0.5, 1e-5)
    assert plateau.factor == pytest.approx(0.01)  # 1e-7, the floor


def test_thawing_lets_layers_join_epoch_by_epoch(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    model = create_model("salgan:width=0.05+convlstm@30")
    training = begin(model, videos, recipe("salclstm-thaw", epochs=3, lr=1e-3))
    moved: list[set[str]] = []
    weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for step in train_steps(training):
        if step.frames % 60 == 0:
            moved.append({name for name, now in model.named_parameters() if not torch.equal(now, weights[name])})
            weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    first = {"temporal.30.gates.weight", "temporal.30.gates.bias"}
    second = first | {f"backbone.{index}.{part}" for index in (58, 60) for part in ("weight", "bias")}
    third = second | {f"backbone.{index}.{part}" for index in (53, 56) for part in ("weight", "bias")}
    for had, may in zip(moved, (first, second, third), strict=True):
        assert had <= may
        assert "temporal.30.gates.weight" in had
    assert any("backbone.60" in name for name in moved[1])


def test_frozen_layers_stay_and_a_glob_without_parameter_is_refused(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    model = create_model("salgan:width=0.05")
    before = model.get_parameter("backbone.14.weight").detach().clone()
    settled = recipe("salgan-bce", epochs=1, still_batch=3, lr=0.1)
    assert len(list(train_steps(begin(model, videos, settled)))) == 20
    assert torch.equal(model.get_parameter("backbone.14.weight"), before)
    assert model.get_parameter("backbone.17.weight").requires_grad
    with pytest.raises(SalzooError, match=r"freezes backbone\.99"):
        begin(create_model("salgan:width=0.05"), videos, recipe(freeze=["backbone.99"]))
    with pytest.raises(SalzooError, match="nothing to train"):
        begin(create_model("salgan:width=0.05"), videos, recipe(freeze=["*"]))


def test_data_sets_take_turns_and_images_pass_temporal_modules_by(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    images = [_Cropped(video, 1) for video in videos[1:]]
    torch.manual_seed(0)
    model = create_model("salgan:width=0.05+convlstm@30")
    object.__setattr__(model.preprocessing, "size", (16, 32))
    settled = recipe(still_batch=2, clip_length=10, lr=1e-3)
    training = begin_training(model, {"videos": videos[:1], "images": images}, settled)
    assert training.images == [False, True]
    moved, frames = [], []
    before = model.get_parameter("temporal.30.gates.weight").detach().clone()
    for step in train_steps(training):
        now = model.get_parameter("temporal.30.gates.weight").detach().clone()
        moved.append(not torch.equal(now, before))
        frames.append(step.frames)
        before = now
    assert moved == ([True, False] * 6)[:-1]
    assert [after - first for first, after in itertools.pairwise([0, *frames])] == ([10, 2, 10, 1] * 3)[:-1]
    assert training.progress.taken == [[0, 6], [5, 0]]
    assert training.states[0] is not None
    assert training.states[1] is None


def test_averaged_weights_lag_behind(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    training = begin(create_model("salgan:width=0.05"), videos, recipe(average=0.9))
    name = "backbone.60.bias"
    by_hand = training.model.get_parameter(name).detach().clone()
    for step in itertools.islice(train_steps(training), 6):
        decay = min(0.9, (1 + step.step) / (10 + step.step))
        by_hand = decay * by_hand + (1 - decay) * training.model.get_parameter(name).detach()
    torch.testing.assert_close(training.outcome.get_parameter(name), by_hand)
    assert not torch.equal(training.model.get_parameter(name), by_hand)


def test_the_networks_of_the_adversarial_stage_take_turns(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    settled = recipe("salgan-adversarial", epochs=2, still_batch=8, freeze=[], lr=1e-3)
    training = begin(create_model("salgan:width=0.05"), videos, settled)
    assert training.discriminator is not None
    networks = {"generator": training.model, "discriminator": training.discriminator}
    losses: dict[str, list[float]] = {"generator": [], "discriminator": []}
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    for step in train_steps(training):
        losses[step.network].append(step.loss)
        for name, network in networks.items():
            same = all(torch.equal(p, old) for p, old in zip(network.parameters(), before[name], strict=True))
            assert same == (name != step.network)
            before[name] = [p.detach().clone() for p in network.parameters()]
        assert step.network == ("discriminator" if step.step % 2 else "generator")
    assert len(losses["generator"]) > 10
    for values in losses.values():
        assert max(values) - min(values) > 1e-4


def test_activations_computed_again_give_the_same_weights(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")[:1]
    weights = []
    for again in (False, True):
        torch.manual_seed(0)
        training = begin(create_model("salgan:width=0.1+ema@30"), videos, recipe(checkpoint_activations=again))
        list(itertools.islice(train_steps(training), 3))
        weights.append(training.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_it_stops_when_asked_or_out_of_time(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    answers = iter([False, False, True])
    training = begin(create_model("salgan:width=0.05"), videos, recipe())
    assert len(list(train_steps(training, lambda: next(answers)))) == 2
    training = begin(create_model("salgan:width=0.05"), videos, recipe(minutes=1e-9))
    assert len(list(train_steps(training))) == 0


def test_a_loss_that_is_not_finite_names_the_clip(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    model = create_model("salgan:width=0.05+ema@61")
    with torch.no_grad():
        model.get_parameter("backbone.60.bias").fill_(float("nan"))
    with pytest.raises(SalzooError, match="diverged: no finite maps at step 1, video 0001 frames 1-5"):
        list(train_steps(begin(model, videos, recipe())))


def test_a_loss_that_grows_without_end_is_stopped(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    training = begin(create_model("salgan:width=0.05"), videos, recipe(lr=0.0))
    steps = train_steps(training)
    assert next(steps).loss < 1
    with torch.no_grad():
        training.model.get_parameter("backbone.60.bias").fill_(1000)
    with pytest.raises(SalzooError, match=r"diverged: mean loss \d.* at step \d, video 0001 frames"):
        list(steps)


def test_videos_that_cannot_be_trained_on(tiny_data: Path) -> None:
    videos = open_synthetic(tiny_data).split("train")
    with pytest.raises(SalzooError, match="no frames"):
        begin(create_model("salgan:width=0.05"), [_Cropped(videos[0], 0)], recipe())
    bare = _Cropped(videos[0], 3)
    bare.annotated = False  # type: ignore[attr-defined]
    with pytest.raises(SalzooError, match="video 0001 has no density maps"):
        begin(create_model("salgan:width=0.05"), [bare], recipe())
