"""What this package brings to salzoo."""

from functools import partial
from importlib.resources import files

from salzoo.hookspecs import Register, hookimpl

OTHERS = {
    "fastsal-salicon-c": ("c", "salicon_C.pth", "3abc181ff5482eae6741b22ba6ef167507110a50"),
    "fastsal-coco-a": ("a", "coco_A.pth", "edc702d8ebd79541335d0c3fc5ce715d4d3a34c2"),
    "fastsal-coco-c": ("c", "coco_C.pth", "cc9607e6b66446d73746c86ad92ce99ea378547e"),
}
"""The other files of the authors by the names of their cards: the head, the file, and what the git tree calls it."""


@hookimpl
def register_backbones(register: Register) -> None:
    register(
        "fastsal", "salzoo_fastsal.network:FastSal", summary="FastSal: MobileNetV2 with a light decoder, head=a or c"
    )


@hookimpl
def register_converters(register: Register) -> None:
    register(
        "fastsal-a", "salzoo_fastsal.published:HEAD_A", summary="salicon_A.pth, coco_A.pth of the authors of FastSal"
    )
    register(
        "fastsal-c", "salzoo_fastsal.published:HEAD_C", summary="salicon_C.pth, coco_C.pth of the authors of FastSal"
    )


@hookimpl
def register_cards(register: Register) -> None:
    register("fastsal-salicon-a", read_card, summary="FastSal (ICPR 2020), addition, trained on SALICON")
    for name, (head, file, _) in OTHERS.items():
        kind = "addition" if head == "a" else "concatenation"
        data = "SALICON" if "salicon" in file else "COCO with the maps of DeepGaze II"
        register(name, partial(read_card, name), summary=f"FastSal (ICPR 2020), {kind}, trained on {data}")


@hookimpl
def register_recipes(register: Register) -> None:
    register("fastsal", files(__name__).joinpath("fastsal.toml").read_text, summary="FastSal's last stage on SALICON")


def read_card(name: str = "fastsal-salicon-a") -> str:
    """The text of a card: those of the other files differ from the first in what names them."""
    text = files(__name__).joinpath("fastsal-salicon-a.md").read_text(encoding="utf-8")
    if name not in OTHERS:
        return text
    head, file, blob = OTHERS[name]
    changes = {
        "fastsal-salicon-a": name,
        "salicon_A.pth": file,
        "084af1aee83760558a37a7c22892a63af1996c8f": blob,
        "  spec: fastsal\n": f"  spec: {'fastsal' if head == 'a' else 'fastsal:head=c'}\n",
    }
    if "coco" in file:  # the maps that it learned from are of a network that SALICON had trained
        changes["  trained_on: [ImageNet, SALICON]"] = "  trained_on: [ImageNet, COCO, SALICON]"
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
