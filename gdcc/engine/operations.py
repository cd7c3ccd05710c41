"""The verbs of the engine on one stack: plan an update or a destroy, and carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gdcc.engine import guard, lease
from gdcc.engine.api import Kind, key_of
from gdcc.engine.applyset import ApplySet, Extent
from gdcc.engine.execute import Executor, IncompleteError
from gdcc.engine.monitor import Recording, State
from gdcc.engine.plan import Planner, answer, foreseen, prepare, protections
from gdcc.engine.policy import Packs, Verdict
from gdcc.engine.problems import Problem, RefusedError
from gdcc.engine.program import Program, run
from gdcc.engine.progress import say, working
from gdcc.engine.registration import Registration, from_type
from gdcc.engine.rehearsal import Surroundings, ask
from gdcc.engine.site import Site, Sites
from gdcc.engine.step import Op, Plan, Selection, Step
from gdcc.errors import GdccError

_WORKERS = 32
"""How many registrations may wait for the API server at once while the program runs along with an update."""


@dataclass(frozen=True)
class Manner:
    """How a run goes about it.

    Attributes:
        selection: which objects it is about.
        force: take over fields that other managers apply.
        lock_timeout: seconds to wait for another run to end.
        policy_packs: folders of the policy packs that judge what the program registers.
    """

    selection: Selection = field(default_factory=Selection)
    force: bool = False
    lock_timeout: float = 60.0
    policy_packs: tuple[Path, ...] = ()


class Operation:
    """One run on one stack.

    Args:
        kubeconfig: used where neither the stack nor an explicit provider names one; None for the usual places.
        entry: stands in for the program's `__main__.py` in tests.

    Raises:
        GdccError: the cluster of the stack's configuration cannot be reached.
    """

    def __init__(
        self,
        program: Program,
        manner: Manner | None = None,
        kubeconfig: Path | None = None,
        entry: Callable[[], None] | None = None,
    ) -> None:
        self.program = program
        self._manner = manner or Manner()
        self._entry = entry
        self.verdict = Verdict()
        self._applyset = ApplySet(program.project, program.stack)
        prefix = "kubernetes:"
        settings = {key.removeprefix(prefix): value for key, value in program.config.items() if key.startswith(prefix)}
        self._sites = Sites(self._applyset, settings, str(kubeconfig) if kubeconfig else None)
        self.server = self._sites.open_default().api.server

    def plan(self) -> Plan:
        """What an update would do; nothing is changed. What policy packs say of it is in `verdict`.

        Raises:
            GdccError: the program fails, or asks for what cannot be.
        """
        with self._packs(preview=True) as packs, working("planning") as advance:
            planner = Planner(self._sites, self._manner.selection, force=self._manner.force, report=advance)
            recording = self._run(planner.resolve, preview=True)
            problems: list[Problem] = []
            with ThreadPoolExecutor(1, "judge") as judge:
                judging = judge.submit(packs.judge, recording)  # while the server is asked
                try:
                    plan = planner.plan(recording)
                except RefusedError as refused:
                    problems += refused.problems
                self.verdict = judging.result()
        if problems or self.verdict.violations:
            raise RefusedError([*problems, *self.verdict.violations])
        return plan

    def plan_of(self, recording: Recording) -> Plan:
        """The same of a program that was run already, without a cluster; policy packs are not asked.

        Raises:
            GdccError: the program asks for what cannot be.
        """
        planner = Planner(self._sites, self._manner.selection)
        for asked in recording.objects:
            planner.resolve(asked, recording.registrations.get(asked.provider.rpartition("::")[0]))
        return planner.plan(recording)

    def _packs(self, *, preview: bool) -> Packs:
        return Packs(self._manner.policy_packs, self.program, preview=preview)

    def plan_destroy(self) -> Plan:
        """What removes all that the stack has made; the program is run only to learn of its clusters.

        Raises:
            RefusedError: something is protected, or a namespace holds what others made.
        """
        with working("planning"):
            planner = Planner(self._sites, self._manner.selection)
            recording = self._run(planner.resolve, preview=True)
            steps = planner.deletes(everything=True)
            if problems := [*protections(steps), *guard.foreign_contents(steps)]:
                raise RefusedError(problems)
        return Plan(Recording(registrations=recording.registrations), steps)

    def carry_out(self, plan: Plan, again: Callable[[], Plan], *, forget: bool = False) -> Plan:
        """Carry out a plan, alone.

        Args:
            again: makes a new plan, and may ask about it; used when another run went in between.
            forget: at the end remove the ApplySet's parent and the lock too: the stack is no more.

        Returns:
            The plan that was carried out.

        Raises:
            IncompleteError: it ended before all was done, and says what is not.
            LockedError: another run did not end in time.
        """
        with self._alone() as vigil:
            plan = plan if vigil.fresh else again()
            self._carry_out(plan, vigil)
            for site in self._sites if forget else ():
                site.applyset.remove(site.api)
        for site in self._sites if forget else ():
            lease.remove(site.api, self._applyset.name)
        return plan

    def refresh(self) -> None:
        """Read anew what is live."""
        self._sites.refresh()

    def _run(self, resolve: Callable[[Registration, Registration | None], State], *, preview: bool) -> Recording:
        workers = 0 if preview else _WORKERS
        return run(self.program, resolve, self._read, preview=preview, workers=workers, entry=self._entry)

    @contextmanager
    def _alone(self) -> Iterator[lease.Vigil]:
        with ExitStack() as stack:
            locks = {
                site: stack.enter_context(lease.Lock(site.api, self._applyset.name, self._manner.lock_timeout, say))
                for site in sorted(self._sites, key=lambda each: each.api.server)
            }
            yield lease.Vigil(tuple(locks.values()), all(lock.previous == site.lock for site, lock in locks.items()))

    def _carry_out(self, plan: Plan, vigil: lease.Vigil) -> None:
        exact = {site: plan.extent(site) for site in self._sites}
        for site, extent in exact.items():
            self._record(site, extent | (site.recorded or Extent()))
        with working("applying") as advance:
            total = len(plan.changing)
            executor = Executor(plan, vigil.check, lambda done: advance(done, total))
            try:
                if plan.needs_program and plan.of(Op.CREATE, Op.UPDATE, Op.REPLACE):
                    plan.recording = self._run_along(plan, executor)
                else:
                    executor.apply_all()
                if problems := guard.foreign_contents(plan.of(Op.DELETE)):
                    raise RefusedError(problems)
                executor.delete_all()
            except KeyboardInterrupt:
                executor.stop()
                raise IncompleteError(plan, executor.outcome, "interrupted") from None
        if not self._manner.selection.globs:
            for site, extent in exact.items():
                self._record(site, extent)

    def _record(self, site: Site, extent: Extent) -> None:
        if extent != site.recorded:
            site.applyset.write(site.api, extent)
            site.recorded = extent

    def _run_along(self, plan: Plan, executor: Executor) -> Recording:
        """Run the program once more, applying each object as it registers: later ones use what the server tells."""
        around = Surroundings.of(plan.steps)
        planned = plan.recording.registrations

        def resolve(asked: Registration, provider: Registration | None) -> State:
            # What a preview could not know is judged now, before it is applied.
            if asked.urn not in planned or asked.inputs != planned[asked.urn].inputs:
                around_it = Recording({each.urn: each for each in (provider, asked) if each})
                if violations := packs.judge(around_it, [asked]).violations:
                    raise RefusedError(violations)
            step = prepare(self._sites, asked, provider)
            if step.op is Op.SAME or not self._manner.selection.holds(step.urn, step.key):
                return foreseen(step)
            told = ask(step, around, force=self._manner.force)
            if isinstance(told, Problem):
                raise RefusedError([told])
            return answer(told if told.op is Op.SAME else executor.carry_out(told))

        try:
            with self._packs(preview=False) as packs:
                recording = self._run(resolve, preview=False)
        except GdccError:
            executor.raise_if_failed()
            raise
        executor.raise_if_failed()
        return recording

    def _read(self, type_: str, id_: str, provider: Registration | None) -> State:
        """Read an object that somebody else manages."""
        site, namespace = self._sites.of(provider.urn, provider.inputs) if provider else self._sites.of("")
        kind: Kind = from_type(type_)
        served = site.api.served(kind)
        at, _, name = id_.rpartition("/")
        live = site.api.get(served, (at or namespace) if served.namespaced else "", name) if served else None
        if live is None:
            raise GdccError(
                f"{kind.kind} {id_} does not exist, and the program reads it", "Make it first, or correct its name."
            )
        return answer(Step(Op.SAME, site, key_of(live), "", live=live))
