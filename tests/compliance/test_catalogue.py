"""The catalogue of controls: complete, bilingual, and nothing in it that its sources do not say."""

from __future__ import annotations

from collections import Counter

import pytest

from gdcc.compliance.catalogue import Catalogue, load_catalogue
from gdcc.compliance.checks import CHECKS
from gdcc.compliance.checks.parameters import parameters
from tests.checkout import REPOSITORY

NAMED = {
    "CL": "* 5.1.1 5.1.2 5.1.3 5.2.1 5.2.2 5.2.3 5.2.3.6 5.2.4 5.2.5 5.2.6 5.2.6.5 5.2.7 5.2.8 5.2.9 5.2.10",
    "CP": "* 17.1 22.1.1 22.1.2 22.1.3 22.2.2ก 22.2.2ข 22.2.2ค 22.2.2ง 22.2.2จ 22.2.2ฉ 22.2.2ช 22.2.2ซ "
    "22.2.3 22.2.5 22.3.2 22.4.1 23.1.1 25.1.1",
    "MS": "*",
    "PD": "* 72h",
    "TL": "* s.26 clock",
    "DC": "*",
    "DG": "s.4 s.12(2) s.12(3) s.12(4) s.12(5) s.13 s.15",
    "ES": "*",
    "ID": "*",
    "WS": "*",
}
"""Every clause that the sources we have name; a number that is not here was invented."""
FRAMEWORKS = {
    "CL": "ncsa-cloud",
    "CP": "ncsa-code",
    "MS": "ncsa-minimum",
    "PD": "pdpa",
    "TL": "cca",
    "DC": "dga-classification",
    "DG": "dg-act",
    "ES": "e-saraban",
    "ID": "digital-id",
    "WS": "website",
}
ELSEWHERE = {f"GC-{number}" for number in (41, *range(43, 53))}
"""Answered on nodes and on running services, by suites of their own."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(REPOSITORY)


def test_there_are_52_controls_each_once(catalogue: Catalogue) -> None:
    assert [control.id for control in catalogue.controls] == [f"GC-{number:02}" for number in range(1, 53)]


def test_at_least_40_controls_are_answered_by_checks(catalogue: Catalogue) -> None:
    answered = [control for control in catalogue.controls if control.checks]
    assert len(answered) >= 40
    assert {control.id for control in catalogue.controls if control.manual} <= ELSEWHERE | {"GC-42"}


def test_every_control_has_a_check_or_says_why_a_person_has_to_look(catalogue: Catalogue) -> None:
    for control in catalogue.controls:
        assert bool(control.checks) != bool(control.manual), control.id


def test_every_check_of_the_catalogue_exists_and_no_check_is_without_a_control(catalogue: Catalogue) -> None:
    known = Counter(check.id for check in CHECKS)
    assert max(known.values()) == 1
    named = {check for control in catalogue.controls for check in control.checks}
    assert known.keys() - named == set(), "checks that no control names"
    assert named - known.keys() == set(), "checks that do not exist"


def test_no_clause_is_invented(catalogue: Catalogue) -> None:
    named = {f"{source} {number}" for source, numbers in NAMED.items() for number in numbers.split()}
    assert set(catalogue.clauses) == named | {"DC DGS 9-2"}
    assert {key: source.framework for key, source in catalogue.sources.items()} == FRAMEWORKS


def test_no_clause_is_without_a_control_unless_it_says_why(catalogue: Catalogue) -> None:
    answered = {clause for control in catalogue.controls for clause in control.clauses}
    for key, clause in catalogue.clauses.items():
        assert (key in answered) != (clause.uncovered is not None), key


def test_every_clause_is_provisional_until_a_lawyer_confirms_it(catalogue: Catalogue) -> None:
    assert all(clause.provisional for clause in catalogue.clauses.values())


def test_every_control_answers_a_clause_or_a_technical_baseline(catalogue: Catalogue) -> None:
    for control in catalogue.controls:
        assert control.clauses or control.mappings, control.id


def test_logs_are_kept_for_90_days_and_not_for_ever() -> None:
    kept = parameters(REPOSITORY).log_retention_days
    assert 90 <= kept.minimum <= kept.maximum
