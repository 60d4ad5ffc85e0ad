"""``salzoo train``: train a model."""

from collections.abc import Sequence
from pathlib import Path

import click

from salzoo.cli.types import parse_size


@click.command("train")
@click.argument("spec", required=False)
@click.option(
    "--dataset", help="Data set, or several with commas. By default dhf1k where its folder is known, else synthetic."
)
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--recipe", help="Name (salzoo recipes) or TOML file; by default chosen from spec, data and --init.")
@click.option("--init", metavar="random|imagenet|MODEL", help="Initial weights; MODEL gives its backbone.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training videos.")
@click.option("--minutes", type=click.FloatRange(0), help="Stop training after so many; 0 for no limit.")
@click.option("--clip-length", type=click.IntRange(1), help="Frames of a clip.")
@click.option("--batch", type=click.IntRange(1), help="Videos side by side, on each rank.")
@click.option("--accumulate", type=click.IntRange(1), help="Batches whose gradients make one step.")
@click.option("--size", type=parse_size, metavar="HxW", help="Input size.")
@click.option("--lr", type=click.FloatRange(0), help="Learning rate.")
@click.option("--alpha-lr", type=click.FloatRange(0), help="That of learned EMA weights.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), help="Of the layers.")
@click.option("--checkpoint-activations", is_flag=True, default=None, help="Less memory for more time.")
@click.option("--seed", type=click.IntRange(0), help="Seed of weights, dropout, order and augmentation.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Any other value of the recipe.")
@click.option("--device", help="cpu, cuda, mps; the best one here by default.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder. By default runs/<spec>-<time>.")
@click.option("--resume", metavar="RUN", type=click.Path(path_type=Path), help="Go on with a run, exactly.")
@click.option("--tensorboard", is_flag=True, help='Also write event files (pip install "salzoo[tensorboard]").')
@click.option("--json", "as_json", is_flag=True, help="Print the validation scores as JSON.")
def train_command(
    spec: str | None,
    dataset: str | None,
    root: Path | None,
    recipe: str | None,
    changes: Sequence[str],
    device: str | None,
    out: Path | None,
    resume: Path | None,
    tensorboard: bool,
    as_json: bool,
    **named: object,
) -> None:
    """Train the model SPEC and score it on the validation split.

    Clips of consecutive frames go through in order, the temporal state runs on from clip to clip. What is not named is
    the recipe's (salzoo recipes NAME shows it). The run folder is a checkpoint folder (give it to predict, eval, or
    --init). Ctrl-C and SIGTERM end the run after the step at hand with status 130; --resume goes on from there, as
    after a crash. With several GPUs: torchrun --nproc-per-node N -m salzoo train ...
    """
    from salzoo.evaluation.ranks import this_rank
    from salzoo.evaluation.results import format_table, results_json
    from salzoo.training import runs
    from salzoo.training.recipe import parse_change

    def report(line: str) -> None:
        click.echo(line, err=as_json)

    given = {key: value for key, value in named.items() if value is not None}
    if resume is not None:
        refused = [
            *given,
            *(["recipe"] if recipe else []),
            *(["dataset"] if dataset else []),
            *(["out"] if out else []),
        ]
        if refused or changes:
            raise click.UsageError("--resume goes on with the run's own recipe and data; leave the other options out")
        run = runs.resume(resume, spec=spec, root=root, device=device, tensorboard=tensorboard, report=report)
    elif spec is None:
        raise click.UsageError("name a SPEC to train, or a run to --resume")
    else:
        given |= dict(parse_change(change) for change in changes)
        run = runs.train(
            spec,
            dataset,
            root=root,
            recipe=recipe,
            device=device,
            out=out,
            tensorboard=tensorboard,
            report=report,
            **given,
        )
    if run.interrupted:
        click.echo(
            f"interrupted after {run.steps} steps; the checkpoint is in {run.folder}; go on with --resume", err=True
        )
        raise click.exceptions.Exit(130)
    if this_rank().first:
        click.echo(results_json(run.results) if as_json else format_table(run.results))
        click.echo(f"checkpoint, log and pictures in {run.folder}", err=as_json)
