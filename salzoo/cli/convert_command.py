"""``salzoo convert``: import published weights."""

from pathlib import Path

import click


@click.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--spec", help="The model; by default inferred from the file, which cannot tell where an EMA stands.")
@click.option(
    "--backbone",
    type=click.Path(path_type=Path),
    help="SalGAN's own weights, a published file or a checkpoint folder, for a FILE without them (VideoSalGAN's).",
)
@click.option(
    "--rename",
    multiple=True,
    metavar="OLD=NEW",
    help="For a state dict of your own network: what the beginning of a name is in the model. May be repeated.",
)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The checkpoint folder to make.")
def convert_command(file: Path, spec: str | None, backbone: Path | None, rename: tuple[str, ...], out: Path) -> None:
    """Turn a published weights FILE into a checkpoint folder.

    FILE is a .pt of SalGAN's PyTorch port, SalEMA, SalCLSTM or VideoSalGAN, the .npz of SalGAN's Lasagne release, or
    one that an installed package declares (salzoo list converters). No code in it is run.

    \b
      salzoo convert SalCLSTM30.pt -o salclstm30
      salzoo convert SalEMA30.pt --spec salgan+ema:alpha=0.1@30 -o salema30

    An EMA whose alpha is in the file becomes ema:learn=true. Otherwise it was trained with a constant alpha, which the
    spec gives (0.1 if it does not say).

    With --spec, FILE may be the state dict of any network that the zoo knows, whose names and shapes fit:

    \b
      salzoo convert mine.pt --spec my-net -o mine
      salzoo convert mine.pt --spec my-net --rename encoder.=down. --rename net.= -o mine

    The folder must be new or empty.
    """
    from salzoo.hub.cards import converted_card
    from salzoo.hub.checkpoint import save_checkpoint
    from salzoo.hub.conversion import convert_weights
    from salzoo.interfaces import SalzooError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SalzooError(f"{out} is there already and not an empty folder: choose another name, or remove it")
    if wrong := [each for each in rename if "=" not in each]:
        raise click.UsageError(f"--rename takes OLD=NEW, not {wrong[0]!r}")
    names = {old: new for old, _, new in (each.partition("=") for each in rename)}
    model, report = convert_weights(file, spec, backbone=backbone, rename=names)
    card = converted_card(report.spec, file=report.file, sha256=report.sha256, notes=report.notes)
    save_checkpoint(model, out, card)
    click.echo(f"{out}: {report.spec}")
    click.echo(f"  mapped   {len(report.mapped)} tensors")
    click.echo(f"  ignored  {', '.join(report.ignored) or 'nothing'}")
    click.echo("  missing  nothing")
    for note in report.notes:
        click.echo(f"  note     {note}")
