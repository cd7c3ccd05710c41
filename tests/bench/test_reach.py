"""How the proof of reachability grows: 2,400 agencies with 10,000 agreements, and half of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from gdcc.model import Agreement, Estate, StackSettings, Tenant, load_estate
from gdcc.reach import check, entries, survey
from gdcc.reach.page import page
from tests.checkout import REPOSITORY

pytestmark = pytest.mark.bench

AGENCIES, AGREEMENTS = 2_400, 10_000
MOST_SECONDS = 60
MOST_SECONDS_REAL = 5


@pytest.fixture(scope="module")
def real() -> Estate:
    return load_estate(REPOSITORY, StackSettings(agencies=("*",)))


def grown(real: Estate, agencies: int, agreements: int) -> Estate:
    """The real tenants again and again under other ids, with agreements between random ones; a tenth go to one hub."""
    random = Random(agencies)
    tenants = tuple(
        replace(tenant, id=f"t{index:07d}", agency=f"{tenant.agency}-{index}")
        for index, tenant in enumerate(islice(_again(real.tenants), agencies))
    )
    model = next(one for one in real.agreements if one.state(real.today).value == "active")
    made: dict[tuple[str, str], Agreement] = {}
    while len(made) < agreements:
        provider = tenants[0] if random.random() < 0.1 else random.choice(tenants)
        consumer = random.choice(tenants)
        terms = model.terms.model_copy(update={"environments": ()})
        pair = provider.id, consumer.id
        agreement = Agreement(f"a{len(made)}", terms, provider, consumer, f"stacks/agreements/a{len(made)}.yaml")
        if pair[0] != pair[1] and pair not in made and agreement.environments:
            made[pair] = agreement
    return replace(real, tenants=tenants, agreements=tuple(made.values()))


def _again(tenants: tuple[Tenant, ...]) -> Iterator[Tenant]:
    while True:
        yield from tenants


def timed(estate: Estate) -> float:
    """Seconds for the whole: the gate, the table, the page."""
    began = time.perf_counter()
    findings = check(estate)
    checked = time.perf_counter()
    landscape = survey(estate)
    everybody = frozenset((*landscape.parties, ""))
    listed = entries(landscape, landscape.matrix.parts(everybody, everybody))
    told = time.perf_counter()
    size = len(page(landscape, listed))
    ended = time.perf_counter()
    assert findings == []
    matrix, agreements = landscape.matrix, len(estate.agreements)
    print(f"\n{len(estate.tenants):,} agencies, {len(landscape.tenants):,} namespaces, {agreements:,} agreements")
    print(f"  {len(matrix.policies):,} policies, {len(matrix.flows):,} flows, a page of {size:,} bytes")
    print(f"  gate {checked - began:.1f} s, matrix and table {told - checked:.1f} s, page {ended - told:.1f} s")
    return ended - began


def test_the_real_stacks_take_less_than_five_seconds(real: Estate) -> None:
    assert timed(real) < MOST_SECONDS_REAL


def test_2400_agencies_take_less_than_a_minute_and_twice_as_many_about_twice_the_time(real: Estate) -> None:
    half = timed(grown(real, AGENCIES // 2, AGREEMENTS // 2))
    whole = timed(grown(real, AGENCIES, AGREEMENTS))
    print(f"twice the agencies and agreements: {whole / half:.2f} times the seconds")
    assert whole < MOST_SECONDS
    assert whole / half < 3
