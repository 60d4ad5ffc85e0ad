"""``salzoo sweep``: train each spec of a pattern."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.training_options import read_changes, training_options


@click.command("sweep")
@click.argument("pattern")
@training_options
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the runs. By default runs/sweep-PATTERN.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def sweep_command(
    pattern: str,
    dataset: str | None,
    root: Path | None,
    recipe: str | None,
    device: str | None,
    out: Path | None,
    as_json: bool,
    **named: Any,
) -> None:
    """Train each spec of PATTERN, such as "salgan+ema@{30,44,54,61}" or "salgan+ema@{0..61}", and print one table.

    Runs that are finished are not repeated, interrupted ones are resumed: after Ctrl-C or a crash, give the command
    again. A run that fails is reported, the others go on, and the status is 1.
    """
    from salzoo.evaluation.results import format_table, results_json
    from salzoo.training.sweep import sweep

    def report(line: str) -> None:
        click.echo(line, err=as_json)

    named = read_changes(named)
    results, failed, interrupted = sweep(
        pattern, dataset, out=out, report=report, root=root, recipe=recipe, device=device, **named
    )
    if results:
        click.echo(results_json(results) if as_json else format_table(results))
    for line in failed:
        click.echo(f"failed: {line}", err=True)
    if interrupted:
        click.echo("interrupted; give the same command to go on", err=True)
    if interrupted or failed:
        raise click.exceptions.Exit(130 if interrupted else 1)
