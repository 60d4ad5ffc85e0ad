"""What this package brings to salzoo."""

from importlib.resources import files

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register("unisal", "salzoo_unisal.network:Unisal", summary="UNISAL: images and video, modules for four data sets")


@hookimpl
def register_converters(register: Register) -> None:
    register("unisal", "salzoo_unisal.published:UNISAL", summary="weights_best.pth of the authors of UNISAL")


@hookimpl
def register_cards(register: Register) -> None:
    read = files(__name__).joinpath("unisal-four-sets.md").read_text
    register("unisal-four-sets", read, summary="UNISAL (ECCV 2020), trained on DHF1K, Hollywood-2, UCF-Sports, SALICON")
