"""Composition: the law of streaming, state, links, positions, sizes and ranges."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from salzoo.interfaces import Backbone, Layer, LayerCall, Preprocessing, SalzooError, State, reset_slots
from salzoo.model import SaliencyModel, canonical_spec, create_model, describe_shapes
from salzoo.spec import parse_spec
from salzoo.temporal.convlstm import ConvLSTM
from salzoo.temporal.ema import EMA
from salzoo.training.initialization import initialize_from_nothing

SLIM = "salgan:width=0.1"
MODULES = ["ema", "ema:alpha=0.3,learn=true", "ema:alpha=0.6,residual=true", "ema:dropout=0.5", "convlstm"]
MODULES += ["convlstm:residual=true"]
MAIN = ["ema", "convlstm:residual=true"]
"""Those whose law the default suite tries at every position; the slow one has the others."""
POSITIONS = range(63)
NO_RESIDUAL = {0, 4, 5, 9, 10, 16, 17, 23, 36, 43, 44, 50, 51, 55, 56}
"""Where the input and output of a layer of SalGAN cannot be added (as the release of SalEMA fails)."""


def build(spec: str, seed: int = 0) -> SaliencyModel:
    torch.manual_seed(seed)
    model = create_model(spec).eval()
    frames = np.random.default_rng(seed).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    initialize_from_nothing(model, frames)
    return model


def make_clip(batch: int, frames: int, size: tuple[int, int] = (32, 32), seed: int = 1) -> Tensor:
    return 40 * torch.randn(batch, frames, 3, *size, generator=torch.Generator().manual_seed(seed))


def stream(model: SaliencyModel, clip: Tensor) -> Tensor:
    state: State = None
    maps = []
    for frame in clip.unbind(1):
        map_, state = model(frame.unsqueeze(1), state)
        maps.append(map_)
    return torch.cat(maps, 1)


def fits(module: str, position: int) -> bool:
    try:
        create_model(f"{SLIM}+{module}@{position}")
    except SalzooError:
        return False
    return True


@pytest.mark.parametrize(
    "module", [*MAIN, *(pytest.param(module, marks=pytest.mark.slow) for module in MODULES if module not in MAIN)]
)
def test_a_clip_equals_its_frames_streamed_at_every_position(module: str) -> None:
    clip = make_clip(2, 4)
    fitting = [position for position in POSITIONS if fits(module, position)]
    assert len(fitting) >= 44
    for position in fitting:
        model = build(f"{SLIM}+{module}@{position}")
        with torch.no_grad():
            maps, _ = model(clip)
            torch.testing.assert_close(stream(model, clip), maps, atol=1e-4, rtol=0)
            model.double()
            maps, _ = model(clip.double())
            torch.testing.assert_close(stream(model, clip.double()), maps, atol=1e-9, rtol=0)
        assert maps.std() > 0.01, f"the weights at {position} give constant maps, on which any law holds"
        assert maps.min() >= 0
        assert maps.max() <= 1


def test_a_residual_fits_where_the_layer_keeps_the_shape() -> None:
    refused = {position for position in POSITIONS if not fits("ema:residual=true", position)}
    changing = {p for p in range(62) if (b := build(SLIM).backbone).channels_into(p) != b.channels_out_of(p)}
    assert refused == NO_RESIDUAL | changing


@pytest.mark.parametrize("module", ["ema:alpha=0.3", "convlstm"])
def test_reset_slots_equal_separate_runs(module: str) -> None:
    for position in (0, 30, 58, 62):
        model = build(f"{SLIM}+{module}@{position}").double()
        first, second = make_clip(3, 3).double(), make_clip(3, 3, seed=2).double()
        starts = torch.tensor([True, False, True])
        with torch.no_grad():
            _, state = model(first)
            together, _ = model(second, state, starts=starts)
            carried, _ = model(second[1:2], model(first[1:2])[1])
            fresh, _ = model(second[[0, 2]])
        torch.testing.assert_close(together[1:2], carried, atol=1e-12, rtol=0)
        torch.testing.assert_close(together[[0, 2]], fresh, atol=1e-12, rtol=0)


@pytest.mark.parametrize("module", ["ema:learn=true", "convlstm", "convlstm:hidden=3,project=1"])
def test_gradients_reach_every_parameter(module: str) -> None:
    at = 62 if "project" in module else 56
    torch.manual_seed(3)
    model = create_model(f"salgan:width=0.2+{module}@{at}").train()
    maps, _ = model(make_clip(2, 3))
    maps.square().mean().backward()
    missing = [
        name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert missing == []


def test_gradients_reach_back_through_the_frames_of_a_clip() -> None:
    clip = make_clip(1, 3).requires_grad_()
    maps, _ = build(f"{SLIM}+ema@61")(clip)
    maps[0, 2].sum().backward()
    assert clip.grad is not None
    assert clip.grad[0, 0].any()


def test_two_modules_and_negative_positions() -> None:
    model = build(f"{SLIM}+ema:alpha=0.3@7+ema:alpha=0.5@-8").double()
    assert list(model.temporal) == ["7", "54"]
    clip = make_clip(1, 3).double()
    with torch.no_grad():
        torch.testing.assert_close(stream(model, clip), model(clip)[0], atol=1e-9, rtol=0)


def test_any_size_is_padded_and_cropped() -> None:
    model = build(f"{SLIM}+ema@61")
    with torch.no_grad():
        for size in ((1, 1), (17, 33), (30, 48)):
            maps, _ = model(make_clip(1, 2, size))
            assert maps.shape == (1, 2, 1, *size)
        clip = make_clip(1, 1, (30, 48))
        padded = torch.nn.functional.pad(clip[0], (0, 0, 0, 2), mode="replicate")[None]
        torch.testing.assert_close(model(clip)[0], model(padded)[0][..., :30, :])


@pytest.mark.parametrize("spec", ["convlstm@62", "convlstm:hidden=4,project=1@62", "ema:residual=true@61", "ema@62"])
def test_maps_lie_in_the_unit_range_after_any_module(spec: str) -> None:
    maps, _ = build(f"{SLIM}+{spec}")(10 * make_clip(1, 3))
    assert maps.min() >= 0
    assert maps.max() <= 1


def test_an_ema_follows_its_definition() -> None:
    ema = EMA(1, 1, alpha=0.25)
    x = torch.randn(2, 5, 1, 2, 2)
    y, _ = ema(x, lambda frames: 3 * frames, None)
    expected = 3 * x[:, 0]
    for t in range(5):
        expected = expected if t == 0 else 0.25 * 3 * x[:, t] + 0.75 * expected
        torch.testing.assert_close(y[:, t], expected)


def test_the_residual_is_no_part_of_the_state() -> None:
    x = torch.randn(1, 4, 2, 3, 3)
    plain, _ = EMA(2, 2, alpha=0.3)(x, torch.tanh, None)
    residual, _ = EMA(2, 2, alpha=0.3, residual=True)(x, torch.tanh, None)
    torch.testing.assert_close(residual, plain + x)


def test_a_learned_alpha_starts_where_it_is_told() -> None:
    ema = EMA(1, 1, alpha=0.1, learn=True)
    assert isinstance(ema.weight, Tensor)
    torch.testing.assert_close(ema.weight, torch.tensor([0.1]))
    assert ema.alpha is not None
    torch.testing.assert_close(ema.alpha.detach(), torch.tensor([-2.1972246]))


def test_dropout_takes_whole_channels_in_training_alone() -> None:
    ema = EMA(64, 64, alpha=1.0, dropout=0.5)
    x = torch.ones(1, 1, 64, 4, 4)
    torch.manual_seed(0)
    y, _ = ema.train()(x, lambda frames: frames, None)
    kept = y[0, 0].flatten(1).unique(dim=1).squeeze(1)
    assert set(kept.tolist()) == {0.0, 2.0}
    torch.testing.assert_close(ema.eval()(x, lambda frames: frames, None)[0], x)


@pytest.mark.parametrize(("project", "residual"), [(0, False), (5, False), (0, True)])
def test_a_convlstm_follows_its_equations(project: int, residual: bool) -> None:
    torch.manual_seed(0)
    lstm = ConvLSTM(5, 7, hidden=0 if residual else 4 if project else 5, project=project, residual=residual).double()
    x = torch.randn(2, 3, 5, 6, 6, dtype=torch.float64)
    y, _ = lstm(x, lambda frames: frames, None)
    h = c = torch.zeros(2, lstm.hidden, 6, 6, dtype=torch.float64)
    for t in range(3):
        i, f, o, g = lstm.gates(torch.cat([x[:, t], h], 1)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        out = lstm.project(c) if lstm.project is not None else c
        torch.testing.assert_close(y[:, t], out + x[:, t] if residual else out)


def test_state_stays_float32_under_autocast() -> None:
    for module in ("ema@30", "convlstm@30"):
        model = build(f"{SLIM}+{module}")
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            _, state = model(make_clip(1, 2))
            _, state = model(make_clip(1, 2), state)
        assert {tensor.dtype for tensor in state[0]} == {torch.float32}


class Twice(nn.Module):
    acts_on = "output"

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return layer(x) + layer(x), None


class FirstFrame(nn.Module):
    acts_on = "output"

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return layer(x[:, :1]).expand_as(x), None


@pytest.mark.parametrize(
    ("module", "message"), [(Twice(), "2 times, not once"), (FirstFrame(), r"on \(1, 1\) of \(1, 2\)")]
)
def test_a_layer_is_called_once_with_all_frames(module: nn.Module, message: str) -> None:
    model = SaliencyModel(parse_spec("toy"), build(SLIM).backbone, {1: module})
    with pytest.raises(RuntimeError, match=message):
        model(make_clip(1, 2))


class Sides(nn.Module):
    """A layer with two side outputs."""

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return x.mean(1, keepdim=True), (x[:, :1], 10 * x[:, 1:2])


class Scale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class Join(nn.Module):
    """Concatenate the chain and all links, so that a test can see what each brought."""

    def forward(self, x: Tensor, *links: Tensor) -> Tensor:
        return torch.cat([x, *links], 1)


def linked(temporal: dict[int, nn.Module]) -> SaliencyModel:
    """A small U-Net-like backbone: 0 has side outputs, 1 is linked to from 3, where everything meets."""
    layers = [
        Layer("encode", Sides(), 1, 1),
        Layer("deeper", Scale(), 1, 1),
        Layer("deepest", Scale(), 1, 1),
        Layer("join", Join(), 4, 1, links=(1, (0, 0), (0, 1))),
    ]
    backbone = Backbone(layers, landmarks={"bottleneck": 3, "output": 3}, preprocessing=Preprocessing(size=(8, 8)))
    model = SaliencyModel(parse_spec("toy"), backbone, temporal)
    model.ends_with_sigmoid = False  # the join shows what it reads, which is no map
    return model


def test_an_ema_filters_the_chain_and_the_links_that_read_it() -> None:
    clip = make_clip(1, 3, (8, 8))
    plain, _ = linked({})(clip)
    chain, link, side, scaled = linked({1: EMA(1, 1, alpha=0.5)})(clip)[0].unbind(2)
    mean = 2 * clip.mean(2)
    filtered = torch.stack([mean[:, 0], mean[:, :2].mean(1), mean[:, 0] / 4 + mean[:, 1] / 4 + mean[:, 2] / 2], 1)
    torch.testing.assert_close(link, filtered)
    torch.testing.assert_close(chain, 2 * filtered)
    torch.testing.assert_close(torch.stack([side, scaled], 2), plain[:, :, 2:], msg="side outputs are never filtered")


def test_a_module_at_the_next_layer_filters_the_chain_alone() -> None:
    clip = make_clip(1, 3, (8, 8))
    plain, _ = linked({})(clip)
    torch.manual_seed(0)
    filtered, _ = linked({2: ConvLSTM(1, 1)})(clip)
    torch.testing.assert_close(filtered[:, :, 1:], plain[:, :, 1:])
    assert not torch.allclose(filtered[:, :, 0], plain[:, :, 0])


def test_a_fixed_size_is_resized_in_and_out() -> None:
    model = build("spectral-residual")
    assert model(make_clip(1, 1, (90, 70)))[0].shape == (1, 1, 1, 90, 70)


def test_a_flat_frame_has_no_residual() -> None:
    assert not build("spectral-residual")(torch.full((1, 1, 3, 48, 64), 7.0))[0].any()


def test_the_spectral_residual_finds_the_odd_one_out() -> None:
    frame = 40 * torch.rand(48, 64, generator=torch.Generator().manual_seed(0))
    frame[19:24, 34:39] += 120
    maps, _ = build("spectral-residual")(frame.expand(1, 1, 3, -1, -1).contiguous())
    row, column = divmod(int(maps.argmax()), 64)
    assert abs(row - 21) <= 4
    assert abs(column - 36) <= 4


def test_the_spectral_residual_of_a_symmetric_drawing_is_no_chance() -> None:
    """Half of such a frame's spectrum is zero but for rounding, which must not decide what is seen."""
    frame = torch.full((48, 64), 40.0)
    frame[18:30, 10:24] = 130
    frame = frame.expand(1, 1, 3, -1, -1).contiguous()
    noise = 1e-4 * torch.randn(frame.shape, generator=torch.Generator().manual_seed(0))
    model = build("spectral-residual")
    torch.testing.assert_close(model(frame + noise)[0], model(frame)[0], atol=1e-3, rtol=0)


def test_reset_slots_zeroes_nested_state() -> None:
    state = (torch.ones(2, 3), (torch.full((2,), float("nan")), torch.ones(2, 1, 1, dtype=torch.int64)))
    fresh, (nan, whole) = reset_slots(state, torch.tensor([True, False]))
    assert fresh.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert nan[0] == 0
    assert whole.flatten().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("salgan+ema@63", r"position 63 is out of range 0\.\.62"),
        ("salgan+ema@-63", r"position -63 is out of range 0\.\.62"),
        ("salgan+ema@outptu", "no landmark 'outptu'; did you mean 'output'"),
        ("salgan+ema@61+ema@output", "position 61 has a module already"),
        ("salgan+ema:residual=true@36", r"at 36 does not fit: .*\(512×2×2\).*\(512×4×4\)"),
        ("salgan+emma@61", "unknown temporal module 'emma'; did you mean 'ema'"),
        ("salgan:widht=2", "salgan has no parameter 'widht'; did you mean 'width'"),
        ("salgan:width=wide", "salgan: width must be a number, not 'wide'"),
        ("salgan:width=-1", "width must lie in"),
        ("salgan+ema:learn=2@61", "ema: learn must be true or false, not 2"),
        ("salgan+ema:alpha=0@61", "alpha must lie in"),
        ("salgan+ema:alpha=1,learn=true@61", "alpha must lie in"),
        ("salgan+convlstm:hidden=0.5@61", "convlstm: hidden must be a whole number, not 0.5"),
        ("salgan+convlstm:hidden=64@30", "takes 512 channels, not 64: add project=512"),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, message: str) -> None:
    with pytest.raises(SalzooError, match=message):
        create_model(spec)


def test_wrong_calls_are_refused() -> None:
    model = build(f"{SLIM}+ema@61")
    with pytest.raises(ValueError, match="a clip has shape"):
        model(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="not this model's"):
        model(make_clip(1, 1), (None, None))


def test_shapes_are_described_without_memory() -> None:
    model, shapes = describe_shapes("salgan+convlstm@bottleneck", (192, 256))
    assert model.device.type == "meta"
    assert sum(parameter.numel() for parameter in model.parameters()) == 50_663_425
    assert shapes[29] == (512, 12, 16)
    assert shapes[61] == (1, 192, 256)
    assert [layer.channels for layer in model.backbone.layers] == [shape[0] for shape in shapes]
    assert [192 // layer.stride for layer in model.backbone.layers] == [shape[1] for shape in shapes]


def test_salgan_has_the_published_number_of_parameters() -> None:
    model, _ = describe_shapes("salgan")
    assert sum(parameter.numel() for parameter in model.parameters()) == 31_787_009


def test_aliases_are_resolved_in_the_canonical_spec() -> None:
    assert str(canonical_spec("centerbias+ema:alpha=0.50@output")) == "center-bias+ema:alpha=0.5@output"
