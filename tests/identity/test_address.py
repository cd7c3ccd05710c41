"""The ID service has one address: what its tokens say of it, and what the marketplace tells agencies."""

from __future__ import annotations

import pytest

from gdcc.model import load_estate, load_settings
from tests.checkout import REPOSITORY
from tests.model.conftest import Project
from tests.model.conftest import project as project  # noqa: PLC0414 - pytest finds the fixture by its name here

REALM, OFFERED = "stacks/platform/identity.yaml", "stacks/platform/services/identity.yaml"
HOST = "https://identity.services.gdcc.go.th.example"
ADDRESS = f"{HOST}:8443"


def test_the_issuer_of_tokens_is_the_endpoint_that_agencies_are_told() -> None:
    estate = load_estate(REPOSITORY, load_settings(REPOSITORY, "local"))
    assert estate.identity.issuer == estate.services["identity"].endpoints[0].url


@pytest.mark.parametrize(
    "other",
    [
        "https://id.gdcc.go.th.example:8443",
        "https://identity.services.gdcc.go.th.example",
        "https://identity.services.gdcc.go.th.example:443",
        f"{ADDRESS}/auth",
    ],
)
def test_another_address_is_refused_with_the_one_to_write(project: Project, other: str) -> None:
    path = project.root / REALM
    text = path.read_text()
    path.write_text(text.replace(ADDRESS, other))
    problem = project.problem()
    assert (problem.file, problem.line, problem.field) == (REALM, text[: text.index(ADDRESS)].count("\n") + 1, "url")
    assert problem.message == f"`{other}` is not the address of the first endpoint of services/identity.yaml"
    assert problem.suggestion == f"`{ADDRESS}`"


@pytest.mark.parametrize(("port", "same"), [("443", HOST), ("443", f"{HOST}:443"), ("8443", ADDRESS)])
def test_the_port_of_https_may_be_written_or_left_out(project: Project, port: str, same: str) -> None:
    for file, old, new in ((OFFERED, "port: 8443", f"port: {port}"), (REALM, ADDRESS, same)):
        path = project.root / file
        path.write_text(path.read_text().replace(old, new))
    assert not project.problems()


def test_an_endpoint_of_another_realm_is_refused(project: Project) -> None:
    path = project.root / REALM
    path.write_text(path.read_text().replace("realm: gdcc\n", "realm: other\n"))
    problem = project.problem()
    assert (problem.file, problem.field) == (REALM, "realm")
    assert problem.suggestion == "`/realms/other` there"


@pytest.mark.parametrize("url", ["https://host:port", "https://host:99999", "https://[host", "https://"])
def test_what_is_no_address_at_all_is_one_problem_and_no_traceback(project: Project, url: str) -> None:
    path = project.root / REALM
    path.write_text(path.read_text().replace(ADDRESS, f'"{url}"'))
    problem = project.problem()
    assert (problem.field, problem.message) == ("url", f"`{url}` is no address of a server")
