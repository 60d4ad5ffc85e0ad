"""What the authors' files call the network's tensors: ``salicon_A.pth`` and ``coco_A.pth``, ``salicon_C.pth`` and
``coco_C.pth``."""

from salzoo.interfaces import PublishedWeights

TRAINED_ON = ("ImageNet", "SALICON", "COCO")
"""Of all four files together: two saw SALICON, two COCO with maps of a network that SALICON had trained."""

_ENCODER = {f"ecer.{number}.": f"backbone.encoder{number}." for number in range(19)}


def _adaptation(layers: dict[int, str]) -> dict[str, str]:
    """Convolutions of the adaptation, which the code calls by their number in a sequence, and older files "conv0"."""
    return {
        f"adaptation_layer.layers.{number}.{called}.": f"backbone.{layer}.adapt.conv."
        for number, layer in layers.items()
        for called in ("0", "conv0")
    }


HEAD_A = PublishedWeights(
    spec="fastsal",
    trained_on=TRAINED_ON,
    wrapper="student_model",
    names={
        **_ENCODER,
        **_adaptation({0: "add1", 1: "add2", 2: "add3", 3: "adapt4"}),
        **{f"adp{number}.": f"backbone.add{number}." for number in range(1, 5)},
        "comb.layers.0.0.": "backbone.score.",
        "comb.layers.0.conv0.": "backbone.score.",
    },
)

HEAD_C = PublishedWeights(
    spec="fastsal:head=c",
    trained_on=TRAINED_ON,
    wrapper="student_model",
    names={
        **_ENCODER,
        **_adaptation({0: "join1", 1: "join2", 2: "join3", 3: "adapt4"}),
        "comb.layers.0.1.": "backbone.score.1.",
        "comb.layers.0.conv1.": "backbone.score.1.",
    },
)
