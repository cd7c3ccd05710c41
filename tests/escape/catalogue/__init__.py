"""All attacks, by where they come from."""

from tests.escape.attack import Attack
from tests.escape.catalogue import (
    advisories,
    belongings,
    benchmark,
    containers,
    freeze,
    machines,
    pitfalls,
    stolen,
    ways_in,
)

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "advisories": advisories.ATTACKS,
    "benchmark": benchmark.ATTACKS,
    "pitfalls": pitfalls.ATTACKS,
    "ways in": ways_in.ATTACKS,
    "machines": machines.ATTACKS,
    "containers": containers.ATTACKS,
    "belongings": belongings.ATTACKS,
    "freeze": freeze.ATTACKS,
    "stolen credentials": stolen.ATTACKS,
}
ATTACKS: tuple[Attack, ...] = tuple(attack for family in FAMILIES.values() for attack in family)
