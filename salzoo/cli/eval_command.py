"""``salzoo eval``: scores of models, or of saved maps, on a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.run_options import read_run_options, scoring_run_options
from salzoo.cli.types import GIVEN, SEED, NumberRange

if TYPE_CHECKING:
    from salzoo.evaluation.partial import Partial
    from salzoo.evaluation.results import Result


@click.command("eval")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--dataset", default="synthetic", show_default=True, help="Name of the data set.")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="val", show_default=True, help="Split to score; all for every video.")
@click.option("--protocol", default="dhf1k", show_default=True, help="What is computed: dhf1k, mit or salema.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Score this metric too, such as one that a plug-in brings; may be repeated.",
)
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Score saved maps, DIR/<video>/<frame>.png, or DIR/<name>.png of photographs; also .npy. In 8 bits small "
    "values become 0, which KLD and IG tell: predict --as npy, or --bits 16, gives a model's own scores.",
)
@click.option("--partial", is_flag=True, help="Score saved maps though some are missing or cannot be read.")
@click.option("--max-frames", type=click.IntRange(1), help="Score so many frames, drawn by the seed. By default all.")
@click.option(
    "--sigma",
    type=NumberRange(0, 10000, min_open=True),
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
@click.option("--per-frame", is_flag=True, help="Keep the scores of each frame, for -o scores.csv and compare --video.")
@click.option("--per-observer", is_flag=True, help="Also score each observer's fixations alone, for -o scores.csv.")
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Seed of the other-fixations maps of shuffled AUC."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    help="Processes that score. By default one a core, one beside a model on the CPU.",
)
@scoring_run_options
@click.option(
    "-o",
    "--out",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Results file (.json); also, by the ending: a long table of every score (.csv), a table for LaTeX (.tex), its "
    "chart (.svg, .png). May be repeated.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with an evaluation that was ended, whose scores lie in OUT.partial, if any."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def eval_command(
    models: tuple[str, ...], predictions: Path | None, out: tuple[Path, ...], resume: bool, **options: Any
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
    from salzoo.evaluation.export import check_ending, save_results
    from salzoo.evaluation.partial import Partial, remove_partial
    from salzoo.evaluation.tables import format_by, read_column
    from salzoo.runtime.crashes import crashes_named
    from salzoo.runtime.files import check_output, write_text
    from salzoo.runtime.ranks import this_rank

    by, sigma, as_json = (options.pop(name) for name in ("by", "sigma", "as_json"))
    if sigma is not None:
        options["dataset"] += f"{',' if ':' in options['dataset'] else ':'}sigma={sigma!r}"
    if by:
        read_column(Path(by[0]), by[1])  # what is wrong with it is said before hours of work
    file = next((path for path in out if path.suffix.lower() == ".json"), None)
    file = file or Path(f"eval-{Path(options['dataset']).name}-{options['split']}.json")
    more = [path for path in out if path != file]
    for path in (file, *more):
        check_ending(path, [".json"])
        check_output(path)
    kept = Partial(file, resume)
    context = click.get_current_context()
    context.with_resource(crashes_named())
    results, text, table = _score(models, predictions, kept, options, context.meta.get(GIVEN, ""))
    if not this_rank().first:
        return
    write_text(text + "\n", file)
    remove_partial(kept)
    for path in more:
        save_results(results, path)
    if as_json:
        click.echo(text)
    else:
        click.echo(table)
        if by:
            click.echo(format_by(results, Path(by[0]), by[1]))
        click.echo(f"results in {', '.join(map(str, (file, *more)))}")


def _score(
    models: tuple[str, ...], predictions: Path | None, kept: "Partial", options: dict[str, Any], given: str
) -> tuple[list["Result"], str, str]:
    """The results of what is asked for, as the text of their file, and as a table."""
    from salzoo.evaluation.results import results_json
    from salzoo.evaluation.tables import format_table
    from salzoo.evaluation.tasks import Scoring

    partial, workers, intervals = (options.pop(name) for name in ("partial", "workers", "intervals"))
    how, scoring = read_run_options(options), Scoring(**options)
    if predictions is not None:
        if models or kept.resume:
            raise click.UsageError("give either MODELs or --predictions" if models else "--resume is for MODELs")
        from salzoo.evaluation.models import evaluate_maps

        results = evaluate_maps(predictions, scoring, partial=partial, workers=workers, how=how)
    elif partial:
        raise click.UsageError("--partial is for --predictions")
    elif models:
        from salzoo.evaluation.models import evaluate

        results = evaluate(models, scoring, how=how, workers=workers, partial=kept)
    else:
        from salzoo.evaluation.leaderboard import format_leaderboard, leaderboard, leaderboard_json
        from salzoo.prediction.engines.engine import EXACT

        if (how.engine, how.precision) != (EXACT.engine, EXACT.precision):
            raise click.UsageError("--engine and --precision are for MODELs")
        board = leaderboard(scoring, how=how, workers=workers, partial=kept)
        return board.results, leaderboard_json(board, given), format_leaderboard(board)
    return results, results_json(results, given), format_table(results, intervals=intervals)
