"""``salzoo report``: runs and results as one page."""

from pathlib import Path

import click


@click.command("report")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN|RESULT.json...")
@click.option(
    "--frames",
    type=click.IntRange(0, 1000),
    default=100,
    show_default=True,
    help="Frames to show of a run's best, median and worst video; 0 for no pictures.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="HTML file. By default report.html.")
def report_command(paths: tuple[Path, ...], frames: int, out: Path | None) -> None:
    """Write a page on runs and results, to open anywhere and to send.

    The HTML file holds all that it shows and asks for nothing else: scores with intervals beside baselines, people and
    what cards report, paired differences from the first model, the spread over videos; of a run also how it was
    trained, how that went, and where its data set is at hand its best, median and worst video as strips and clips; of
    what salzoo regions wrote as .json the picture with its regions and their shares; and the commands that give it all
    again. It has at most 20 MB.
    """
    from salzoo.report.writing import write_report
    from salzoo.runtime.files import check_output

    out = out or Path("report.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"a report's name ends in .html: {out}")
    check_output(out)
    write_report(paths, out, frames=frames, report=lambda line: click.echo(line, err=True))
    click.echo(f"report in {out}: {out.stat().st_size / 1e6:,.1f} MB")
