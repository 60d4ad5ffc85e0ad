"""``salzoo app``: a page to look at videos and pictures on."""

from pathlib import Path

import click


@click.command("app")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 for any that is free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Another address lets other machines in, whose users must open the address that is shown: it holds a secret.",
)
@click.option("--dataset", help="Look at this data set's pictures or videos too, with people's gaze over them.")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="test", show_default=True, help="Which of its splits.")
@click.option("--space", metavar="ORG/NAME", help="Serve nothing: write the folder of this Hugging Face Space.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="That folder; by default NAME.")
def app_command(
    models: tuple[str, ...], port: int, host: str, space: str | None, out: Path | None, **dataset: str | Path | None
) -> None:
    """Serve a page on this machine on which up to three models show where people look.

    Drop a video or pictures on it. Opacity, colours and an average over time in the place of the model's own change
    what is shown at once; regions drawn with the mouse, or of a file that salzoo regions takes, give their share of
    attention over time; the overlay, the picture and the numbers can be downloaded. Ctrl-C ends it, and removes all
    files.

    MODEL is a run or checkpoint folder, or a name, to choose from beside those whose weights are at hand. A Space has
    only those named, or gaze-lite.
    """
    if space is not None:
        from salzoo.app.space import write_space

        folder = write_space(space, models, out)
        click.echo(f"{folder}: put it up with hf upload {space} {folder} --repo-type space")
        return
    if out is not None:
        raise click.UsageError("--out goes with --space")
    from salzoo.app.looking import serve

    click.echo("starting: the models' process loads first")
    name, root, split = (None if each is None else str(each) for each in dataset.values())
    chosen = () if name is None else (name, root, split)
    serve(models, host, port, dataset=chosen, at_hand=True)
