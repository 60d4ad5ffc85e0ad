"""Model cards: those that ship with salzoo (``cards/*.md``), those of plug-ins, and those written beside weights.

A card is a Hugging Face model card. Its front matter has ``library_name: salzoo``, reported and measured scores as
``model-index``, and a block of our own::

    salzoo:
      spec: salgan+ema:alpha=0.1@30
      weights: {repo_id: org/repo, revision: 40 hexadecimal digits, sha256: 64 of them}
                                                        # or {sha256: 64 of them}: in salzoo itself, beside the card
      file: {git: owner/name, commit: …, path: …, blob: …, most: …}   # or the authors' own (``authors_file``)
      published: where the authors published theirs     # these two where there are no such weights
      convert: salzoo convert FILE -o FOLDER
      sources: [https://arxiv.org/abs/1907.01869]

>>> list_models("salema*")
['salema30', 'salema54', 'salema61', 'salema7-54']
>>> load_card("salema61").spec
'salgan+ema:alpha=0.1@61'
"""

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salzoo.hookspecs import Register, hookimpl
from salzoo.hub.authors_file import AuthorsFile, parse_authors_file
from salzoo.interfaces.errors import SalzooError, shown

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "cards", _PACKAGE.parent / "cards")
"""Where the cards lie in an installed wheel, and in a checkout."""

TAGS = ("saliency", "visual-saliency", "eye-tracking", "video")


@hookimpl
def register_cards(register: Register) -> None:
    for path in sorted(_folder().glob("*.md")):
        read = functools.partial(path.read_text, encoding="utf-8")
        heading = re.search(r"^# (.+)$", read(), re.MULTILINE)
        register(path.stem, read, summary=heading[1] if heading else "")


@dataclass(frozen=True)
class Weights:
    """A checkpoint folder, and the sha256 of its weights file: on the Hub, by its repository and commit, or without
    these the one that ships with salzoo (``shipped_folder``)."""

    sha256: str
    repo_id: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Card:
    """A model card, read.

    Attributes:
        name: what the model is called.
        spec: the spec of the model.
        text: the whole card.
        body: the card without its front matter.
        results: the scores of its model-index.
        weights: where the weights are, if they are on the Hub or in salzoo itself.
        file: what ``salzoo pull`` makes them of, if that is a file of their authors.
        trained_on: the data sets that its authors state for this file, where others of the package saw others.
        published: where the authors published theirs; may be empty where ``weights`` are.
        convert: the command line that turns their file into a checkpoint folder; likewise.
        sources: papers and pages that the card rests on.
    """

    name: str
    spec: str
    text: str
    body: str
    results: "tuple[EvalResult, ...]"
    weights: Weights | None
    file: AuthorsFile | None
    trained_on: tuple[str, ...]
    published: str
    convert: str
    sources: tuple[str, ...]


def list_models(pattern: str = "*") -> list[str]:
    """Names of the cards that match a glob, sorted."""
    from salzoo.plugins import registry

    return [entry.name for entry in registry().entries("models", pattern)]


def load_card(name: str) -> Card:
    """Read the card of a name. Raises SalzooError for an unknown name and for a card that is not as it should be."""
    return parse_card(name, read_card(name))


def read_card(name: str) -> str:
    """The text of a card. Raises SalzooError for an unknown name."""
    from salzoo.plugins import registry

    entry = registry().find("models", name)
    try:
        text = entry.load()()
    except SalzooError:
        raise
    except Exception as error:  # a plug-in's code
        raise SalzooError(f"card {entry.name} of plug-in {entry.plugin} cannot be had: {error}") from error
    if not isinstance(text, str):
        raise SalzooError(f"card {entry.name} of plug-in {entry.plugin} is a {type(text).__name__}, not a text")
    return text


def parse_card(name: str, text: str) -> Card:
    """Read a card's text. Raises SalzooError naming the first field that is missing or of a wrong type."""
    if not re.match(r"---\r?\n", text):
        raise SalzooError(f"card {name}: it does not begin with front matter (a line of three hyphens)")
    data, body, results = split_card(text, f"card {name}")
    if data.get("library_name") != "salzoo":
        raise SalzooError(f"card {name}: library_name must be salzoo, not {data.get('library_name')!r}")
    block = data.get("salzoo")
    if not isinstance(block, dict):
        raise SalzooError(f"card {name}: the block 'salzoo:' is missing")
    weights = _weights(name, block.get("weights"))
    published, convert = (
        _text(name, block, key) if weights is None or key in block else "" for key in ("published", "convert")
    )
    return Card(
        name=name,
        spec=_text(name, block, "spec"),
        text=text,
        body=body.strip() + "\n",
        results=results,
        weights=weights,
        file=parse_authors_file(name, block),
        trained_on=_texts(name, block, "trained_on") if "trained_on" in block else (),
        published=published,
        convert=convert,
        sources=_texts(name, block, "sources"),
    )


def split_card(text: str, where: str) -> "tuple[dict[str, Any], str, tuple[EvalResult, ...]]":
    """The front matter of a card, its body, and the scores of its model-index. Raises SalzooError, which begins with
    ``where``, if the front matter cannot be read."""
    from huggingface_hub import ModelCard

    try:
        card = ModelCard(text)
        return card.data.to_dict(), card.text, tuple(card.data.get("eval_results", ()))  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever a YAML parser and a constructor of keyword arguments can think of
        raise SalzooError(f"{where}: its front matter cannot be read: {_one_line(str(error))}") from error


def run_card(
    spec: str,
    *,
    data: str,
    training: Sequence[str],
    results: Mapping[str, Mapping[str, float]] | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """Write the card of a trained model's checkpoint folder.

    Args:
        spec: the model.
        data: what it was trained on, a sentence or two (with the data set's note, such as that it is synthetic).
        training: lines on how it was trained: initial weights, epochs, learning rates, seed.
        results: measured scores by model and metric, where there are any.
        remarks: what must be said beside these: of how much they are means, and whether that was trained on.

    Returns:
        Markdown with YAML front matter.
    """
    recipe, said = ("\n".join(f"- {_plain(line)}" for line in lines) for lines in (training, remarks))
    return _write_card(
        spec,
        f"{spec}, trained with salzoo",
        {
            "Training": f"{_plain(data)}\n\n{recipe}",
            "Measured results": f"{_table(results)}\n\n{said}" if results else "None yet.",
        },
    )


def converted_card(spec: str, *, file: str, sha256: str, notes: Sequence[str]) -> str:
    """Write the card of a checkpoint folder that ``salzoo convert`` made.

    Args:
        spec: the model.
        file: name of the published file.
        sha256: of that file.
        notes: what was decided on the way.
    """
    origin = f"Imported with `salzoo convert` from {_plain(file)} (sha256 `{sha256}`)."
    return _write_card(
        spec,
        f"{spec}, imported from published weights",
        {
            "Weights": "\n".join([f"{origin}\n", *(f"- {_plain(note)}" for note in notes)]),
            "Measured results": "None yet.",
            "Licence": "That of the published file, which is not salzoo's to give.",
        },
    )


def shipped_folder(name: str) -> Path:
    """Where the checkpoint folder of a card lies whose weights ship with salzoo."""
    return _folder() / name


def _folder() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])


def _text(name: str, block: Mapping[str, Any], key: str) -> str:
    value = block.get(key)
    if not (isinstance(value, str) and value.strip()):
        raise SalzooError(f"card {name}: salzoo.{key} must be a text")
    return _one_line(value)


def _texts(name: str, block: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = block.get(key)
    if not (isinstance(values, list) and values and all(isinstance(value, str) for value in values)):
        raise SalzooError(f"card {name}: salzoo.{key} must be a list of texts")
    return tuple(values)


def _weights(name: str, record: Any) -> Weights | None:
    if record is None:
        return None
    patterns = {"repo_id": r"\w[\w.-]*/\w[\w.-]*", "revision": "[0-9a-f]{40}", "sha256": "[0-9a-f]{64}"}
    if not isinstance(record, dict) or record.keys() not in (patterns.keys(), {"sha256"}):
        raise SalzooError(f"card {name}: salzoo.weights must have exactly {', '.join(patterns)}, or sha256 alone")
    for key, pattern in patterns.items():
        if key in record and not (isinstance(record[key], str) and re.fullmatch(pattern, record[key], re.ASCII)):
            raise SalzooError(f"card {name}: salzoo.weights.{key} must match {pattern}, not {record[key]!r}")
    return Weights(**record)


def _write_card(spec: str, title: str, sections: Mapping[str, str]) -> str:
    from huggingface_hub import ModelCardData

    front = ModelCardData(library_name="salzoo", tags=list(TAGS), salzoo={"spec": spec}).to_yaml()
    usage = "\n".join(
        [
            "With this folder as `FOLDER`:\n",
            "    salzoo predict FOLDER video.mp4 -o overlay.mp4\n",
            "or, in Python:\n",
            "    import salzoo\n",
            '    model = salzoo.load_model("FOLDER")',
        ]
    )
    body = "\n\n".join(f"## {heading}\n\n{text.strip()}" for heading, text in {"Usage": usage, **sections}.items())
    return f"---\n{front}\n---\n\n# {title}\n\n{body}\n"


def _table(results: Mapping[str, Mapping[str, float]]) -> str:
    metrics = list(dict.fromkeys(metric for scores in results.values() for metric in scores))
    rows = [["model", *metrics], ["---", *["---:"] * len(metrics)]]
    for model, scores in results.items():
        values = (scores.get(metric, math.nan) for metric in metrics)
        rows.append([_plain(model), *("–" if math.isnan(value) else f"{value:.4f}" for value in values)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    """A text from outside on one line, none of whose characters means anything in Markdown or HTML.

    >>> _plain("salgan+ema@61 of <b>my_lab</b> | *all*")
    'salgan+ema@61 of &lt;b&gt;my_lab&lt;/b&gt; \\\\| \\\\*all\\\\*'
    """
    safe = shown(_one_line(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = safe.replace("://", ":&#47;/").replace("www.", "www&#46;")  # which some renderers make links of
    return re.sub(r"([\\`*\[\]|~#]|(?<!\w)_|_(?!\w)|^[-+=](?=\s|$)|(?<=^\d)[.)])", r"\\\1", safe)
