"""``salzoo train``: train a model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.training_options import read_changes, training_options

if TYPE_CHECKING:
    from salzoo.training.recipe import Recipe
    from salzoo.training.session import Run


@click.command("train")
@click.argument("spec", required=False)
@training_options
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder. By default runs/<spec>-<time>.")
@click.option(
    "--resume",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Go on with a run, exactly; with --epochs or --minutes for longer.",
)
@click.option("--no-score", is_flag=True, help="Score nothing: salzoo eval does it later.")
@click.option("--keep-state", is_flag=True, help="Keep what resuming takes when the run is over: twice its weights.")
@click.option("--tensorboard", is_flag=True, help='Also write event files (pip install "salzoo[tensorboard]").')
@click.option("--json", "as_json", is_flag=True, help="Print the validation scores as JSON.")
def train_command(spec: str | None, resume: Path | None, as_json: bool, **named: Any) -> None:
    """Train the model SPEC and score it on the validation split.

    Clips of consecutive frames go through in order, the temporal state runs on from clip to clip. What is not named is
    the recipe's (salzoo recipes NAME shows it). The run folder is a checkpoint folder (give it to predict, eval, or
    --init). Ctrl-C and SIGTERM end the run after the step at hand with status 130; --resume goes on from there, as
    after a crash, and with --epochs or --minutes makes the whole run that long. With several GPUs: torchrun
    --nproc-per-node N -m salzoo train ...
    """

    def report(line: str) -> None:
        click.echo(line, err=as_json)

    report("loading PyTorch")
    from salzoo.evaluation.results import results_json
    from salzoo.evaluation.tables import format_table
    from salzoo.evaluation.verdict import describe_verdict
    from salzoo.runtime.ranks import this_rank
    from salzoo.training import starting
    from salzoo.training.session import Session

    device, score = named.pop("device"), not named.pop("no_score")
    session = Session(device, score, named.pop("keep_state"), named.pop("tensorboard"), report)
    given = read_changes(named)
    if resume is not None:
        others = ", ".join(f"--{name}" for name in ("recipe", "dataset", "out") if name in given)
        if others:
            raise click.UsageError(f"--resume goes on with the run's own recipe, data and folder: leave {others} out")
        run = starting.resume(resume, spec=spec, session=session, **given)
    elif spec is None:
        raise click.UsageError("name a SPEC to train, or a run to --resume")
    else:
        run = starting.train(spec, session=session, **given)
    if run.interrupted:
        click.echo(f"interrupted after {run.steps} steps; the checkpoint is in {run.folder}", err=True)
        click.echo(f"go on with: salzoo train --resume {shlex.quote(str(run.folder))}", err=True)
        raise click.exceptions.Exit(130)
    if this_rank().first:
        if run.results:
            click.echo(results_json(run.results) if as_json else format_table(run.results))
            for line in describe_verdict(run.results):
                report(line)
        for line in _next_steps(run):
            report(line)


def _next_steps(run: "Run") -> list[str]:
    """What a run left, and commands that take it further."""
    from salzoo.training.folder import folder_size, read_experiment

    record = read_experiment(run.folder)
    folder, (name, root) = shlex.quote(str(run.folder)), record.datasets[0]
    data = f"--dataset {shlex.quote(name)}" + (f" --root {shlex.quote(root)}" if root else "")
    best = run.folder / "best"
    return [
        f"run folder {run.folder}: {folder_size(run.folder) / 1e6:,.1f} MB (checkpoint, log, pictures)",
        *([f"the checkpoint with the best validation score: {best}"] if best.exists() else []),
        "next:",
        f"  salzoo predict {folder} VIDEO.mp4 -o overlay.mp4",
        f"  salzoo eval {folder} {data}",
        f"  salzoo report {folder}",
        f"  salzoo train --resume {folder} {_twice_as_long(record.recipe)}",
    ]


def _twice_as_long(recipe: "Recipe") -> str:
    """The option that makes a run twice as long, in the measure that its recipe ends by."""
    if recipe.frames:
        return f"--set frames={2 * recipe.frames}"
    return f"--minutes {2 * recipe.minutes:g}" if recipe.minutes else f"--epochs {2 * recipe.epochs}"
