"""What the engine refuses before it connects anywhere, and how it reads providers; no cluster needed."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest

from gdcc.engine.monitor import ProgramError, State
from gdcc.engine.program import Program, run
from gdcc.engine.registration import Registration


def problems(tmp_path: Path, entry: object) -> str:
    def resolve(asked: Registration, _provider: Registration | None) -> State:
        return State(asked.name, asked.inputs)

    def read(_type: str, _id: str, _provider: Registration | None) -> State:
        return State("", {})

    recording = run(Program(tmp_path, "p", "s", {}), resolve, read, preview=True, entry=entry)  # type: ignore[arg-type]
    return "\n".join(recording.problems)


class Other(pulumi.CustomResource):
    def __init__(self, name: str, **options: object) -> None:
        super().__init__("aws:s3/bucket:Bucket", name, {}, pulumi.ResourceOptions(**options))  # type: ignore[arg-type]


def named(name: str, **options: object) -> None:
    k8s.core.v1.Namespace(name, metadata={"name": name}, opts=pulumi.ResourceOptions(**options))  # type: ignore[arg-type]


def refuses_to_read() -> None:
    k8s.core.v1.NamespacePatch("patch", metadata={"name": "x"})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (lambda: Other("bucket"), "resource type aws:s3/bucket:Bucket is not one of Kubernetes"),
        (lambda: named("a", import_="a"), "'a': resource option import"),
        (lambda: named("a", custom_timeouts=pulumi.CustomTimeouts(create="5m")), "'a': resource option customTimeouts"),
        (refuses_to_read, "a patch of an object that somebody else owns"),
        (
            lambda: k8s.Provider("p", enable_server_side_apply=False),
            "provider setting enableServerSideApply: false",
        ),
        (lambda: k8s.Provider("p", render_yaml_to_directory="out"), "provider setting renderYamlToDirectory"),
        (lambda: k8s.core.v1.ConfigMapList("l", items=[]), "a list of objects"),
        (
            lambda: k8s.core.v1.ConfigMap("c", data={"a": pulumi.StringAsset("x")}),  # type: ignore[dict-item]
            "a file asset",
        ),
    ],
)
def test_what_cannot_be_honoured_is_named(tmp_path: Path, entry: object, said: str) -> None:
    assert said in problems(tmp_path, entry)


def test_an_ordinary_program_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path, lambda: named("a", protect=True, retain_on_delete=True, ignore_changes=["spec"])) == ""


def test_everything_that_cannot_be_honoured_is_told_in_one_run(tmp_path: Path) -> None:
    def program() -> None:
        Other("one")
        Other("two")
        named("three", import_="x")

    assert len(problems(tmp_path, program).splitlines()) == 3


def test_an_error_in_the_program_names_the_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import pulumi\n\nraise ValueError('no')\n")
    program = Program(tmp_path, "p", "s", {})
    with pytest.raises(ProgramError, match=r"ValueError: no \(__main__\.py, line 3\)"):
        run(program, lambda *_: State("", {}), lambda *_: State("", {}), preview=True)


def test_a_run_error_is_told_as_it_is(tmp_path: Path) -> None:
    def program() -> None:
        raise pulumi.RunError("give it a name")

    with pytest.raises(ProgramError, match=r"^give it a name$"):
        problems(tmp_path, program)


def test_two_resources_of_one_name_are_refused(tmp_path: Path) -> None:
    def program() -> None:
        named("a")
        named("a")

    assert "registered twice" in problems(tmp_path, program)
