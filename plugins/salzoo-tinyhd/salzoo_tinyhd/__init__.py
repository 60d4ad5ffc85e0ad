"""What this package brings to salzoo."""

from importlib.resources import files

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register("tinyhd", "salzoo_tinyhd.network:TinyHD", summary="TinyHD-S, quarter channels: windows of 16 frames")


@hookimpl
def register_converters(register: Register) -> None:
    register("tinyhd", "salzoo_tinyhd.published:TINYHD", summary="d123s_rc4_rc1T.pth of the authors of TinyHD")


@hookimpl
def register_cards(register: Register) -> None:
    read = files(__name__).joinpath("tinyhd-s.md").read_text
    register("tinyhd-s", read, summary="TinyHD-S (WACV 2023): half a million parameters, windows of 16 frames")
