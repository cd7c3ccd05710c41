"""Which controls a run is about: those of a framework, or some by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from gdcc.compliance.catalogue import Catalogue, Control, Framework
from gdcc.errors import GdccError
from gdcc.model.problems import nearest

SHORT = {
    "cis-k8s": "cis-kubernetes",
    "cis": "cis-kubernetes",
    "nsa": "nsa-cisa",
    "nist": "nist-800-53",
    "iso": "iso-27001",
}
"""What people call a framework."""


@dataclass(frozen=True)
class Selection:
    """Attributes: ids of controls, and a framework's name; everything when both are empty."""

    controls: tuple[str, ...] = ()
    framework: str = ""

    @classmethod
    def of(cls, catalogue: Catalogue, controls: Sequence[str], framework: str) -> Selection:
        """From what was written on the command line.

        Raises:
            GdccError: there is no such control or framework.
        """
        known = [control.id for control in catalogue.controls]
        wanted = tuple(dict.fromkeys(name.upper() for name in controls))
        for name in wanted:
            if name not in known:
                raise GdccError(f"no control is `{name}`", f"write {nearest(name, known)}")
        framework = SHORT.get(framework, framework)
        if framework and framework not in (names := frameworks(catalogue)):
            raise GdccError(f"no framework is `{framework}`", f"write {nearest(framework, names)}")
        made = cls(wanted, framework)
        if not any(made.holds(catalogue, control) for control in catalogue.controls):
            answering = sorted(
                {name for one in catalogue.controls if one.id in wanted for name in frameworks_of(catalogue, one)}
            )
            raise GdccError(
                f"{', '.join(wanted)} answers nothing of `{framework}`",
                f"write {nearest(framework, answering)}, or no framework",
            )
        return made

    @property
    def filters(self) -> dict[str, str]:
        """As a run tells of it."""
        told = {"control": ",".join(self.controls), "framework": self.framework}
        return {name: value for name, value in told.items() if value}

    def holds(self, catalogue: Catalogue, control: Control) -> bool:
        """Whether a control is asked about."""
        named = not self.controls or control.id in self.controls
        return named and (not self.framework or self.framework in frameworks_of(catalogue, control))


def frameworks(catalogue: Catalogue) -> tuple[str, ...]:
    """Every framework's name: those of the law, then the technical baselines that a control is mapped to."""
    laws = [source.framework for source in catalogue.sources.values()]
    mapped = {name for control in catalogue.controls for name in control.mappings}
    return tuple(dict.fromkeys((*laws, *(name for name in get_args(Framework) if name in mapped))))


def frameworks_of(catalogue: Catalogue, control: Control) -> frozenset[str]:
    """The frameworks that a control answers to."""
    keys = {clause.split(" ")[0] for clause in control.clauses}
    return frozenset(catalogue.sources[key].framework for key in keys if key in catalogue.sources) | frozenset(
        control.mappings
    )
