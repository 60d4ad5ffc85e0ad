"""``salzoo watch``: a camera with its saliency on a page."""

from typing import Any

import click

from salzoo.cli.run_options import live_run_options, read_run_options


@click.command("watch")
@click.argument("words", nargs=-1, metavar="[MODEL] [CAMERA]")
@click.option("--port", type=click.IntRange(0, 65535), default=7861, show_default=True, help="0 for any that is free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Another address lets other machines in, whose users must open the address that is shown: it holds a secret.",
)
@live_run_options
def watch_command(words: tuple[str, ...], port: int, host: str, **named: Any) -> None:
    """Show a camera with the model's heat over it on a page of this machine, until Ctrl-C.

    CAMERA is its number (0, the default), the URL of a stream, or a video file, which plays again and again at its own
    pace. MODEL is as for predict. The newest frame is run first; those that come too late are dropped and counted.
    """
    from salzoo.app.watching import watch_camera
    from salzoo.hub.sources import DEFAULT_MODEL, names_model

    if len(words) > 2:
        raise click.UsageError("name a MODEL and a CAMERA")
    model, camera = words if len(words) == 2 else (DEFAULT_MODEL, "0")
    if len(words) == 1:
        model, camera = (words[0], "0") if names_model(words[0]) else (DEFAULT_MODEL, words[0])
    kept = watch_camera(model, camera, read_run_options(named), host=host, port=port, report=click.echo)
    click.echo(str(kept))
