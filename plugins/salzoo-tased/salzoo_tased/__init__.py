"""What this package brings to salzoo."""

from importlib.resources import files

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register("tased-net", "salzoo_tased.network:TasedNet", summary="TASED-Net: S3D over windows of 32 frames")


@hookimpl
def register_converters(register: Register) -> None:
    register("tased-net", "salzoo_tased.published:TASED", summary="TASED_updated.pt of the authors of TASED-Net")


@hookimpl
def register_cards(register: Register) -> None:
    read = files(__name__).joinpath("tased-net-dhf1k.md").read_text
    register("tased-net-dhf1k", read, summary="TASED-Net (ICCV 2019) as updated by its authors, trained on DHF1K")


@hookimpl
def register_recipes(register: Register) -> None:
    summary = "TASED-Net on DHF1K: random windows of 32 frames, learned from the last"
    register("tased-net", files(__name__).joinpath("tased-net.toml").read_text, summary=summary)
