"""``salzoo pull``: fetch a model from the Hub."""

import json

import click


@click.command("pull")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pull_command(name: str, as_json: bool) -> None:
    """Fetch the model NAME, a card's name or org/repo[@revision] on the Hugging Face Hub, into its cache.

    Prints the folder, the commit and the sha256 of the weights, which is checked. HF_TOKEN, HF_ENDPOINT, HF_HOME and
    HF_HUB_OFFLINE hold.
    """
    from salzoo.hub.sources import pull_model

    pulled = pull_model(name)
    if as_json:
        record = {"folder": str(pulled.folder), "repo_id": pulled.repo_id}
        click.echo(json.dumps({**record, "commit": pulled.commit, "sha256": pulled.sha256}, indent=2))
    else:
        click.echo(f"{pulled.folder}\n{pulled.repo_id} at commit {pulled.commit}\nsha256 {pulled.sha256}")
