"""The checks of a component, how they are run, and what they found."""

import functools
import unittest
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import EndedBySignal, one_line
from salzoo.runtime.progress import LINE, progress_bar

Subject = TypeVar("Subject")


class FaultError(Exception):
    """Raised by a check: what is wrong, and what the author should do."""


class NotApplicableError(Exception):
    """Raised by a check that this component gives no occasion for; says why."""


class ConformanceError(AssertionError):
    """A component breaks its contract. The message lists every finding."""


@dataclass(frozen=True)
class Finding:
    """A check that failed, or was passed over: its name, and why."""

    check: str
    reason: str


@dataclass(frozen=True)
class Report:
    """The result of all checks of one component.

    Attributes:
        kind: "temporal module", "backbone", "metric", "data set", "card" or "package".
        name: what was checked.
        held: the checks that held.
        findings: those that failed.
        passed_over: those that did not apply.
    """

    kind: str
    name: str
    held: tuple[str, ...]
    findings: tuple[Finding, ...]
    passed_over: tuple[Finding, ...]

    def __str__(self) -> str:
        lines = [f"{self.kind} {self.name}: {len(self.held)} checks held, {len(self.findings)} failed"]
        lines += [f"  FAILED {finding.check}: {finding.reason}" for finding in self.findings]
        lines += [f"  passed over {finding.check}: {finding.reason}" for finding in self.passed_over]
        return "\n".join(lines)

    def as_record(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return asdict(self)

    def raise_findings(self) -> None:
        """Raise ConformanceError when a check failed."""
        if self.findings:
            raise ConformanceError(str(self))


@dataclass(frozen=True)
class Suite(Generic[Subject]):
    """The checks of a component.

    Attributes:
        kind, name: as a ``Report`` has them.
        make: makes what is checked.
        checks: functions of it that raise what is wrong; a check's name is its function's, its underscores as spaces.
    """

    kind: str
    name: str
    make: Callable[[], Subject]
    checks: Sequence[Callable[[Subject], Any]]

    def report(self) -> Report:
        """Make the subject and run every check on it; one that raises anything is a finding. When the subject cannot be
        made, that is the finding."""
        held: list[str] = []
        findings: list[Finding] = []
        passed_over: list[Finding] = []
        try:
            subject = self.make()
        except (KeyboardInterrupt, EndedBySignal):
            raise
        except BaseException as error:  # a third party's code may raise anything, pytest's outcomes among it
            return Report(self.kind, self.name, (), (Finding("it can be made", describe(error)),), ())
        for check in _with_progress(f"{self.kind} {self.name}", self.checks):
            title = check.__name__.replace("_", " ")
            try:
                check(subject)
            except NotApplicableError as reason:
                passed_over.append(Finding(title, str(reason)))
            except (KeyboardInterrupt, EndedBySignal):
                raise
            except BaseException as error:
                findings.append(Finding(title, describe(error)))
            else:
                held.append(title)
        return Report(self.kind, self.name, tuple(held), tuple(findings), tuple(passed_over))

    def enforce(self) -> Report:
        """The report. Raises ConformanceError with every finding when a check failed."""
        report = self.report()
        report.raise_findings()
        return report

    def cases(self) -> list[Callable[[], None]]:
        """Each check as a test of its own, named as the check is; what is checked is made once, by the first of them.

        A case raises ConformanceError with what to fix, and unittest's SkipTest where it does not apply.
        """
        made: list[Subject] = []

        def case(check: Callable[[Subject], Any]) -> Callable[[], None]:
            @functools.wraps(check)
            def run() -> None:
                try:
                    if not made:
                        made.append(self.make())
                    check(made[0])
                except NotApplicableError as reason:
                    raise unittest.SkipTest(str(reason)) from None
                except (FaultError, SalzooError) as error:
                    raise ConformanceError(f"{self.kind} {self.name}: {describe(error)}") from error

            return run

        return [case(check) for check in self.checks]


def _with_progress(label: str, checks: Sequence[Callable[[Subject], Any]]) -> Iterator[Callable[[Subject], Any]]:
    """The checks, with a bar that names the one at hand: some take a minute."""
    with progress_bar(label, total=len(checks), unit="check", line_format=f"{LINE}{{postfix}}") as bar:
        for check in checks:
            bar.set_postfix_str(check.__name__.replace("_", " "), refresh=False)
            bar.update(0)
            yield check
            bar.update()


def describe(error: BaseException) -> str:
    """An error on one line; of what is no finding or word to the user, its type too."""
    message = one_line(error)
    return message if isinstance(error, FaultError | SalzooError) else f"it raised {type(error).__name__}: {message}"


def require(condition: bool, fault: str) -> None:
    """Raise FaultError unless a condition holds."""
    if not condition:
        raise FaultError(fault)
