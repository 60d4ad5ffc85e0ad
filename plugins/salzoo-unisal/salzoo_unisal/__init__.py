"""What this package brings to salzoo."""

from functools import partial
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
    summary = "UNISAL (ECCV 2020), trained on DHF1K, Hollywood-2, UCF-Sports, SALICON"
    register(CARD, partial(read_card, CARD), summary=summary)
    for name, source in OTHERS.items():
        register(name, partial(read_card, name), summary=f"UNISAL with the modules that it has for {source}")
    register(
        "unisal-mit1003", partial(read_card, "unisal-mit1003"), summary="UNISAL, which its authors tuned on MIT1003"
    )


CARD = "unisal-four-sets"
"""The card of the network as DHF1K's videos take it; of the others it is another spec of the same file."""

OTHERS = {"unisal-hollywood2": "hollywood2", "unisal-salicon": "salicon", "unisal-ucfsports": "ucfsports"}
"""Cards by the data set whose modules are used."""

_TUNED = {
    "weights_best.pth": "weights_ft_mit1003.pth",
    "f06b52c56405bbf11b40cf1b4307573aa4035bea": "2a14bf648bf090a771152bb0f9da2da311c1cbef",
    " (15.5 MB)": "",
    "  published: ": "  trained_on: [ImageNet, DHF1K, Hollywood-2, UCF Sports, SALICON, MIT1003]\n  published: ",
    "and SALICON in random turns, 16 epochs.": "and SALICON in random turns, 16 epochs; then tuned on MIT1003.",
}
"""What reads otherwise on the card of the network tuned on MIT1003, which takes SALICON's modules."""


def read_card(name: str) -> str:
    """The text of a card: those of other data sets differ from the first in what names them."""
    text = files(__name__).joinpath(f"{CARD}.md").read_text(encoding="utf-8")
    if name == CARD:
        return text
    spec = f"unisal:source={OTHERS.get(name, 'salicon')}"
    changes = {CARD: name, "  spec: unisal\n": f"  spec: {spec}\n", ".pth -o": f".pth --spec {spec} -o"}
    for old, new in {**changes, **(_TUNED if name not in OTHERS else {})}.items():
        text = text.replace(old, new)
    return text


@hookimpl
def register_recipes(register: Register) -> None:
    summary = "UNISAL: windows of 12 frames, every fifth of the video, and images, in turns"
    register("unisal", files(__name__).joinpath("unisal.toml").read_text, summary=summary)
