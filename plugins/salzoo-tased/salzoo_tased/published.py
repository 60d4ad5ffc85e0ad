"""What the authors' file calls the network's tensors."""

from salzoo.interfaces import PublishedWeights

_ENCODER = {("base1", 0): range(4), ("base2", 5): range(2), ("base3", 8): range(5), ("base4", 14): range(2)}
_DECODER = {
    "convtsp1": {"0": "convtsp1a.0", "1": "convtsp1a.1", "3": "convtsp1b.0", "4": "convtsp1b.1"},
    "convtsp2": {"0": "convtsp2.0", "1": "convtsp2.1"},
    "convtsp3": {"0": "convtsp3.0", "1": "convtsp3.1"},
    "convtsp4": {
        "0": "convtsp4a.0",
        "1": "convtsp4a.1",
        "3": "convtsp4b.0",
        "4": "convtsp4b.1",
        "6": "convtsp4c.0",
        "7": "convtsp4c.1",
        "9": "convtsp4d.0",
        "10": "convtsp4d.1",
        "12": "convtsp4e.0",
        "13": "map.conv",
    },
}

TASED = PublishedWeights(
    spec="tased-net",
    trained_on=("Kinetics-400", "DHF1K"),
    names={
        **{
            f"{part}.{number}.": f"backbone.s3d{first + number}.0."
            for (part, first), numbers in _ENCODER.items()
            for number in numbers
        },
        **{f"{part}.{number}.": f"backbone.{ours}." for part, own in _DECODER.items() for number, ours in own.items()},
    },
)
