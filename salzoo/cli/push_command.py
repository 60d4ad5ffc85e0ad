"""``salzoo push``: put a model on the Hub."""

from pathlib import Path

import click


@click.command("push")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("repo_id", metavar="ORG/REPO")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--overwrite", is_flag=True, help="Also where the repository holds another model.")
@click.option("--dry-run", is_flag=True, help="Show what would go, and put nothing.")
def push_command(folder: Path, repo_id: str, private: bool, overwrite: bool, dry_run: bool) -> None:
    """Put the checkpoint or run FOLDER on the Hugging Face Hub as ORG/REPO, in one commit.

    Weights, config and card go, nothing else. Log in first: hf auth login, or HF_TOKEN.
    """
    from salzoo.hub.checkpoint import CARD
    from salzoo.hub.pushing import push

    done = push(folder, repo_id, private=private, overwrite=overwrite, dry_run=dry_run)
    for name, data in done.files.items():
        click.echo(f"{name}  {len(data):,} bytes")
    if dry_run:
        click.echo(f"\n{done.files[CARD].decode()}\nnothing was put on the Hub")
    else:
        click.echo(f"salzoo pull {repo_id} fetches it; {done.url}")
        click.echo(f"for a card: weights: {done.weights}")
