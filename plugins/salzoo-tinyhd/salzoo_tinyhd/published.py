"""What the authors' file calls the network's tensors."""

from salzoo.interfaces import PublishedWeights

TINYHD = PublishedWeights(
    spec="tinyhd",
    trained_on=("Kinetics-400", "DHF1K"),
    wrapper="student_model",
    names={
        **{f"encoder.encoder.{number}.": f"backbone.encoder{number}." for number in range(19)},
        "aggregator.aggregate_adapter.": "backbone.decoders.blocks.",
        "decoder.decoder.0.": "backbone.merge.0.",
    },
)
