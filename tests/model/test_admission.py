"""What tenants may use: the file, and that no two tenants have a domain in common."""

from __future__ import annotations

import pytest

from gdcc.model import Environment
from gdcc.model.admission import collisions

from .conftest import REPOSITORY, Project

FILE = "stacks/platform/admission.yaml"
TEXT = (REPOSITORY / FILE).read_text(encoding="utf-8")


def test_every_environment_of_every_agency_has_a_domain_of_its_own(project: Project) -> None:
    (tenant,) = project.estate().tenants
    assert tenant.domains[Environment.DEV] == (f"{tenant.agency}.dev.gdcc.go.th.example",)
    assert tenant.domains[Environment.PROD] == (f"{tenant.agency}.apps.gdcc.go.th.example",)


def test_a_domain_of_the_agency_is_served_by_its_production_only(project: Project) -> None:
    project.request(("services:\n", "domains: [www.ddc.moph.go.th.example]\nservices:\n"))
    (tenant,) = project.estate().tenants
    assert tenant.domains[Environment.PROD][1:] == ("www.ddc.moph.go.th.example",)
    assert len(tenant.domains[Environment.DEV]) == 1


@pytest.mark.parametrize(
    ("owned", "reserved", "told"),
    [
        ({"a": ("x.th",), "b": ("x.th",)}, (), [("b", "`x.th` is not apart from `x.th` of a")]),
        ({"a": ("w.x.th",), "b": ("x.th",)}, (), [("a", "`w.x.th` is not apart from `x.th` of b")]),
        ({"a": ("x.th", "w.x.th")}, (), []),
        ({"a": ("x.th",), "b": ("ax.th",)}, (), []),
        (
            {"a": ("d.apps.th",)},
            ("apps.th",),
            [("a", "`d.apps.th` is not apart from `apps.th` of the platform itself")],
        ),
        ({"a": ("th.th",)}, ("apps.th.th",), [("a", "`th.th` is not apart from `apps.th.th` of the platform itself")]),
    ],
)
def test_no_domain_is_in_two_hands(
    owned: dict[str, tuple[str, ...]], reserved: tuple[str, ...], told: list[tuple[str, str]]
) -> None:
    assert [(one.owner, one.message) for one in collisions(owned, reserved)] == told


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("priority: [tenant-standard", "priority: [tenant-standard, tenant-standard", "classes.priority[1]", "twice"),
        ('uat: "{agency}.uat.', 'uat: "{agency}.dev.', "hostnames.domains.uat", "not apart"),
        ('dev: "{agency}.dev.', 'dev: "shared.dev.', "hostnames.domains.dev", "the same for every agency"),
        ("digests: [uat, prod]", "digests: [uat, live]", "images.digests[1]", "live"),
        ("service_types: [ClusterIP]", "service_types: []", "service_types", "must not be empty"),
        ("    - .*-snippets?", "    - '(.*-snippets?'", "hostnames.forbidden_annotations[0]", "no regular expression"),
        (
            "resources: [bindings, pods/binding]",
            "resources: [Bindings]",
            "guarded[6].resources[0]",
            "names no resource",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(project: Project, old: str, new: str, field: str, message: str) -> None:
    assert TEXT.count(old) == 1
    project.write(FILE, TEXT.replace(old, new))
    told = [problem for problem in project.problems() if problem.file == FILE]
    assert [problem.field for problem in told] == [field]
    assert message in told[0].message
    assert told[0].line > 1
