"""Protocols: what exactly is computed when a data set is scored. A result names the protocol and its version."""

from dataclasses import dataclass

from salzoo.interfaces import SalzooError
from salzoo.registry import did_you_mean


@dataclass(frozen=True)
class Protocol:
    """How maps become scores.

    Attributes:
        name: what results call it.
        version: raised whenever the same maps could get another score.
        metrics: registered names of the metrics, in the order of the table.
        other_frames: frames whose fixations make up the other-fixations map of shuffled AUC.
        summary: the rules in a sentence.
    """

    name: str
    version: int
    metrics: tuple[str, ...]
    other_frames: int
    summary: str


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="dhf1k",
            version=1,
            metrics=("auc_judd", "auc_shuffled", "nss", "cc", "sim", "kld", "ig"),
            other_frames=10,
            summary=(
                "DHF1K benchmark (Wang et al., CVPR 2018): maps resized to the truth (bicubic, antialiased, mirrored "
                "borders), every frame scored, mean over frames where the score is defined; exact AUCs"
            ),
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises SalzooError with the nearest names."""
    if name not in PROTOCOLS:
        raise SalzooError(f"unknown protocol {name!r}{did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]
