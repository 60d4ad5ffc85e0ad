"""``salzoo export``: a model as a program that runs without salzoo."""

from pathlib import Path
from typing import Literal

import click

from salzoo.cli.types import parse_size


@click.command("export")
@click.argument("model")
@click.option("--to", type=click.Choice(["torch-export", "onnx"]), required=True, help="The program's format.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--size", type=parse_size, metavar="HxW", help="Size of the frames; by default the model's own.")
@click.option("--dynamic", is_flag=True, help="Take any number of frames, of any size.")
def export_command(
    model: str, to: Literal["torch-export", "onnx"], out: Path, size: tuple[int, int] | None, dynamic: bool
) -> None:
    """Write MODEL as a program: one frame and the temporal state in, its map and the new state out.

    State is zeros at a video's start. The program is compared with the model before the file is kept; the file's
    metadata states how frames are preprocessed.

    With --dynamic, an ONNX program pads frames as the model does, and the state has the padded frame's size; a
    torch-export program refuses sizes that the stride does not divide.
    """
    from salzoo.hub.exporting import export_model
    from salzoo.hub.sources import load_model

    loaded = load_model(model)
    done = export_model(loaded, out, to=to, size=size, dynamic=dynamic)
    for kind, tensors in (("in", done.inputs), ("out", done.outputs)):
        for name, shape in tensors.items():
            click.echo(f"{kind:4}{name}  {'x'.join(map(str, shape))}")
    blur = loaded.backbone.finishing.blur
    if blur > 1:
        click.echo(f"Note: salzoo blurs its maps at the frame's size, {blur}×{blur}, as its authors do; this does not.")
    click.echo(f"{done.path}: its maps differ from the model's by at most {done.difference:.1e}")
