"""Checkpoint folders to the Hugging Face Hub, with a card that says what they are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salzoo.hub import checkpoint
from salzoo.hub.cards import TAGS, split_card
from salzoo.hub.checkpoint import CARD, CONFIG, WEIGHTS
from salzoo.hub.pulling import REPO, hub_errors
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.model import SaliencyModel
from salzoo.runtime.files import read_json

RESULTS = "results.json"


@dataclass(frozen=True)
class Push:
    """What goes to the Hub.

    Attributes:
        repo_id: ``org/repo``.
        files: their contents, by name.
        url: of the commit; empty in a dry run.
        revision: the commit; empty in a dry run.
    """

    repo_id: str
    files: dict[str, bytes]
    url: str = ""
    revision: str = ""

    @property
    def weights(self) -> str:
        """The block ``salzoo.weights`` of a card that names this commit, in YAML, where digits alone need quotes."""
        sha256 = hashlib.sha256(self.files[WEIGHTS]).hexdigest()
        return f'{{repo_id: {self.repo_id}, revision: "{self.revision}", sha256: "{sha256}"}}'


def push(
    folder: str | Path, repo_id: str, *, private: bool = False, overwrite: bool = False, dry_run: bool = False
) -> Push:
    """Put a checkpoint folder, or that of a run, on the Hub as one commit.

    The repository is made where there is none. Only the weights, the config and the card go; the card is the folder's
    with the repository's name in its usage lines and a run's scores as its ``model-index``.

    Args:
        folder: it must load.
        repo_id: ``org/repo``.
        private: make a new repository private.
        overwrite: also where the repository holds another model.
        dry_run: put nothing.

    Raises:
        SalzooError: a name without an organisation, a folder that does not load, a repository that holds another model
            or other files, no right to write there, no connection.
    """
    match = REPO.fullmatch(repo_id)
    if match is None or match[2]:
        raise SalzooError(
            f"{repo_id!r} names no repository: write ORG/REPO, with your name on the Hub, or your group's"
        )
    folder = Path(folder)
    model = checkpoint.load_checkpoint(folder)
    card = complete_card(folder, repo_id, model)
    if checkpoint.read_config(folder).borrowed is None:
        files = {name: (folder / name).read_bytes() for name in (WEIGHTS, CONFIG)} | {CARD: card.encode()}
    else:  # a repository stands by itself
        files = checkpoint.checkpoint_files(model, card, str(folder))
    if dry_run:
        return Push(repo_id, files)
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    with hub_errors(repo_id):
        api.create_repo(repo_id, private=private, exist_ok=True)
        held = set(api.list_repo_files(repo_id)) - {".gitattributes"}
    if held and not overwrite:
        _check_same_model(api, repo_id, held, str(model.spec))
    operations = [CommitOperationAdd(name, data) for name, data in files.items()]
    with hub_errors(repo_id):
        commit = api.create_commit(repo_id, operations, commit_message=f"{model.spec}")
    return Push(repo_id, files, str(commit.commit_url), str(commit.oid))


def complete_card(folder: Path, repo_id: str, model: SaliencyModel) -> str:
    """The card of a checkpoint folder as it goes to a repository."""
    from huggingface_hub import ModelCardData

    front, body, _ = split_card((folder / CARD).read_text(encoding="utf-8"), str(folder / CARD))
    front = {"library_name": "salzoo", "tags": list(TAGS), **front}
    front["salzoo"] = {**(front.get("salzoo") or {}), "spec": str(model.spec)}
    results = _eval_results(folder / RESULTS, str(model.spec))
    if results:
        front |= {"model_name": repo_id.partition("/")[2], "eval_results": results}
        front.pop("model-index", None)
    body = body.replace("With this folder as `FOLDER`:", "Where salzoo is installed:").replace("FOLDER", repo_id)
    return f"---\n{ModelCardData(**front).to_yaml()}\n---\n\n{body.strip()}\n"


def _eval_results(path: Path, spec: str) -> list[Any]:
    """A run's validation scores of its own model, as the entries of a model-index."""
    from huggingface_hub import EvalResult

    if not path.exists():
        return []
    try:
        records: list[Mapping[str, Any]] = read_json(path, 1 << 28)["results"]
        return [
            EvalResult(
                task_type="visual-saliency",
                dataset_type=record["dataset"],
                dataset_name=record["dataset"],
                dataset_split=record["split"],
                metric_type=metric,
                metric_value=value,
                metric_name=metric,
                metric_args=_measured(record),
            )
            for record in records
            if record["model"] == spec
            for metric, value in record["mean"].items()
            if value is not None
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SalzooError(f"{path} cannot be read: {one_line(error)}") from error


def _measured(record: Mapping[str, Any]) -> dict[str, Any]:
    """What must be said beside each score of a result: of how much it is the mean, and whether that was trained on."""
    said = {"note": record.get("note"), "trained_on": (record.get("trained_on") or {}).get("words")}
    size = {"videos": len(record["per_video"]), "frames": record["frames"]}
    known = {key: words for key, words in said.items() if words}
    return {"protocol": record["protocol"], "status": "measured with salzoo", **size, **known}


def _check_same_model(api: Any, repo_id: str, held: set[str], spec: str) -> None:
    """Raise SalzooError unless a repository holds an earlier state of this model and nothing else."""
    others = sorted(held - {WEIGHTS, CONFIG, CARD})
    if others:
        raise SalzooError(
            f"{repo_id} holds other files ({', '.join(others[:3])}); --overwrite replaces ours among them"
        )
    if CONFIG in held:
        with hub_errors(repo_id, CONFIG):
            path = Path(api.hf_hub_download(repo_id, CONFIG))
        there = str(checkpoint.read_config(path.parent).spec)
        if there != spec:
            raise SalzooError(f"{repo_id} holds another model, {there}; name another repository or give --overwrite")
