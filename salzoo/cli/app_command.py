"""``salzoo app``: a page to look at videos and pictures on."""

from pathlib import Path

import click


@click.command("app")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 for any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets other machines in.")
@click.option("--space", metavar="ORG/NAME", help="Serve nothing: write the folder of this Hugging Face Space.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="That folder; by default NAME.")
def app_command(models: tuple[str, ...], port: int, host: str, space: str | None, out: Path | None) -> None:
    """Serve a page on this machine on which up to three models show where people look.

    Drop a video or pictures on it, or record with the camera. Opacity, colours and the weight of a moving average
    change what is shown without running the networks again; areas of interest give their share of attention; overlay,
    maps and measures can be downloaded. Ctrl-C ends it, and removes all files.

    MODEL is a run or checkpoint folder, or a name, to choose from beside those whose weights are at hand. A Space has
    only those named, or gaze-lite. Needs the extra "app" (Gradio).
    """
    if space is not None:
        from salzoo.app.space import write_space

        folder = write_space(space, models, out)
        click.echo(f"{folder}: put it up with hf upload {space} {folder} --repo-type space")
        return
    if out is not None:
        raise click.UsageError("--out goes with --space")
    from salzoo.app.serving import models_at_hand, serve

    names = list(dict.fromkeys([*models, *models_at_hand()]))
    serve(names, host, port, lambda address: click.echo(f"open {address} (Ctrl-C ends it)"))
