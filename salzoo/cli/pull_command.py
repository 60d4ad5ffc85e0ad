"""``salzoo pull``: fetch a model's weights."""

import json
from dataclasses import asdict

import click


@click.command("pull")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pull_command(name: str, as_json: bool) -> None:
    """Fetch the weights of the model NAME into the cache: a card's name, a backbone's (all that its authors published),
    or org/repo[@revision] on the Hugging Face Hub.

    A file that authors published comes from the commit or release that the card names, is checked against its checksum,
    and becomes a checkpoint folder at once; nothing in it is run. Its terms are shown first.

    Prints the folder, where the weights are from, and a sha256. HF_TOKEN, HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE hold.
    """
    from salzoo.hub.fetching import fetch_weights
    from salzoo.hub.sources import published_cards, pull_model

    cards = published_cards(name)
    if cards:
        fetched = fetch_weights(cards, lambda text: click.echo(text, err=as_json))
        if as_json:
            click.echo(json.dumps([{**asdict(each), "folder": str(each.folder)} for each in fetched], indent=2))
            return
        for each in fetched:
            click.echo(f"{each.name} is ready: {each.folder}\nsha256 of the authors' file {each.sha256}")
        return
    pulled = pull_model(name)
    if as_json:
        record = {"folder": str(pulled.folder), "repo_id": pulled.repo_id}
        click.echo(json.dumps({**record, "commit": pulled.commit, "sha256": pulled.sha256}, indent=2))
    else:
        click.echo(f"{pulled.folder}\n{pulled.repo_id} at commit {pulled.commit}\nsha256 {pulled.sha256}")
