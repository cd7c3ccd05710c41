"""The platform's own files: zones, pools, sizes, services."""

from __future__ import annotations

import pytest

from .conftest import Project

PLATFORM = "stacks/platform"
CASES = {
    "a zone declared twice": (
        "zones.yaml",
        "name: dg-link",
        "name: gin",
        "zones[1].name",
        "second entry is named `gin`",
    ),
    "an address range that is none": (
        "zones.yaml",
        "10.64.0.0/12",
        "10.64.0.1/12",
        "zones[0].cidrs[0]",
        "no address range",
    ),
    "an exception outside the range": (
        "zones.yaml",
        "cidrs: [0.0.0.0/0]",
        "cidrs: [1.0.0.0/8]",
        "zones[2].cidrs_except[0]",
        "lies in none",
    ),
    "zones that share addresses": (
        "zones.yaml",
        "[10.80.0.0/12]",
        "[10.72.0.0/16]",
        "zones[1]",
        "shares 10.72.0.0/16 with zone `gin`",
    ),
    "a private range left in the internet": (
        "zones.yaml",
        "      - 10.0.0.0/8\n",
        "",
        "zones[2]",
        "shares 10.64.0.0/12 with zone `gin`",
    ),
    "a pool for a zone that does not exist": (
        "capacity.yaml",
        "[shared-services, gdx, management]",
        "[shared-services, gdx, managment]",
        "pools[3].zones[2]",
        "no zone is named",
    ),
    "a pool without a unit": ("capacity.yaml", "memory: 240Ti", "memory: 240", "pools[0].memory", "has no unit"),
    "two pools for one zone and class": (
        "capacity.yaml",
        "zones: [internet]",
        "zones: [internet, gin]",
        "pools[1].data_classes",
        "carried by pool government already",
    ),
    "secrets on a public cloud": (
        "capacity.yaml",
        "kind: sovereign\n    zones: [gin]",
        "kind: public\n    zones: [gin]",
        "pools[2].data_classes[0]",
        "public cloud",
    ),
    "an overcommit that takes away": (
        "capacity.yaml",
        "{cpu: 2.0, memory: 1.0, storage: 1.2}\n\n  - name: internet",
        "{cpu: 0.5, memory: 1.0, storage: 1.2}\n\n  - name: internet",
        "pools[0].overcommit.cpu",
        "at least 1",
    ),
    "limits below requests": (
        "capacity.yaml",
        "limits: {cpu: 500m",
        "limits: {cpu: 50m",
        "container_defaults.limits.cpu",
        "less than the cpu",
    ),
    "a service's status that does not exist": (
        "services/mail.yaml",
        "status: planned",
        "status: plan",
        "status",
        "not one of",
    ),
    "a ministry with too long a name": (
        "ministries.yaml",
        "  mof:",
        f"  {'m' * 64}:",
        f"ministries.{'m' * 64}",
        "is not a DNS label",
    ),
    "a ministry that is no label": ("ministries.yaml", "  mof:", "  MOF:", "ministries.MOF", "is not a DNS label"),
}


@pytest.mark.parametrize(("file", "old", "new", "field", "message"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, file: str, old: str, new: str, field: str, message: str) -> None:
    path = project.root / PLATFORM / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    problem = project.problem()
    assert (problem.file, problem.field) == (f"{PLATFORM}/{file}", field), str(problem)
    assert message in problem.message, str(problem)
    assert problem.line > 1


@pytest.mark.parametrize("file", ["zones.yaml", "capacity.yaml", "ministries.yaml"])
def test_a_platform_file_that_is_missing_is_named_and_nothing_else_is_blamed(project: Project, file: str) -> None:
    (project.root / PLATFORM / file).unlink()
    problem = project.problem()
    assert (problem.file, problem.message) == (f"{PLATFORM}/{file}", "the file does not exist")


@pytest.mark.parametrize(
    ("there_is", "field", "figures"),
    [
        ("vcpu: 10", "vcpu", "24 vCPU cpu, and 20 vCPU may be promised (overcommit 2)"),
        ("memory: 40Gi", "memory", "48 GiB memory, and 40 GiB may be promised (overcommit 1)"),
        ("storage: 100Gi", "storage", "600 GiB storage, and 120 GiB may be promised (overcommit 1.2)"),
    ],
)
def test_asking_for_more_than_a_pool_may_promise_is_refused_with_the_figures(
    project: Project, there_is: str, field: str, figures: str
) -> None:
    path = project.root / PLATFORM / "capacity.yaml"
    lines = path.read_text().split("\n")
    line = next(index for index, text in enumerate(lines) if text.strip().startswith(f"{field}:"))
    lines[line] = f"    {there_is}"
    path.write_text("\n".join(lines))
    problem = project.problem()
    assert (problem.file, problem.line, problem.field) == (f"{PLATFORM}/capacity.yaml", line + 1, f"pools[0].{field}")
    assert "pool `government`" in problem.message
    assert figures in problem.message, str(problem)


def test_asking_for_exactly_what_may_be_promised_is_fine(project: Project) -> None:
    path = project.root / PLATFORM / "capacity.yaml"
    path.write_text(path.read_text().replace("vcpu: 60000", "vcpu: 12").replace("memory: 240Ti", "memory: 48Gi"))
    assert project.problems() == []
