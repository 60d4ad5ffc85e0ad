"""``salzoo cards``: what concerns all model cards."""

import click


@click.group("cards")
def cards_command() -> None:
    """Work on all model cards."""


@cards_command.command("check")
def check() -> None:
    """Check every card: its front matter, that its model can be built, its scores and its links."""
    from salzoo.hub.card_checks import check_cards
    from salzoo.interfaces import SalzooError

    problems = check_cards()
    for name, lines in problems.items():
        click.echo(f"{name}: {'; '.join(lines) or 'ok'}")
    bad = sum(map(bool, problems.values()))
    if bad:
        raise SalzooError(f"{bad} of {len(problems)} cards have problems")
