"""``salzoo eval``: scores of models, or of saved maps, on a data set."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.run_options import read_run_options, scoring_run_options
from salzoo.cli.types import SEED


@click.command("eval")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--dataset", default="synthetic", show_default=True, help="Name of the data set.")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="val", show_default=True, help="Split to score.")
@click.option("--protocol", default="dhf1k", show_default=True, help="What is computed: dhf1k, mit or salema.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Score this metric too, such as one that a plug-in brings; may be repeated.",
)
@click.option(
    "--predictions", type=click.Path(path_type=Path), metavar="DIR", help="Score saved maps, DIR/<video>/<frame>.png."
)
@click.option("--partial", is_flag=True, help="Score saved maps though some are missing or cannot be read.")
@click.option("--max-frames", type=click.IntRange(1), help="Score so many frames, drawn by the seed. By default all.")
@click.option(
    "--sigma",
    type=click.FloatRange(0, 10000, min_open=True),
    help="Make density maps of fixations by Gaussians of so many pixels, where there are none.",
)
@click.option("--relative", is_flag=True, help="Also in percent of the way from the center bias to people.")
@click.option("--intervals", is_flag=True, help="Show the 95 % bootstrap interval of each mean, over videos.")
@click.option(
    "--by",
    nargs=2,
    metavar="TABLE COLUMN",
    help="Also for each value of a column of a CSV or TSV table whose first column names the videos.",
)
@click.option("--per-frame", is_flag=True, help="Keep the scores of each frame in the results file.")
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Seed of the other-fixations maps of shuffled AUC."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    help="Processes that score. By default one a core, one beside a model on the CPU.",
)
@scoring_run_options
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON results file.")
@click.option(
    "--resume", is_flag=True, help="Go on with an evaluation that was ended, whose scores lie in OUT.partial, if any."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def eval_command(
    models: tuple[str, ...],
    predictions: Path | None,
    partial: bool,
    out: Path | None,
    resume: bool,
    as_json: bool,
    workers: int | None,
    sigma: float | None,
    intervals: bool,
    by: tuple[str, str] | None,
    **options: Any,
) -> None:
    """Score MODELs, or saved maps, on a data set.

    MODEL is a checkpoint folder, a card's name, or the spec of a training-free model. The training-free baselines are
    scored beside it, and where observers are known one by one, people: each by the density of all others. Without
    MODEL, the leaderboard: every card whose weights are at hand, the baselines and the bounds, with the scores that the
    cards report.

    Every frame of the split is scored by the exact, deterministic metrics of the protocol. The results file
    (eval-DATASET-SPLIT.json unless --out names another) holds the scores of each video and bootstrap intervals;
    salzoo compare reads it. While MODELs are scored, OUT.partial holds the scores of the videos that are done.

    torchrun --nproc-per-node K -m salzoo eval ... shares the videos out over K processes, each of which takes the next
    when it is free, with the same scores; with --max-restarts and --resume, killed processes are started again.
    """
    from salzoo.evaluation.partial import Partial, remove_partial
    from salzoo.evaluation.results import results_json
    from salzoo.evaluation.tables import format_by, format_table, read_column
    from salzoo.evaluation.tasks import Scoring
    from salzoo.prediction.engines.engine import EXACT
    from salzoo.runtime.crashes import crashes_named
    from salzoo.runtime.files import check_output, write_text
    from salzoo.runtime.ranks import this_rank

    if sigma is not None:
        options["dataset"] += f"{',' if ':' in options['dataset'] else ':'}sigma={sigma!r}"
    how, scoring = read_run_options(options), Scoring(**options)
    if by:
        read_column(Path(by[0]), by[1])  # what is wrong with it is said before hours of work
    out = out or Path(f"eval-{Path(options['dataset']).name}-{scoring.split}.json")
    check_output(out)
    kept = Partial(out, resume)
    click.get_current_context().with_resource(crashes_named())
    if predictions is not None:
        from salzoo.evaluation.predictions import evaluate_predictions

        if models or scoring.relative or resume:
            what = "--relative and --resume are for MODELs" if not models else "give either MODELs or --predictions"
            raise click.UsageError(what)
        results = [evaluate_predictions(predictions, scoring, partial=partial, workers=workers)]
        text, table = results_json(results), format_table(results, intervals=intervals)
    elif partial:
        raise click.UsageError("--partial is for --predictions")
    elif models:
        from salzoo.evaluation.models import evaluate

        results = evaluate(models, scoring, how=how, workers=workers, partial=kept)
        text, table = results_json(results), format_table(results, intervals=intervals)
    elif (how.engine, how.precision) != (EXACT.engine, EXACT.precision):
        raise click.UsageError("--engine and --precision are for MODELs")
    else:
        from salzoo.evaluation.leaderboard import format_leaderboard, leaderboard, leaderboard_json

        board = leaderboard(scoring, how=how, workers=workers, partial=kept)
        results = board.results
        text, table = leaderboard_json(board), format_leaderboard(board)
    if not this_rank().first:
        return
    write_text(text + "\n", out)
    remove_partial(kept)
    if as_json:
        click.echo(text)
    else:
        click.echo(table)
        if by:
            click.echo(format_by(results, Path(by[0]), by[1]))
        click.echo(f"results in {out}")
