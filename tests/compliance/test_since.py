"""The reviewer's difference between two runs."""

from __future__ import annotations

from pathlib import Path

from gdcc.compliance.evidence import State
from gdcc.compliance.facts import privileges_of, reach_of
from gdcc.compliance.selection import Selection
from gdcc.compliance.since import Difference, difference, lines
from gdcc.model import StackSettings, load_estate

from .examples import REPOSITORY, ROLE, Terms, binding, catalogue, estate, first_namespace, looked, packed, scene, seen
from .examples import with_check as checks_with


def compared(tmp_path: Path, before: dict[str, object], after: dict[str, object]) -> Difference:
    one = packed(tmp_path / "before", looked(**before))  # type: ignore[arg-type]
    other = packed(tmp_path / "after", looked(**after))  # type: ignore[arg-type]
    return difference(one, other)


def test_the_same_twice_is_no_change(tmp_path: Path) -> None:
    change = compared(tmp_path, {}, {})
    assert change.is_empty
    assert list(lines(change)) == ["nothing has changed"]


def test_a_control_that_no_longer_holds_is_regressed_and_the_other_way_mended(tmp_path: Path) -> None:
    good = {"checks": checks_with("nobody", seen(State.PASS, "local"))}
    bad = {"checks": checks_with("nobody", seen(State.FAIL, "local"))}
    worse, better = compared(tmp_path / "1", good, bad), compared(tmp_path / "2", bad, good)
    assert [tuple(turn) for turn in worse.regressed] == [("GC-06", "nobody", "local", "pass", "fail")]
    assert [tuple(turn) for turn in better.mended] == [("GC-06", "nobody", "local", "fail", "pass")]
    assert "  - GC-06 nobody local: pass → fail" in list(lines(worse))
    assert not worse.mended
    assert not better.regressed


def test_a_new_target_that_fails_is_regressed_and_one_that_passes_is_no_news(tmp_path: Path) -> None:
    more = checks_with("nobody", seen(State.PASS, "local"), seen(State.FAIL, "new"), seen(State.PASS, "fine"))
    change = compared(tmp_path, {"checks": checks_with("nobody", seen(State.PASS, "local"))}, {"checks": more})
    assert [turn.target for turn in change.regressed] == ["new"]
    assert not change.mended


def test_a_finding_that_is_no_longer_looked_at_is_not_mended(tmp_path: Path) -> None:
    bad = {"checks": checks_with("nobody", seen(State.FAIL, "local"))}
    for name, after in {"gone": [seen(State.PASS, "other")], "blind": [seen(State.NOT_RUN, "local")]}.items():
        change = compared(tmp_path / name, bad, {"checks": checks_with("nobody", *after)})
        assert [turn.target for turn in change.gone] == ["local"]
        assert not change.mended


def test_a_pass_that_is_now_waived_is_regressed_and_a_finding_that_is_now_waived_is_not(tmp_path: Path) -> None:
    waivers = [Terms(match=("namespace", first_namespace())).waiver()]
    change = compared(tmp_path, {}, {"waivers": waivers})
    assert not change.regressed
    assert len(change.waivers_opened) == 1
    assert len(change.waivers_expiring) == 1


def test_waivers_that_have_ended_are_told(tmp_path: Path) -> None:
    named = ("namespace", first_namespace())
    with_one = {"waivers": [Terms(match=named, days=3).waiver()]}
    removed = compared(tmp_path / "1", with_one, {})
    expired = compared(tmp_path / "2", with_one, {"waivers": [Terms(match=named, days=-1).waiver()]})
    assert removed.waivers_ended[0].endswith(", removed")
    assert "expired on" in expired.waivers_ended[0]
    assert [turn.after for turn in expired.regressed] == ["fail"]


def test_new_reach_is_told_pair_by_pair(tmp_path: Path) -> None:
    fewer = load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "mof/rd")))
    change = compared(tmp_path, {"in_scene": scene(of=fewer)}, {"in_scene": scene()})
    new = {f"{one.id}-{env.value}" for one in estate().tenants if one.agency == "dms" for env in one.quota}
    assert change.reach_opened
    assert all(any(name in line for name in new) for line in change.reach_opened)
    ddc = next(f"{one.id}-prod" for one in estate().tenants if one.agency == "ddc")
    assert any(ddc in line for line in change.reach_opened), "an agreement between the two is in force"
    assert not change.reach_closed


def test_new_privileges_are_told(tmp_path: Path) -> None:
    wider = {**ROLE, "rules": [{"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get", "list"]}]}
    after = scene(REPOSITORY, wider, binding("a", "one"), binding("b", "one"))
    change = compared(tmp_path, {}, {"in_scene": after})
    assert change.privileges_gained == (
        "ClusterRole viewer allows: get pods.apps",
        "ClusterRole viewer allows: list pods.apps",
        "Group b holds ClusterRole viewer in one",
    )
    assert not change.privileges_lost


def test_a_narrowed_run_compares_what_it_looked_at_and_says_what_it_did_not(tmp_path: Path) -> None:
    narrowed = {"selection": Selection.of(catalogue(), ["GC-02"], "")}
    change = compared(tmp_path, {}, narrowed)
    assert change.is_empty
    assert [one.split(":")[0] for one in change.not_compared] == ["reach", "privileges"]


def test_resource_names_groups_and_urls_are_kept_apart_in_privileges() -> None:
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["b", "a"], "verbs": ["get"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    role = {"kind": "Role", "metadata": {"name": "r", "namespace": "n"}, "rules": rules}
    assert privileges_of([role])["roles"] == {"Role n/r": ["get /metrics", "get secrets named a, b"]}


def test_reach_is_told_the_same_twice() -> None:
    assert reach_of(estate()) == reach_of(estate())
