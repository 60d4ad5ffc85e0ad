"""Networks that look over time, and densities, with one fault each: the conformance suite finds it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from salzoo.interfaces import Backbone, Layer, LayerCall, Preprocessing, State, Window
from salzoo.interfaces.backbone import Output
from salzoo.model import SaliencyModel
from salzoo.spec import parse_spec
from salzoo.testing import ConformanceError, check_backbone

LENGTH = 4


class OverTime(nn.Module):
    """Convolves windows over time: (N, LENGTH·3, H, W) to (N, channels, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, channels, (LENGTH, 3, 3), padding=(0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x.unflatten(1, (LENGTH, -1)).transpose(1, 2)).squeeze(2))


class Softmax(nn.Module):
    def __init__(self, share: float = 1.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return self.share * x.flatten(1).softmax(1).view_as(x)


class LogSoftmax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).log_softmax(1).view_as(x)


def make(window: nn.Module | None = None, end: nn.Module | None = None, output: Output = "map") -> Backbone:
    first: list[Layer] = [Layer("window", OverTime(6), 6, 1, temporal=window or Window(LENGTH))]
    layers = [*first, Layer("score", nn.Conv2d(6, 1, 1), 1, 1), Layer("map", end or nn.Sigmoid(), 1, 1)]
    return Backbone(
        layers,
        landmarks={"output": 2},
        preprocessing=Preprocessing((32, 48), mean=(120, 120, 120), std=(60, 60, 60)),
        output=output,
    )


class Peeking(Window):
    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y, state = super().forward(torch.cat([x[:, 1:], x[:, -1:]], 1), layer, state)
        return y, super().prime(x, state)


class Stuck(Window):
    """Its state stays as it was after the first clip."""

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        y, new = super().forward(x, layer, state)
        return y, new if state is None else state


class Longer(Window):
    """States one frame more than its windows have."""

    def __init__(self, by: int) -> None:
        super().__init__(LENGTH)
        self.inside = Window(LENGTH)
        self.length = LENGTH + by

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        return self.inside(x, layer, state)  # type: ignore[no-any-return]

    def prime(self, x: Tensor, state: State) -> State:
        return self.inside.prime(x, state)


class Flagless(Window):
    """Takes zeros for frames."""

    def forward(self, x: Tensor, layer: LayerCall, state: State) -> tuple[Tensor, State]:
        if state is not None:
            state = state[0], torch.ones_like(state[1])
        return super().forward(x, layer, state)


class Idle(Window):
    """Its state after priming is that from before."""

    def prime(self, x: Tensor, state: State) -> State:
        return super().prime(x[:, :1], state)


@pytest.mark.parametrize(
    "factory",
    [
        lambda: make(),
        lambda: make(end=Softmax(), output="density"),
        lambda: make(end=LogSoftmax(), output="log-density"),
    ],
)
def test_one_without_fault_keeps_the_contract(factory: Callable[[], Backbone]) -> None:
    report = check_backbone(factory)
    assert "windows are as long as they say" in report.held


@pytest.mark.parametrize(
    ("factory", "check", "message"),
    [
        (lambda: make(Peeking(LENGTH)), "no frame depends on later ones", "a module looks at future frames"),
        (lambda: make(Stuck(LENGTH)), "clips equal their frames streamed", "move on with every frame"),
        (lambda: make(Longer(1)), "windows are as long as they say", "does not depend on the frame 4 back"),
        (lambda: make(Longer(-1)), "windows are as long as they say", "depends on the frame 3 back"),
        (lambda: make(Flagless(LENGTH)), "videos start anew", "zeros as state differ from None"),
        (lambda: make(Idle(LENGTH)), "priming gives the state that running gives", "the state of prime differs"),
        (lambda: make(end=Softmax(0.9), output="density"), "the last layer gives maps", "sums to 0.9, not to 1"),
        (lambda: make(output="density"), "the last layer gives maps", "the density of a frame sums to"),
        (lambda: make(end=Softmax()), "the last layer gives maps", "state Backbone(..., output='density')"),
        (lambda: make(end=Softmax(), output="log-density"), "the last layer gives maps", "stated as log-density"),
        (lambda: make(output="probability"), "the last layer gives maps", "it must be one of map, density"),  # type: ignore[arg-type]
    ],
)
def test_a_fault_is_found(factory: Callable[[], Backbone], check: str, message: str) -> None:
    with pytest.raises(ConformanceError) as raised:
        check_backbone(factory)
    (line,) = [line for line in str(raised.value).splitlines() if f"FAILED {check}:" in line]
    assert message in line


def test_two_modules_at_one_position_are_refused() -> None:
    from salzoo.temporal.ema import EMA

    with pytest.raises(Exception, match="position 0 has a module of the network's own"):
        SaliencyModel(parse_spec("net+ema@0"), make(), {0: EMA(3, 6)})


def test_own_and_spec_modules_are_run_in_order_with_a_state_each() -> None:
    from salzoo.temporal.ema import EMA

    torch.manual_seed(0)
    model = SaliencyModel(parse_spec("net+ema@2"), make(), {2: EMA(1, 1, alpha=0.5)}).eval().double()
    clip = torch.randn(1, 6, 3, 32, 48, dtype=torch.float64)
    with torch.no_grad():
        maps, state = model(clip)
        assert len(state) == 2
        windows = [torch.cat([clip[:, max(0, t - k)] for k in reversed(range(LENGTH))], 1) for t in range(6)]
        plain = [model.backbone.layers[0].module(window) for window in windows]
        plain = [torch.sigmoid(model.backbone.layers[1].module(each)) for each in plain]
        average = plain[0]
        for t in range(6):
            average = average if t == 0 else 0.5 * average + 0.5 * plain[t]
            torch.testing.assert_close(maps[:, t], average, atol=1e-12, rtol=0)
        stills, kept = model(clip[:, 3:4], state, bypass=True)  # the window stays: a video of that frame alone
        assert kept is state
        alone = model.backbone.layers[0].module(clip[:, 3].repeat(1, LENGTH, 1, 1))
        torch.testing.assert_close(stills[:, 0], torch.sigmoid(model.backbone.layers[1].module(alone)))


@pytest.mark.parametrize(("end", "output"), [(Softmax(), "density"), (LogSoftmax(), "log-density")])
def test_a_density_sums_to_one_at_any_size_and_is_a_map_over_its_maximum(end: nn.Module, output: Output) -> None:
    from salzoo.temporal.ema import EMA

    torch.manual_seed(0)
    model = SaliencyModel(parse_spec("net+ema@2"), make(end=end, output=output), {2: EMA(1, 1, alpha=0.5)}).eval()
    with torch.no_grad():
        given, _ = model(torch.randn(1, 3, 3, 29, 43))
    density = given.exp() if output == "log-density" else given
    torch.testing.assert_close(density.sum((2, 3, 4)), torch.ones(1, 3))
    maps = model.as_maps(given)
    torch.testing.assert_close(maps, density / density.amax((-2, -1), keepdim=True))
