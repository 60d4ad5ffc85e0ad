"""``salzoo eval``: scores of models on a data set."""

from pathlib import Path

import click


@click.command("eval")
@click.argument("models", nargs=-1, metavar="MODEL...")
@click.option("--dataset", default="synthetic", show_default=True, help="Name of the data set.")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="val", show_default=True, help="Split to score.")
@click.option("--protocol", default="dhf1k", show_default=True, help="What is computed.")
@click.option("--seed", default=0, show_default=True, help="Seed of the other-fixations maps of shuffled AUC.")
@click.option("--device", help="cpu, cuda, mps; the best one here by default.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON results file.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def eval_command(
    models: tuple[str, ...],
    dataset: str,
    root: Path | None,
    split: str,
    protocol: str,
    seed: int,
    device: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Score MODELs on a data set, with the training-free baselines beside them.

    MODEL is a checkpoint folder, a card's name, or the spec of a training-free model. Every frame of the split is
    scored by the exact, deterministic metrics of the protocol; the results file (eval-DATASET-SPLIT.json unless --out
    names another) holds the scores of each video too.
    """
    from salzoo.evaluation.results import format_table, results_json, write_results
    from salzoo.evaluation.runs import evaluate

    results = evaluate(models, dataset, root=root, split=split, protocol=protocol, seed=seed, device=device)
    out = out or Path(f"eval-{dataset}-{split}.json")
    write_results(results, out)
    if as_json:
        click.echo(results_json(results))
    else:
        click.echo(format_table(results))
        click.echo(f"results in {out}")
