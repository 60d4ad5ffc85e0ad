"""Protocols: what exactly is computed when a data set is scored. A result names the protocol and its version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from salzoo.evaluation import mit, salema
from salzoo.interfaces import Metric, SalzooError
from salzoo.metrics import resize_prediction
from salzoo.plugins import registry
from salzoo.registry import did_you_mean
from salzoo.spec import Component, check_params, parse_component

Map = NDArray[Any]


@dataclass(frozen=True)
class Protocol:
    """How maps become scores.

    Attributes:
        name: what results call it.
        version: raised whenever the same maps could get another score.
        metrics: names of the metrics, in the order of the table.
        resize: brings a prediction (h, w), of any kind and scale, to the truth's size.
        other_frames: frames whose fixations make up the other-fixations map of shuffled AUC.
        other_frames_of: the same, for data sets where it is another number.
        one_map_per_video: whether that map is one for all frames of a video, from other videos alone; otherwise each
            frame has its own, from all.
        mean_of_videos: whether the score is the mean of the videos' means; otherwise that over all frames.
        each_fixation: whether several fixations at one pixel count each: the protocol's own metrics then take maps of
            their numbers instead of bool.
        own_metrics: metrics defined otherwise than the registered ones of their name.
        reduce: what is done to every map (prediction, density, fixations, others) at the truth's size before scoring.
        summary: the rules in a sentence.
    """

    name: str
    version: int
    metrics: tuple[str, ...]
    resize: Callable[[Map, tuple[int, int]], Map]
    other_frames: int
    summary: str
    other_frames_of: Mapping[str, int] = field(default_factory=dict)
    one_map_per_video: bool = False
    mean_of_videos: bool = False
    each_fixation: bool = False
    own_metrics: Mapping[str, Metric] = field(default_factory=dict)
    reduce: Callable[[Map], Map] | None = None

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def load_metrics(self, more: Sequence[str] = ()) -> dict[str, Metric]:
        """The metrics by the names of their columns, in the order of the table: the protocol's own, then more of them
        ("emd", "emd:reduction=16").

        Raises SalzooError for an unknown metric or parameter, and for one that is in the table already.
        """
        metrics = {name: self.own_metrics.get(name) or find_metric(name) for name in self.metrics}
        for text in more:
            metric = find_metric(text)
            column = str(Component(metric.name, parse_component(text).params))
            if column in metrics:
                raise SalzooError(f"metric {text}: {column} is among the scores already")
            metrics[column] = metric
        return metrics


def find_metric(component: str) -> Metric:
    """The registered metric that a name, with or without parameters, means.

    Parameters are those of the metric's class: "emd:reduction=16" is what EMD(reduction=16) is.
    """
    parsed = parse_component(component)
    metric: Metric = registry().find("metrics", parsed.name).load()
    if not parsed.params:
        return metric
    made: Metric = type(metric)(**check_params(parsed, type(metric)))
    return made


def resize_as_benchmark(prediction: Map, size: tuple[int, int]) -> Map:
    """The benchmark's resize; a map of that size already stays as it is, 8-bit maps 8-bit."""
    return prediction if prediction.shape == size else resize_prediction(prediction, size)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="dhf1k",
            version=1,
            metrics=("auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig"),
            resize=resize_as_benchmark,
            other_frames=10,
            summary=(
                "DHF1K benchmark (Wang et al., CVPR 2018): maps resized to the truth (bicubic, antialiased, mirrored "
                "borders), mean over frames where the score is defined; exact AUCs"
            ),
        ),
        Protocol(
            name="mit",
            version=1,
            metrics=("auc", "auc_shuffled", "nss", "cc", "sim", "kld", "ig"),
            resize=resize_as_benchmark,
            other_frames=10**9,
            one_map_per_video=True,
            each_fixation=True,
            own_metrics=mit.METRICS,
            summary=(
                "MIT/Tübingen benchmark as pysaliency computes it: every fixation counts, AUC against all pixels, ties "
                "half, shuffled AUC against the fixations of one frame of every other video, NSS with the deviation "
                "over N, IG of densities as they are"
            ),
        ),
        Protocol(
            name="salema",
            version=2,
            metrics=("auc_judd", "auc_shuffled", "nss", "cc", "sim"),
            resize=salema.resize,
            other_frames=40,
            other_frames_of={"hollywood2": 10},
            one_map_per_video=True,
            mean_of_videos=True,
            own_metrics=salema.METRICS,
            reduce=salema.halve,
            summary=(
                "Python script of the SalEMA authors (Linardos et al., BMVC 2019): maps over their own range in "
                "8 bits, resized bilinearly, then all maps halved; NSS with the deviation over N, one set of other "
                "fixations a video, mean of the videos' means; exact AUCs"
            ),
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises SalzooError with the nearest names."""
    if name not in PROTOCOLS:
        raise SalzooError(f"unknown protocol {name!r}{did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]
