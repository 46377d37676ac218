"""A report as text, as JSON, and as the commands that GitHub's workflows understand."""

import json
from collections.abc import Callable, Iterator
from enum import StrEnum

from hammer.console import Event, Sink, Write, printable
from hammer.image.check.lint import Report
from hammer.image.check.rules import RULES, Severity


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


# GitHub, "Workflow commands for GitHub Actions": error, warning and notice.
_GITHUB_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}


def as_text(report: Report) -> str:
    """A line `severity: rule: text` for each finding, one that sums up, and reasons between.

    ASCII without control characters, whatever names the image holds.
    """
    lines = []
    told: set[str] = set()
    for finding in report.findings:
        rule = finding.rule
        lines.append(f"{rule.severity}: {rule.id}: {finding.text}")
        if rule.severity is not Severity.INFO and rule.id not in told:
            lines += [f"    why: {rule.why}", f"    fix: {rule.fix}"]
        told.add(rule.id)
    lines += [f"not checked: {text}" for text in _not_checked(report)]
    if report.skipped:
        lines.append(f"skipped: {', '.join(rule.id for rule in report.skipped)}")
    return "".join(f"{printable(line)}\n" for line in [*lines, summary(report)])


def _not_checked(report: Report) -> Iterator[str]:
    """For each reason the rules, in one text."""
    reasons: dict[str, list[str]] = {}
    for unchecked in report.unchecked:
        reasons.setdefault(unchecked.reason, []).append(unchecked.rule.id)
    yield from (f"{', '.join(ids)}: {reason}" for reason, ids in reasons.items())


def summary(report: Report) -> str:
    """One line: how many of what, and what was read."""
    facts = report.facts
    counts = ", ".join(
        f"{count} {severity}{'' if count == 1 or severity is Severity.INFO else 's'}"
        for severity in Severity
        for count in (report.count(severity),)
    )
    read = f"{facts.members} members, {facts.packed_bytes} bytes"
    return f"{report.where}: {counts}; {read}, md5 {facts.md5 or 'not known'}"


def as_json(report: Report) -> str:
    """One object; keys are added in later versions and never renamed."""
    facts = report.facts
    made = {
        "image": report.where,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "md5": facts.md5,
        "members": facts.members,
        "packed_bytes": facts.packed_bytes,
        "unpacked_bytes": facts.plain_bytes,
        "findings": [
            {
                "rule": finding.rule.id,
                "severity": finding.rule.severity,
                "text": finding.text,
                "why": finding.rule.why,
                "fix": finding.rule.fix,
            }
            for finding in report.findings
        ],
        "unchecked": [
            {"rule": unchecked.rule.id, "reason": unchecked.reason}
            for unchecked in report.unchecked
        ],
        "skipped": [rule.id for rule in report.skipped],
    }
    return json.dumps(made, indent=2) + "\n"


def as_github(report: Report) -> str:
    """A workflow command for each finding and each reason why a rule is not checked; the sum."""
    lines = [
        _github(
            _GITHUB_COMMANDS[finding.rule.severity],
            finding.rule.id,
            f"{report.where}: {finding.text} (fix: {finding.rule.fix})",
        )
        for finding in report.findings
    ]
    lines += [
        _github("notice", "not checked", f"{report.where}: {text}") for text in _not_checked(report)
    ]
    return "".join(f"{printable(line)}\n" for line in [*lines, _escaped(summary(report))])


def github_sink(write: Write) -> Sink:
    """A failure of the command itself as a workflow command; nothing else."""

    def sink(event: Event) -> None:
        if event["event"] == "failed":
            text = f"{event['message']} (fix: {event['hint']})"
            write(printable(_github("error", str(event["code"]), text)) + "\n")

    return sink


def _github(command: str, title: str, text: str) -> str:
    return f"::{command} title={title}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """As the data of a command: a line end would begin another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


TOLD: dict[Format, Callable[[Report], str]] = {
    Format.TEXT: as_text,
    Format.JSON: as_json,
    Format.GITHUB: as_github,
}


def list_of_rules() -> str:
    """Every rule in a line: id, severity, why."""
    width = max(len(rule.id) for rule in RULES)
    return "".join(f"{rule.id:<{width}} {rule.severity:<7} {rule.why}\n" for rule in RULES)
