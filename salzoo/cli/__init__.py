"""The ``salzoo`` command: one small module a command, imported when the command runs or its help is shown."""

import atexit
import gc
import importlib
import os
import shlex
import sys
from typing import Any

import click

from salzoo.cli.failures import explain
from salzoo.cli.terminal import Failure, drop_output, guarded_streams
from salzoo.cli.types import GIVEN
from salzoo.interfaces.errors import LIMIT, shown
from salzoo.runtime.ranks import end_with_parent
from salzoo.runtime.signals import ended_by_signals
from salzoo.version import __version__

COMMANDS = {
    "list": "Names the zoo knows: backbones, temporal modules, metrics, data sets, models.",
    "describe": "Show a model's numbered layers, landmarks, links and temporal modules.",
    "train": "Train a model.",
    "adapt": "Fit few numbers behind a model to other pictures.",
    "sweep": "Train each model of a pattern, such as an ablation over the layer index.",
    "recipes": "Show how models are trained.",
    "eval": "Score models, or saved maps, on a data set.",
    "compare": "Show results beside each other, with intervals and a plot.",
    "report": "Write a page on runs and results, to open anywhere and to send.",
    "predict": "Draw attention on a video or image.",
    "regions": "How much attention regions get, of a model or of people.",
    "watch": "Show a camera with the attention on it, on a local page.",
    "app": "Serve a local page on which models show where people look.",
    "card": "Show a model's card.",
    "cards": "Check all model cards.",
    "pull": "Fetch a model from the Hugging Face Hub.",
    "push": "Put a checkpoint or run folder on the Hugging Face Hub.",
    "convert": "Turn a published weights file into a checkpoint folder.",
    "export": "Write a model as a program for torch.export or ONNX.",
    "bench": "Measure how fast it is here.",
    "plugins": "Show, check and begin packages that add to the zoo.",
    "data": "Get, import, make and check data sets.",
    "config": "Show and set lasting settings, such as the folders of data sets.",
}
"""Commands in the order of ``--help``, with the line shown there: listing them imports none."""


class Commands(click.Group):
    """A group that imports a command's module, ``salzoo.cli.<command>_command``, only when it is asked for, and prints
    an error as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"salzoo.cli.{cmd_name}_command")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        # Its other backends are none that models run on; and where any package's entry points cannot be read, torch
        # would not load for asking them.
        os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
        if "TORCHELASTIC_RUN_ID" in os.environ:
            end_with_parent()
        # Importing torch makes almost a million objects that stay: to search them for garbage, on the way and once more
        # at the end, took a third of the time of a short command. (With ``args`` we are called within another program.)
        young, older = (100_000, 50) if args or "args" in extra else (1_000_000, 5)
        gc.set_threshold(young, older, 1000)
        atexit.register(gc.freeze)
        with guarded_streams(), ended_by_signals():
            return super().main(*args, **extra)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        ctx.meta[GIVEN] = shlex.join(["salzoo", *args])
        if "" in args:  # which a path would take for the folder that one is in
            raise click.UsageError("an argument is empty: a variable of the shell that is not set?", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise click.UsageError(shown(error.format_message(), LIMIT), error.ctx) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # The reader of our output has gone (``salzoo list | head``): nothing to say, and nobody to say it to.
            drop_output(sys.stdout)
            raise click.exceptions.Exit(1) from None
        except Exception as error:
            if ctx.params["debug"]:
                raise
            raise Failure(explain(error, ctx.invoked_subcommand or "")) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="salzoo")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """A zoo of visual-saliency models for video and images.

    A model is named by a spec: salgan+ema@61 is SalGAN with a moving average on its layer 61.
    """
