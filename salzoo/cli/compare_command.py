"""``salzoo compare``: results beside each other."""

from pathlib import Path

import click


@click.command("compare")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A.json B.json...")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="SVG or PNG file. By default compare.svg."
)
def compare_command(files: tuple[Path, ...], out: Path | None) -> None:
    """Compare results that salzoo eval wrote.

    Shown are the means with bootstrap intervals of 95 %, which resample videos, and the paired differences from the
    first result with theirs. The picture shows the score of every video.
    """
    from salzoo.charts.saving import save_drawing
    from salzoo.evaluation.comparison import compare_files, format_comparison
    from salzoo.evaluation.plots import draw_per_video
    from salzoo.runtime.files import check_output

    out = out or Path("compare.svg")
    check_output(out)
    found = compare_files(files)
    save_drawing(draw_per_video(found), out)
    click.echo(format_comparison(found))
    click.echo(f"scores of each video in {out}")
