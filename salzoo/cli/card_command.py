"""``salzoo card``: read a model card."""

import click


@click.command("card")
@click.argument("name")
def card_command(name: str) -> None:
    """Show the card of the model NAME (see salzoo list models): what it is, how to get it, its scores and limits."""
    from salzoo.hub.cards import load_card

    click.echo(load_card(name).body, nl=False)
