"""``salzoo adapt``: fit few numbers behind a model to few pictures."""

from pathlib import Path
from typing import Any

import click


@click.command("adapt")
@click.argument("model")
@click.option("--dataset", required=True, help="Data set, or a folder of your own (salzoo data import).")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="train", show_default=True, help="Split to fit to; the others are left to test on.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Checkpoint folder to write.")
@click.option(
    "--sizes",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Sizes at most that the network is run at; the second is five times the work.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the folds.")
@click.option("--device", help="cpu, cuda, mps; the best one here by default.")
def adapt_command(model: str, dataset: str, split: str, out: Path, **named: Any) -> None:
    """Fit MODEL to pictures or videos that it was not trained on, from 10 of them on, by few numbers.

    Behind the network, which stays as it is, stand 10 numbers: weights of its maps at one size or two, a blur, a center
    bias that is mixed in and multiplied by, and a drift; and leanings towards features of the network, one for each,
    held near 0. They are fitted by likelihood and NSS of the fixations, and chosen by cross-validation; numbers without
    leanings, the center bias alone and nothing at all are among the choices. Where nothing is worth it, nothing is
    written. The result is a checkpoint like any other, for predict, eval, export, push and train --init.
    """
    from salzoo.adapting.choosing import adapt
    from salzoo.adapting.saving import format_adaptation, save_adaptation
    from salzoo.data import open_dataset
    from salzoo.hub.sources import load_model
    from salzoo.interfaces import SalzooError
    from salzoo.runtime.devices import choose_device

    if out.exists():
        raise SalzooError(f"{out} exists: name a new folder with -o")
    data = open_dataset(dataset, named["root"])
    network = load_model(model, device=choose_device(named["device"]))
    found = adapt(network, data, split=split, most=named["sizes"], seed=named["seed"], report=click.echo)
    for line in format_adaptation(found):
        click.echo(line)
    if found.model is None:
        click.echo(f"nothing is worth its cost here: use {model} as it is; {out} was not written")
        return
    save_adaptation(found, model, data.name, split, out)
    click.echo(f"checkpoint {out}: {found.model.spec}")
    click.echo(
        f"score it on pictures that nothing was chosen by: salzoo eval {out} {model} --dataset {dataset} --split test"
    )
