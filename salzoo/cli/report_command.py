"""``salzoo report``: runs and results as one page."""

from pathlib import Path

import click


@click.command("report")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN|RESULT.json...")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="HTML file. By default report.html.")
def report_command(paths: tuple[Path, ...], out: Path | None) -> None:
    """Write a page on runs and results, to open anywhere and to send.

    The HTML file holds all that it shows and asks for nothing else: scores with intervals beside baselines, people and
    what cards report, paired differences from the first model, the spread over videos; of a run also how it was trained
    and how that went; and the commands that give it all again. It has at most 20 MB.
    """
    from salzoo.report.writing import write_report
    from salzoo.runtime.files import check_output

    out = out or Path("report.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"a report's name ends in .html: {out}")
    check_output(out)
    write_report(paths, out, report=lambda line: click.echo(line, err=True))
    click.echo(f"report in {out}: {out.stat().st_size / 1e6:,.1f} MB")
