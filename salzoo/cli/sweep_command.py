"""``salzoo sweep``: train each spec of a pattern."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.training_options import read_changes, training_options


@click.command("sweep")
@click.argument("pattern")
@training_options
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the runs. By default runs/sweep-PATTERN.")
@click.option("--split", default="val", show_default=True, help="Split of the (first) data set to score on.")
@click.option("--leave-one-out", is_flag=True, help="Train on all data sets but one, score on that one; for each.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def sweep_command(pattern: str, dataset: str | None, leave_one_out: bool, as_json: bool, **named: Any) -> None:
    """Train each spec of PATTERN, such as "salgan+ema@{30,44,54,61}" or "salgan+ema@{0..61}", and print one table.

    Folds and seeds may have braces too: --dataset "hevc33:fold={0..4}" --set "seed={0..2}" --split test scores every
    video by the runs that have not seen it; beside the table stand the paired differences from the first spec.
    --init "runs/{fold}" begins each fold from weights of its own.

    With --leave-one-out each spec is trained once for every one of several data sets (--dataset a,b,c), on all others,
    and scored on the one that it has not seen, with its way from the center bias to people.

    The sweep's folder gets results.json, which salzoo compare and salzoo report read, and where specs differ in the
    layer, layers.svg: scores over layers.

    Runs that are finished are not repeated, interrupted ones are resumed: after Ctrl-C or a crash, give the command
    again. A run that fails is reported, the others go on, and the status is 1.
    """
    from salzoo.evaluation.comparison import compare, format_comparison
    from salzoo.evaluation.results import results_json
    from salzoo.evaluation.tables import format_table
    from salzoo.training.leaving_out import leave_each_out
    from salzoo.training.session import Session
    from salzoo.training.sweep import sweep

    def report(line: str) -> None:
        click.echo(line, err=as_json)

    session = Session(named.pop("device"), report=report)
    options = read_changes(named)
    if leave_one_out:
        if "root" in options or dataset is None:
            raise click.UsageError("--leave-one-out takes several data sets (--dataset a,b,c), and no --root")
        tables, failed, interrupted = leave_each_out(pattern, dataset, session=session, **options)
        if as_json:
            click.echo(results_json([result for results in tables for result in results]))
        for results in tables if not as_json else ():
            click.echo(format_table(results, intervals=True) + "\n")
    else:
        results, failed, interrupted = sweep(pattern, dataset, session=session, **options)
        if results:
            click.echo(results_json(results) if as_json else format_table(results))
            if len(results) > 1 and not as_json:
                click.echo(format_comparison(compare(results)))
    for line in failed:
        click.echo(f"failed: {line}", err=True)
    if interrupted:
        click.echo("interrupted; give the same command to go on", err=True)
    if interrupted or failed:
        raise click.exceptions.Exit(130 if interrupted else 1)
