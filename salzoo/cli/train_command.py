"""``salzoo train``: train a model."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.training_options import read_changes, training_options


@click.command("train")
@click.argument("spec", required=False)
@training_options
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder. By default runs/<spec>-<time>.")
@click.option("--resume", metavar="RUN", type=click.Path(path_type=Path), help="Go on with a run, exactly.")
@click.option("--tensorboard", is_flag=True, help='Also write event files (pip install "salzoo[tensorboard]").')
@click.option("--json", "as_json", is_flag=True, help="Print the validation scores as JSON.")
def train_command(
    spec: str | None,
    dataset: str | None,
    root: Path | None,
    recipe: str | None,
    device: str | None,
    out: Path | None,
    resume: Path | None,
    tensorboard: bool,
    as_json: bool,
    **named: Any,
) -> None:
    """Train the model SPEC and score it on the validation split.

    Clips of consecutive frames go through in order, the temporal state runs on from clip to clip. What is not named is
    the recipe's (salzoo recipes NAME shows it). The run folder is a checkpoint folder (give it to predict, eval, or
    --init). Ctrl-C and SIGTERM end the run after the step at hand with status 130; --resume goes on from there, as
    after a crash. With several GPUs: torchrun --nproc-per-node N -m salzoo train ...
    """
    from salzoo.evaluation.results import results_json
    from salzoo.evaluation.standing import describe_standing
    from salzoo.evaluation.tables import format_table
    from salzoo.runtime.ranks import this_rank
    from salzoo.training import runs

    def report(line: str) -> None:
        click.echo(line, err=as_json)

    changes = read_changes(named)
    if resume is not None:
        if changes or recipe or dataset or out:
            raise click.UsageError("--resume goes on with the run's own recipe and data; leave the other options out")
        run = runs.resume(resume, spec=spec, root=root, device=device, tensorboard=tensorboard, report=report)
    elif spec is None:
        raise click.UsageError("name a SPEC to train, or a run to --resume")
    else:
        run = runs.train(
            spec,
            dataset,
            root=root,
            recipe=recipe,
            device=device,
            out=out,
            tensorboard=tensorboard,
            report=report,
            **changes,
        )
    if run.interrupted:
        click.echo(f"interrupted after {run.steps} steps; the checkpoint is in {run.folder}", err=True)
        click.echo(f"go on with: salzoo train --resume {run.folder}", err=True)
        raise click.exceptions.Exit(130)
    if this_rank().first:
        click.echo(results_json(run.results) if as_json else format_table(run.results))
        for line in describe_standing(run.results):
            report(line)
        click.echo(f"checkpoint, log and pictures in {run.folder}", err=as_json)
