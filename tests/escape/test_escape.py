"""Every attack, with all its walls, with each alone and with none."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from components.admission import walls
from tests.escape.attack import Attack
from tests.escape.campaign import Campaign
from tests.escape.catalogue import ATTACKS, FAMILIES
from tests.escape.catalogue.benchmark import CHECKS
from tests.escape.ground import ESTATE

ADVISORIES = {
    *("CVE-2022-23652", "CVE-2022-46167", "CVE-2023-46254", "CVE-2023-48312", "CVE-2024-39690", "CVE-2025-55205"),
    *("CVE-2026-30963", "GHSA-gwxr-7h77-7777", "CVE-2026-22872", "CVE-2026-65835", "CVE-2026-61672", "CVE-2026-61794"),
    *("CVE-2026-61795", "CVE-2025-5187"),
}
"""Of Capsule and its proxy, as published until September 2026 (GHSA-2ww6-hf35-mfjm is CVE-2026-30963); and of nodes."""
_THAI = re.compile("[ก-๙]")


@pytest.mark.cluster
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_fails_at_each_of_its_walls_and_succeeds_without_them(attack: Attack, campaign: Campaign) -> None:
    trials = campaign.trials(attack)
    assert [trial for trial in trials if not trial.as_it_should] == [], "\n".join(map(str, trials))
    assert trials[-1].standing == ()
    refusals = [trial.answer.message for trial in trials if trial.standing]
    assert any(attack.says in message for message in refusals), refusals
    for message in refusals:
        if "ValidatingAdmissionPolicy" in message:
            assert _THAI.search(message), "no word in Thai"


def test_there_are_attacks_for_every_advisory_and_every_check_of_the_benchmark() -> None:
    references = {attack.reference for attack in ATTACKS}
    assert references >= ADVISORIES
    assert {reference for reference in references if reference.startswith("MTB-")} == CHECKS
    assert len(CHECKS) == 19


def test_every_wall_is_attacked() -> None:
    attacked = {wall for attack in ATTACKS for wall in attack.walls}
    assert {wall.name for wall in walls(ESTATE.admission, ESTATE.today) if wall.denies} <= attacked


def test_no_two_attacks_have_the_same_name() -> None:
    assert [name for name, times in Counter(attack.name for attack in ATTACKS).items() if times > 1] == []
    assert len(ATTACKS) >= 40
    assert all(FAMILIES.values())
