"""``salzoo predict``: where people look in a video or image."""

from pathlib import Path

import click


@click.command("predict")
@click.argument("model")
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="What to write: .mp4, .webm (which browsers play) or .avi for an overlay video, .png or .jpg for an overlay "
    "image, a name without an ending for a folder of maps.",
)
@click.option("--device", help="cpu, cuda, cuda:1, mps; by default the best one here.")
def predict_command(model: str, video: Path, out: Path, device: str | None) -> None:
    """Draw where people look over VIDEO (a video or an image), or save the maps of MODEL.

    MODEL is a run or checkpoint folder, a name that `salzoo list models` shows, or the spec of a model that needs no
    training, such as spectral-residual.

    An overlay video has the frames of the input and no sound. Maps are 8-bit grey PNGs at the frame's size, numbered
    0001.png, 0002.png, … as the DHF1K benchmark takes them.
    """
    from salzoo.prediction.runs import predict
    from salzoo.runtime.devices import choose_device

    chosen = choose_device(device)
    click.echo(f"device: {chosen}")
    done = predict(model, video, out, device=chosen)
    frames = "1 frame" if done.frames == 1 else f"{done.frames} frames"
    click.echo(f"{done.out}: {frames} in {done.seconds:.1f} s, {done.frames / done.seconds:.1f} frames/s")
