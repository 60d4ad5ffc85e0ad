"""What the authors' file calls the network's tensors."""

from salzoo.interfaces import PublishedWeights

UNISAL = PublishedWeights(
    spec="unisal",
    trained_on=("ImageNet", "DHF1K", "Hollywood-2", "UCF Sports", "SALICON"),
    names={
        **{f"cnn.features.{number}.": f"backbone.features{number}." for number in range(19)},
        "coarse_gaussians_": "backbone.priors.coarse_gaussians_",
        "post_cnn.inv_res.": "backbone.post_cnn.",
        "rnn.cell_list.0.": "backbone.recurrence_temporal.cell.",
        "post_rnn.": "backbone.recurrence_temporal.after.",
        "skip_2x.": "backbone.skip_2x.",
        "upsampling_2.": "backbone.upsampling_2.",
        "skip_4x.": "backbone.skip_4x.",
        "post_upsampling_2.inv_res.": "backbone.post_upsampling_2.",
        "adaptation_": "backbone.adaptation.adaptation_",
        "smoothing_": "backbone.smoothing.smoothing_",
    },
    ignored=("rnn.cell_list.0.drop_mask_1",),
)
