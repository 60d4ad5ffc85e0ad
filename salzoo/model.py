"""Composition: from a spec to a model that runs on clips.

>>> import torch
>>> model = create_model("salgan:width=0.05+ema@61").eval()
>>> clip = torch.zeros(1, 4, 3, 30, 40)
>>> maps, state = model(clip)
>>> maps.shape
torch.Size([1, 4, 1, 30, 40])
>>> maps, state = model(clip, state)  # the video goes on
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from salzoo.footprint import check_weights
from salzoo.interfaces import Backbone, SalzooError, State, reset_slots
from salzoo.interfaces.errors import one_line
from salzoo.notebook import html_table
from salzoo.plugins import registry
from salzoo.registry import NOUNS, Kind, did_you_mean
from salzoo.runtime.memory import is_out_of_memory
from salzoo.spec import Component, Placed, Spec, check_params, parse_spec
from salzoo.trained_on import TrainedOn

_STRETCH = 8
"""Layers between activations that are kept where activations are checkpointed: near the root of their number, which
costs the least memory for one more forward pass."""


class SaliencyModel(nn.Module):
    """A backbone with temporal modules at some of its positions.

    Attributes:
        spec: the canonical spec.
        backbone: the layers.
        temporal: the spec's temporal modules by position, as a text ("61"). (The network's own are the backbone's.)
        preprocessing: what the input must be; a training run at another size replaces the backbone's own.
        trained_on: the data that its weights come from; none where they are random.
        checkpoint_activations: whether training keeps the activations of every eighth layer alone, and computes the
            others again in the backward pass: less memory for more time.

    Build one with ``create_model`` or ``load_model``.
    """

    def __init__(self, spec: Spec, backbone: Backbone, temporal: dict[int, nn.Module]) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = backbone
        self.temporal = nn.ModuleDict({str(position): temporal[position] for position in sorted(temporal)})
        for position in temporal:
            if position < len(backbone.layers) and backbone.layers[position].temporal is not None:
                raise SalzooError(f"{spec}: position {position} has a module of the network's own; put yours elsewhere")
        self.preprocessing = backbone.preprocessing
        self.trained_on = TrainedOn()
        self._leaves_range = _may_leave_unit_range(temporal, len(backbone.layers))
        self.ends_with_sigmoid = backbone.output == "map" and self._leaves_range
        self.checkpoint_activations = False
        self._linked = {source for layer in backbone.layers for source in layer.links}

    def _repr_html_(self) -> str:
        """What the model is, as a notebook shows it."""
        over_time = [f"{module} at {position}" for position, module in self.modules_over_time.items()]
        rows = [
            ["layers", f"{len(self.backbone.layers)}"],
            ["parameters", f"{sum(each.numel() for each in self.parameters()):,}"],
            ["input", f"{'×'.join(map(str, self.preprocessing.size))} pixels, height first"],
            ["over time", "; ".join(over_time) or "nothing: each frame by itself"],
            ["device", str(self.device)],
        ]
        return html_table(str(self.spec), rows)

    @property
    def device(self) -> torch.device:
        """Where the weights are (the CPU for a model without any)."""
        return next(
            (tensor.device for tensor in itertools.chain(self.parameters(), self.buffers())), torch.device("cpu")
        )

    @property
    def modules_over_time(self) -> dict[int, nn.Module]:
        """The network's own temporal modules and the spec's by position, in order; a state has an item for each."""
        own = {i: layer.temporal for i, layer in enumerate(self.backbone.layers) if layer.temporal is not None}
        return dict(sorted({**own, **{int(position): module for position, module in self.temporal.items()}}.items()))

    @property
    def timed(self) -> bool:
        """Whether a module's constants are in seconds, so that the model must be told a video's rate."""
        return any(getattr(module, "timed", False) for module in self.temporal.values())

    def at_rate(self, rate: float) -> "SaliencyModel":
        """The model, with the same weights, for videos of so many frames per second; itself where nothing depends on
        that, or the rate is 0: not known."""
        if not (rate and self.timed):
            return self
        modules: dict[str, Any] = dict(self.temporal.items())
        temporal = {
            int(i): each.at_rate(rate) if getattr(each, "timed", False) else each for i, each in modules.items()
        }
        told = SaliencyModel(self.spec, self.backbone, temporal)
        told.preprocessing, told.trained_on, told.training = self.preprocessing, self.trained_on, self.training
        return told

    @property
    def passes_stills_by(self) -> bool:
        """Whether ``bypass`` leaves anything out."""
        return any(not _is_always(module) for module in self.modules_over_time.values())

    @property
    def has_still_path(self) -> bool:
        """Whether the network itself treats still images otherwise, as UNISAL, which leaves out its recurrent layer:
        they then run with ``bypass``. To any other model a still is the first frame of a video: a network that a spec's
        module (SalCLSTM) was trained within, on videos, need not work without it."""
        return any(not _is_always(layer.temporal) for layer in self.backbone.layers if layer.temporal is not None)

    @property
    def looks_back(self) -> int | None:
        """Frames before its own that a map may depend on; None where that is all of them."""
        windows = [int(getattr(module, "length", 0)) for module in self.modules_over_time.values()]
        return None if self.temporal or 0 in windows else sum(windows) - len(windows)

    @classmethod
    def from_pretrained(cls, source: str) -> "SaliencyModel":
        """A model with its weights, in evaluation mode: the same as ``salzoo.load_model(source)``."""
        from salzoo.hub.sources import load_model  # hub stands above this room

        return load_model(source)

    def save_pretrained(self, folder: str) -> None:
        """Write the model as a checkpoint folder, with a card that names its spec."""
        from salzoo.hub.cards import run_card
        from salzoo.hub.checkpoint import save_checkpoint

        save_checkpoint(self, folder, run_card(str(self.spec), data="Not stated.", training=()))

    def push_to_hub(self, repo_id: str, *, private: bool = False, overwrite: bool = False) -> str:
        """Put the model on the Hugging Face Hub as ``org/repo``, as ``salzoo push`` does. Returns the commit's URL."""
        import tempfile

        from salzoo.hub.pushing import push

        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return push(folder, repo_id, private=private, overwrite=overwrite).url

    def predict(self, frames: Any, *, order: str, video: bool = True) -> Any:
        """Predict where people look, from pictures as they are.

        >>> model = create_model("center-bias")
        >>> model.predict(np.zeros((90, 160, 3), np.uint8), order="rgb").shape
        (90, 160)

        Args:
            frames: one picture (H, W, 3), the frames of a video (T, H, W, 3), or a list of pictures, of any size; NumPy
                or torch, uint8, or float in [0, 1].
            order: of the channels, "rgb" (Pillow, imageio, PyAV) or "bgr" (OpenCV).
            video: whether several pictures are the frames of one video in their order; otherwise none knows of another.

        Returns:
            float32 maps in [0, 1], each of its picture's size: (H, W), (T, H, W), or a list of (H, W).

        Raises:
            SalzooError: for anything else.
        """
        from salzoo.prediction.arrays import predict_arrays  # prediction stands above this room

        return predict_arrays(self, frames, order=order, video=video)

    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        """Turn frames (T, H, W, 3), BGR, decoded and resized, into a clip (1, T, 3, H, W), float32, on the model's
        device."""
        clip = torch.from_numpy(np.ascontiguousarray(frames)).to(self.device).permute(0, 3, 1, 2)
        if self.preprocessing.channel_order == "rgb":
            clip = clip.flip(1)
        mean, std = (
            torch.tensor(values, device=self.device).view(3, 1, 1)
            for values in (self.preprocessing.mean, self.preprocessing.std)
        )
        return ((clip - mean) / std).unsqueeze(0)

    def forward(
        self, clip: Tensor, state: State = None, *, starts: Tensor | None = None, bypass: bool = False
    ) -> tuple[Tensor, State]:
        """Predict the saliency maps of a clip.

        Args:
            clip: (B, T, 3, H, W), preprocessed, any H and W: sizes that the strides do not divide are padded (edge
                pixels repeated) and the maps cropped.
            state: what the previous clip of these videos returned; None where they start.
            starts: (B,) bool, the slots of the batch in which a new video begins; their state is ignored.
            bypass: take each frame for a still image: temporal modules are left out, but for those of the network's own
                that are ``always`` needed, to which each frame is a video; the state stays as it is.

        Returns:
            Maps (B, T, 1, H, W), of the kind ``backbone.output``: in [0, 1], or a density, or its logarithm
            (``as_maps`` turns all into maps in [0, 1]); and the state for the next clip, a tuple with an item for each
            of ``modules_over_time``.
        """
        modules = self.modules_over_time
        state = self._check_input(clip, state, starts, len(modules))
        batch = clip.shape[:2]
        if bypass:
            batch = torch.Size((batch.numel(), 1))
            modules = {position: module for position, module in modules.items() if _is_always(module)}
        maps, new = self._run_layers(self._fit_in(clip.flatten(0, 1)), batch, None if bypass else state, modules)
        if self.ends_with_sigmoid and not bypass:
            maps = torch.sigmoid(maps)
        maps = self._fit_out(maps, clip.shape[-2:])
        return maps.unflatten(0, clip.shape[:2]), state if bypass else new

    @torch.no_grad()
    def prime(self, clip: Tensor, state: State = None, *, starts: Tensor | None = None) -> State:
        """The state after frames whose maps nobody wants, without gradient: layers run only as far as some temporal
        module needs what they give. Nothing runs for a ``Window`` on the frames alone.

        Args and errors are those of ``forward``.
        """
        modules = self.modules_over_time
        state = self._check_input(clip, state, starts, len(modules))
        if not modules:
            return ()
        frames = self._fit_in(clip.flatten(0, 1))
        return self._run_layers(frames, clip.shape[:2], state, modules, state_alone=True)[1]

    def look_inside(self, frames: Tensor, position: int) -> tuple[Tensor, Tensor]:
        """What ``forward`` gives for frames (N, 3, H, W), each by itself, as (N, 1, H, W); and what leaves a layer on
        the way, (N, C, h, w)."""
        seen: dict[Any, Tensor] = {position: frames}
        output, _ = self._run_layers(self._fit_in(frames), torch.Size((len(frames), 1)), None, {}, seen=seen)
        return self._fit_out(output, frames.shape[-2:]), seen[position]

    def as_maps(self, output: Tensor) -> Tensor:
        """What ``forward`` gives, as maps in [0, 1]: a density is divided by its maximum, frame by frame."""
        if self.backbone.output == "map":
            return output
        if self.backbone.output == "log-density":
            return torch.exp(output - output.amax((-2, -1), keepdim=True))
        return output / output.amax((-2, -1), keepdim=True)

    def _check_input(self, clip: Tensor, state: State, starts: Tensor | None, modules: int) -> State:
        """Check the shapes of a call; the state, with the slots reset in which videos start."""
        if not isinstance(clip, Tensor) or not clip.is_floating_point():
            kind = f"a tensor of {clip.dtype}" if isinstance(clip, Tensor) else f"of type {type(clip).__name__}"
            raise ValueError(
                f"a clip is a tensor of floats that model.preprocess made, not {kind}; model.predict(frames, "
                "order=...) takes pictures as they are"
            )
        if clip.dim() != 5 or clip.shape[2] != 3 or 0 in clip.shape:
            raise ValueError(
                f"a clip has shape (B, T, 3, H, W), none of them 0, not {tuple(clip.shape)}; model.predict(frames, "
                "order=...) takes pictures as they are"
            )
        if state is not None and len(state) != modules:
            raise ValueError(f"the state has {len(state)} items for {modules} temporal modules: not this model's")
        return state if starts is None else reset_slots(state, starts)

    def _fit_in(self, frames: Tensor) -> Tensor:
        height, width = frames.shape[-2:]
        fixed = self.preprocessing.fixed_size
        if fixed is not None:
            return frames if (height, width) == fixed else _resize(frames, fixed)
        down, right = -height % self.backbone.stride, -width % self.backbone.stride
        return F.pad(frames, (0, right, 0, down), mode="replicate") if down or right else frames

    def _fit_out(self, maps: Tensor, size: torch.Size) -> Tensor:
        kind, whole = self.backbone.output, maps.shape[-2:] == size
        if self.preprocessing.fixed_size is None:
            maps = maps[..., : size[0], : size[1]]
        elif not whole:
            maps = _resize(maps, tuple(size))
            maps = maps if kind == "log-density" else maps.clamp(0, 1)
        if kind == "map" or (whole and not self.temporal):
            return maps
        # A part of a density, or an average of some, sums to one again.
        if kind == "log-density":
            return maps - maps.logsumexp((-2, -1), keepdim=True)
        if self._leaves_range:
            return maps.flatten(-2).softmax(-1).view_as(maps)
        return maps / maps.sum((-2, -1), keepdim=True)

    def _run_layers(
        self,
        x: Tensor,
        batch: torch.Size,
        state: State,
        modules: Mapping[int, nn.Module],
        *,
        state_alone: bool = False,
        seen: dict[Any, Tensor] | None = None,
    ) -> tuple[Tensor, State]:
        """Run all layers on frames (B·T, C, H, W), each temporal module around its own; for the state alone, as far as
        the last module needs. ``seen`` gets what leaves the positions that are its keys."""
        states = dict(zip(modules, state or (None,) * len(modules), strict=True)) if modules else {}
        last = max(modules) if state_alone else None
        left: dict[Any, Tensor] = {} if seen is None else seen  # by position, or (position, side output), for links

        def run_layer(position: int, x: Tensor) -> Tensor:
            if position == len(self.backbone.layers):
                return x
            layer = self.backbone.layers[position]
            if layer is self.backbone.layers[-1] and x.dtype in (torch.float16, torch.bfloat16):
                x = x.float()  # under autocast: maps near 0 and 1 need the digits
            if missing := [link for link in layer.links if link not in left]:
                raise RuntimeError(f"layer {position} ({layer.name}) links to {missing[0]}, which no layer gives")
            result = layer.module(x, *(left[link] for link in layer.links))
            if isinstance(result, Tensor):
                return result
            result, sides = result
            left.update({(position, k): side for k, side in enumerate(sides) if (position, k) in self._linked})
            return result  # type: ignore[no-any-return]

        def run_stretch(stretch: range, x: Tensor) -> Tensor:
            for position in stretch:
                x = run_layer(position, x)
            return x

        for stretch in self._stretches(modules):
            position = stretch[-1]
            module = modules.get(position)
            if module is None and len(stretch) > 1:
                x = checkpoint(run_stretch, stretch, x, use_reentrant=False)
            elif module is None:
                x = run_layer(position, x)
            else:
                layer = _OneCall(position, batch, run_layer)
                try:
                    prime: Callable[..., State] | None = getattr(module, "prime", None)
                    if position == last and prime is not None:
                        states[position] = prime(x.unflatten(0, batch), states[position])
                        break
                    y, states[position] = module(x.unflatten(0, batch), layer, states[position])
                except SalzooError as error:
                    raise SalzooError(f"{self.spec}: the module at {position} does not fit: {error}") from error
                layer.check()
                x = y.flatten(0, 1)
            if position in self._linked or position in left:
                left[position] = x
            if position == last:
                break
        return x, tuple(states.values())

    def _stretches(self, modules: Mapping[int, nn.Module]) -> list[range]:
        """Positions 0..L cut into what runs at once: each alone, but for stretches of plain layers whose activations
        are computed again in the backward pass."""
        count = len(self.backbone.layers)
        if not (self.checkpoint_activations and self.training and torch.is_grad_enabled()):
            return [range(position, position + 1) for position in range(count + 1)]
        read = {link if isinstance(link, int) else link[0] for link in self._linked}

        def joins(position: int) -> bool:
            return position < count and position not in modules and not self.backbone.layers[position].links

        stretches = [range(1)]
        for position in range(1, count + 1):
            last = stretches[-1]
            if joins(position) and joins(last[-1]) and last[-1] not in read and len(last) < _STRETCH:
                stretches[-1] = range(last.start, position + 1)
            else:
                stretches.append(range(position, position + 1))
        return stretches


@dataclass
class _OneCall:
    """A layer as a temporal module sees it: on clips, to be called once with all frames."""

    position: int
    batch: torch.Size
    run_layer: Callable[[int, Tensor], Tensor]
    calls: int = 0

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape[:2] != self.batch:
            raise RuntimeError(
                f"the module at {self.position} called its layer on {tuple(x.shape[:2])} of {tuple(self.batch)} frames"
            )
        self.calls += 1
        y: Tensor = self.run_layer(self.position, x.flatten(0, 1)).unflatten(0, self.batch)
        return y

    def check(self) -> None:
        if self.calls != 1:
            raise RuntimeError(f"the module at {self.position} called its layer {self.calls} times, not once")


def create_model(spec: str | Spec) -> SaliencyModel:
    """Build the model that a spec names, with freshly initialised weights (seed them with ``torch.manual_seed``).

    Raises SalzooError for a malformed spec, an unknown name or parameter, a position out of range or taken, a module
    whose shapes do not fit there, and more weights than fit into memory.
    """
    spec = canonical_spec(spec)
    if torch.get_default_device().type == "meta":
        return _build(spec)  # not tried out: there that takes seconds, for torch imports its compiler
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        check_weights(_build(spec), str(spec))
    model = _build(spec)
    if spec.temporal:
        _try_out(model)
    return model


def channels_last(model: SaliencyModel) -> SaliencyModel:
    """A model, changed in place: kernels over two dimensions lie in memory with their channels last, which is faster;
    those over three stay."""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def canonical_spec(spec: str | Spec) -> Spec:
    """Parse a spec and resolve the aliases in it. Raises SalzooError for unknown names.

    >>> str(canonical_spec("centre-bias"))
    'center-bias'
    """
    if isinstance(spec, str):
        spec = parse_spec(spec)

    def resolve(kind: Kind, component: Component) -> Component:
        return Component(registry().find(kind, component.name).name, component.params)

    backbone = resolve("backbones", spec.backbone)
    return Spec(backbone, tuple(Placed(resolve("temporal", t.component), t.position) for t in spec.temporal))


def resolve_position(backbone: Backbone, position: int | str) -> int:
    """The position 0..L of an index or landmark. Raises SalzooError when the backbone has no such position."""
    last = len(backbone.layers)
    if isinstance(position, str):
        if position not in backbone.landmarks:
            raise SalzooError(
                f"no landmark {position!r}{did_you_mean(position, backbone.landmarks)}; positions are 0..{last}"
            )
        return backbone.landmarks[position]
    resolved = position + last if position < 0 else position
    if not 0 <= resolved <= last:
        raise SalzooError(f"position {position} is out of range 0..{last} (-1 is layer {last - 1})")
    return resolved


def describe_shapes(spec: str | Spec, size: tuple[int, int] | None = None) -> tuple[SaliencyModel, list[torch.Size]]:
    """Build a model without weights and run one small clip through it without arithmetic (on the meta device).

    Args:
        spec: the model.
        size: (height, width) of the frames; by default two strides each way, the least that tells all shapes apart.

    Returns:
        The model, and the shape (C, H, W) that leaves each layer 0..L−1.

    Raises:
        SalzooError: when a temporal module's shapes do not fit where it stands.
    """
    spec = canonical_spec(spec)
    with torch.device("meta"):
        model = _build(spec)
    shapes: list[torch.Size] = []

    def note_shape(_module: nn.Module, _inputs: Any, output: Any) -> None:
        shapes.append((output if isinstance(output, Tensor) else output[0]).shape[1:])

    for layer in model.backbone.layers:
        layer.module.register_forward_hook(note_shape)
    _try_out(model, size)
    return model, shapes


def _try_out(model: SaliencyModel, size: tuple[int, int] | None = None) -> None:
    """Run two small frames; raise SalzooError where the shapes do not fit."""
    height, width = size or model.preprocessing.fixed_size or (2 * model.backbone.stride,) * 2
    try:
        with torch.no_grad():
            maps, _ = model.eval().at_rate(25)(torch.zeros(1, 2, 3, height, width, device=model.device))
    except SalzooError:
        raise
    except Exception as error:  # whatever a plug-in's module raises
        if is_out_of_memory(error) and model.device.type != "meta":
            raise
        raise SalzooError(f"{model.spec}: the shapes do not fit: {one_line(error)}{of_one_size(model)}") from error
    finally:
        model.train()
    if maps.shape != (1, 2, 1, height, width):
        raise SalzooError(f"{model.spec}: two frames gave {tuple(maps.shape[1:])}, not maps {(2, 1, height, width)}")


def of_one_size(model: SaliencyModel) -> str:
    """What to add where a network fails at a size that it did not choose."""
    if model.preprocessing.fixed_size is not None:
        return ""
    return "; a network that runs at one size alone states it: Preprocessing(fixed_size=(height, width))"


def _build(spec: Spec) -> SaliencyModel:
    backbone = _call_factory("backbones", spec.backbone)
    if not isinstance(backbone, Backbone):
        raise SalzooError(f"backbone {spec.backbone.name!r} gave a {type(backbone).__name__}, not a salzoo Backbone")
    temporal: dict[int, nn.Module] = {}
    for placed in spec.temporal:
        position = resolve_position(backbone, placed.position)
        if position in temporal:
            raise SalzooError(f"{spec}: position {position} has a module already; only one can stand there")
        channels = backbone.channels_into(position), backbone.channels_out_of(position)
        module = _call_factory("temporal", placed.component, *channels)
        if not isinstance(module, nn.Module):
            raise SalzooError(f"temporal module {placed.component.name!r} is a {type(module).__name__}, not torch's")
        temporal[position] = module
    return SaliencyModel(spec, backbone, temporal)


def _call_factory(kind: Kind, component: Component, *args: Any) -> Any:
    entry = registry().find(kind, component.name)
    factory = entry.load()
    if not callable(factory):
        raise SalzooError(f"{component.name!r} of plug-in {entry.plugin} is a {type(factory).__name__}, no factory")
    params = check_params(component, factory)
    try:
        return factory(*args, **params)
    except SalzooError:
        raise
    except Exception as error:  # a third party's code, or torch on sizes that overflow
        raise SalzooError(f"{NOUNS[kind]} {component} cannot be made: {one_line(error)}") from error


def _is_always(module: nn.Module) -> bool:
    return bool(getattr(module, "always", False))


def _may_leave_unit_range(temporal: dict[int, nn.Module], last: int) -> bool:
    acts_on = {position: getattr(module, "acts_on", "both") for position, module in temporal.items()}
    return acts_on.get(last, "output") != "output" or acts_on.get(last - 1) == "both"


def _resize(images: Tensor, size: tuple[int, ...]) -> Tensor:
    images = images.to(torch.promote_types(images.dtype, torch.float32))  # under autocast the CPU has no other
    return F.interpolate(images, size, mode="bilinear", antialias=True)
