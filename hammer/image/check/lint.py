"""Check one image: read it once, ask every group of rules."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from hammer.errors import ImageError, RuleUnknown
from hammer.image.check import (
    archive,
    installer,
    kernel,
    metal,
    places,
    published,
    rules,
    space,
    system,
)
from hammer.image.check.reader import Facts, read
from hammer.image.check.rules import Finding, Outcome, Rule, Severity, Unchecked
from hammer.image.check.tree import TooMany
from hammer.stream import http
from hammer.stream.published import source_errors


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is to be told of one image."""

    where: str
    findings: tuple[Finding, ...]
    """The worst first, then in the order of the table of rules."""
    unchecked: tuple[Unchecked, ...]
    skipped: tuple[Rule, ...]
    facts: Facts

    def count(self, severity: Severity) -> int:
        return sum(finding.rule.severity is severity for finding in self.findings)


def lint(
    url: str,
    *,
    where: str,
    skip: Sequence[str] = (),
    fits: Callable[[Facts], Iterable[Outcome]] = space.findings,
    parsers: installer.Parsers,
    patience: http.Patience,
    on_retry: http.OnRetry,
) -> Report:
    """Read the image behind `url` and judge it. Nothing is written anywhere.

    `where` is how messages name it, and `fits` judges the room that it takes. Raises
    ImageError when the image cannot be opened, RuleUnknown; what is wrong with an image that
    can be is in the report.
    """
    skipped = chosen(skip)
    with (
        source_errors(url),
        http.opened(url, patience=patience, on_retry=on_retry, may_leave_tls=True) as body,
    ):
        # First, because they say which digests are to be made of the image.
        siblings = published.fetch(url, patience=patience, on_retry=on_retry)
        facts = read(body, url=url, where=where, algorithms=siblings.algorithms)

    def findings() -> Iterator[Outcome]:
        yield from archive.findings(facts)
        yield from published.findings(facts, siblings)
        if not facts.incomplete:
            yield from installer.findings(facts, parsers)
            yield from kernel.findings(facts)
            yield from system.findings(facts)
            yield from places.findings(facts)
            yield from metal.findings(facts)
            yield from fits(facts)

    try:
        found = list(findings())
    except TooMany as reason:
        facts.too_many = str(reason)
        found = list(findings())  # nobody looks into the tree any more
    outcomes = [each for each in _judged(found, facts) if each.rule not in skipped]
    return Report(
        where=where,
        findings=tuple(
            sorted((each for each in outcomes if isinstance(each, Finding)), key=_place)
        ),
        unchecked=tuple(each for each in outcomes if isinstance(each, Unchecked)),
        skipped=skipped,
        facts=facts,
    )


def unopened(error: ImageError, *, where: str, skip: Sequence[str] = ()) -> Report:
    """What is to be told of an image that `lint` could not open: that, and no other verdict.

    Programs that read reports need not know a second shape. Raises RuleUnknown.
    """
    skipped = chosen(skip)
    why = "an image that cannot be opened is installed on no machine"
    rule = Rule(id=error.code, severity=Severity.ERROR, why=why, fix=error.hint)
    reason = f"the image cannot be opened ({error.code})"
    return Report(
        where=where,
        findings=(Finding(rule, str(error)),),
        unchecked=tuple(Unchecked(each, reason) for each in rules.RULES if each not in skipped),
        skipped=skipped,
        facts=Facts(where=where),
    )


def _judged(outcomes: Sequence[Outcome], facts: Facts) -> Iterator[Outcome]:
    """Without verdicts on a whole that nobody has seen."""
    if not facts.incomplete:
        yield from outcomes
        return
    yield from (each for each in outcomes if not each.rule.of_whole)
    yield from (Unchecked(rule, facts.incomplete) for rule in rules.RULES if rule.of_whole)


def _place(finding: Finding) -> tuple[int, int]:
    severities = list(Severity)
    return severities.index(finding.rule.severity), rules.RULES.index(finding.rule)


def chosen(ids: Sequence[str]) -> tuple[Rule, ...]:
    """The rules with these ids. Raises RuleUnknown."""
    for id in ids:
        if id not in rules.BY_ID:
            nearest = get_close_matches(id, rules.BY_ID, n=1)
            raise RuleUnknown(rule=id, nearest=nearest[0] if nearest else None)
    return tuple(rules.BY_ID[id] for id in ids)


def exit_status(report: Report, *, fatal_warnings: bool) -> int:
    """0, or that of an error of the image."""
    fatal = [Severity.ERROR, Severity.WARNING] if fatal_warnings else [Severity.ERROR]
    return ImageError.exit_status if any(map(report.count, fatal)) else 0


def as_url(image: str) -> str:
    """What the user wrote as a URL: a path becomes one of the scheme file."""
    return image if "://" in image else Path(image).absolute().as_uri()
