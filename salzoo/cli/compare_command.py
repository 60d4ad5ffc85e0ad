"""``salzoo compare``: results beside each other."""

from pathlib import Path

import click


@click.command("compare")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A.json B.json...")
@click.option(
    "-o",
    "--out",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write, by the ending: a long table (.csv), one for LaTeX (.tex), a chart (.svg, .png); may be repeated.",
)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Of these alone; may be repeated.")
@click.option(
    "--plot",
    type=click.Choice(["scores", "videos", "frames", "layers"]),
    default="scores",
    show_default=True,
    help="What the chart shows: means with intervals; differences from the first by video; the frames of --video, of "
    "results with --per-frame; means over the layer of the temporal module, as of a sweep.",
)
@click.option("--video", help="Whose frames are shown.")
def compare_command(
    files: tuple[Path, ...], out: tuple[Path, ...], metrics: tuple[str, ...], plot: str, video: str | None
) -> None:
    """Compare results that salzoo eval wrote.

    Shown are the means with bootstrap intervals of 95 %, which resample videos, and the paired differences from the
    first result, with their intervals and the p-values of a permutation test.
    """
    from salzoo.evaluation.comparison import compare_files, format_comparison
    from salzoo.evaluation.export import check_ending, save_comparison
    from salzoo.runtime.files import check_output

    for path in out:
        check_ending(path)
        check_output(path)
    found = compare_files(files, metrics)
    for path in out:
        save_comparison(found, path, "frames" if video is not None else plot, video)
    click.echo(format_comparison(found))
    if out:
        click.echo(f"written: {', '.join(map(str, out))}")
