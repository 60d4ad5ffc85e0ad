"""Weights as their authors published them: fetched, checked, converted and kept as a checkpoint folder in the cache."""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from salzoo.datasets.downloads import download
from salzoo.datasets.files import cache_folder
from salzoo.hub.authors_file import AuthorsFile
from salzoo.hub.cards import Card, load_card
from salzoo.hub.checkpoint import CONFIG, read_config, save_checkpoint, weights_hash
from salzoo.hub.conversion import convert_weights
from salzoo.hub.places import pulled_folder
from salzoo.interfaces import SalzooError
from salzoo.model import canonical_spec
from salzoo.runtime.files import complete_or_absent, read_json, write_text, writing
from salzoo.runtime.locking import locked
from salzoo.runtime.ranks import this_rank
from salzoo.trained_on import TrainedOn

RECORD = "source.json"
"""In the checkpoint folder: where the weights are from, and the checksums of the file and of what it became."""

SEEN = "seen.json"
"""In the cache: the sha256 of each file as it was first seen."""


@dataclass(frozen=True)
class Fetched:
    """A checkpoint folder made of a file that authors published.

    Attributes:
        name: of the card.
        folder: in the cache.
        where: the file was, in words.
        sha256: of the file.
    """

    name: str
    folder: Path
    where: str
    sha256: str


def fetched_folder(name: str) -> Path | None:
    """The checkpoint folder that ``salzoo pull`` made for a card; None where there is none.

    Raises SalzooError where its weights are not those that were saved there.
    """
    card = load_card(name)
    if card.file is None or not (pulled_folder(card) / CONFIG).exists():
        return None
    folder = pulled_folder(card)
    try:
        recorded = read_json(folder / RECORD)["weights_sha256"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        recorded = ""
    if recorded != weights_hash(folder) or read_config(folder).spec != canonical_spec(card.spec):
        raise SalzooError(f"{folder} is not what salzoo pull {name} made: remove it, and pull again")
    return folder


def fetch_weights(cards: Sequence[Card], say: Callable[[str], None]) -> list[Fetched]:
    """Fetch the files that cards declare, and make a checkpoint folder of each; what is there already is left alone.

    No code in a file is run. A download that broke off goes on next time; a file that is not the declared one is
    removed.

    Args:
        cards: with a ``file``.
        say: takes lines for the user: where the file is, and its terms, before anything is asked for.

    Raises:
        SalzooError: no connection, a server that breaks off, refuses or sends something else, a file that is no
            weights of the card's spec, a cache that cannot be written.
    """
    keep, done = cache_folder() / "files", []
    with ExitStack() as afterwards:
        for card in cards:
            file = card.file
            assert file is not None
            say(f"{card.name}: {file.where}\nterms of its authors: {file.terms}")
            folder = fetched_folder(card.name)
            if folder is None:
                path = keep / file.digest
                with locked(keep, this_rank(), "is being fetched into"):
                    sha256 = _fetch(file, path)
                    afterwards.callback(path.unlink, missing_ok=True)
                    folder = _convert(card, file, path, sha256)
            done.append(Fetched(card.name, folder, file.where, read_json(folder / RECORD)["sha256"]))
    return done


def _fetch(file: AuthorsFile, path: Path) -> str:
    """Have the file at a path; its sha256, which is that of the first time."""
    from huggingface_hub import constants

    if not path.exists():
        if constants.HF_HUB_OFFLINE:
            raise SalzooError(f"{file.where} is wanted, and offline mode is on (HF_HUB_OFFLINE)")
        if shutil.disk_usage(path.parent).free < 3 * file.most:
            raise SalzooError(f"{path.parent} has not the {3 * file.most:,} bytes free that {file.where} may take")
        download(file.url, path, file.most)
    try:
        sha256 = file.check(path)
        seen = path.parent / SEEN
        try:
            record = read_json(seen)
        except FileNotFoundError:
            record = {}
        except (ValueError, RecursionError) as error:
            raise SalzooError(f"{seen} is damaged: remove it") from error
        if record.setdefault(file.digest, sha256) != sha256:
            raise SalzooError(f"what came for {file.where} has another sha256 than the first time: {sha256}")
        write_text(json.dumps(record, indent=1) + "\n", seen)
    except SalzooError:
        path.unlink()
        raise
    return sha256


def _convert(card: Card, file: AuthorsFile, path: Path, sha256: str) -> Path:
    """Turn the file at a path into the card's checkpoint folder."""
    model, _ = convert_weights(path, card.spec)
    if model.spec != canonical_spec(card.spec):
        raise SalzooError(f"{file.where} holds weights of {model.spec}, not of {card.spec} as the card says")
    if card.trained_on:
        model.trained_on = TrainedOn().and_stated(*card.trained_on)
    folder = pulled_folder(card)
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with complete_or_absent(folder) as temporary:
        save_checkpoint(model, temporary, card.text)
        record = {"form": file.form, **file.fields, "sha256": sha256, "size": path.stat().st_size}
        write_text(
            json.dumps({**record, "weights_sha256": weights_hash(temporary)}, indent=1) + "\n", temporary / RECORD
        )
    return folder
