"""A project folder to play with: the real program and platform, and as many of the agencies as a test wants."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
GDCC = Path(sys.executable).parent / "gdcc"


@dataclass
class Checkout:
    """A copy of what the program is made of, in a folder of its own; `gdcc` runs in it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(
        cls, root: Path, *agencies: str, project: str = "gdcc", disposable: bool = True, services: bool = False
    ) -> Checkout:
        """Copy the program, the platform's files and these agencies (`moph`, `moph/ddc`).

        A disposable stack protects no tenant, so that a test can destroy it. Without `services` the common services are
        left out, since they are many objects that few tests are about.
        """
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(REPOSITORY / name, root / name)
        text = (root / "Pulumi.yaml").read_text().replace("name: gdcc\n", f"name: {project}\n")
        (root / "Pulumi.yaml").write_text(text)
        for name in ("platform", "schema"):
            shutil.copytree(REPOSITORY / "stacks" / name, root / "stacks" / name)
        settings = (REPOSITORY / "stacks/Pulumi.local.yaml").read_text()
        if not services:
            settings = settings.replace("    - services\n", "")
        (root / "stacks/Pulumi.local.yaml").write_text(settings + ("  gdcc:disposable: true\n" if disposable else ""))
        for agency in agencies:
            source = REPOSITORY / "stacks/agencies" / agency
            target = root / "stacks/agencies" / agency
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source.with_suffix(".yaml"), target.with_suffix(".yaml"))
        return cls(root)

    def command(self, *arguments: str) -> list[str]:
        return [str(GDCC), *arguments]

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "GDCC", "PULUMI"))}
        return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | self.environment

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `gdcc` without waiting for it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.env(),
            stdout=pipe,
            stderr=pipe,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def gdcc(self, *arguments: str, status: int = 0, preexec: object = None) -> subprocess.CompletedProcess[str]:
        """Run `gdcc`, and insist on its exit code and on words instead of a traceback."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.env(),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            preexec_fn=preexec,  # type: ignore[call-overload]
        )
        assert done.returncode == status, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def destroy(self) -> None:
        """Remove all that the stack made, its tenants too: they are declared nobody's first."""
        settings = self.root / "stacks/Pulumi.local.yaml"
        if "gdcc:disposable" not in settings.read_text():
            settings.write_text(settings.read_text() + "  gdcc:disposable: true\n")
            self.gdcc("up", "--yes")
        self.gdcc("destroy", "--yes")
