"""The policy pack: `pulumi preview --policy-pack policies`; `gdcc preview` and `gdcc up` run it by themselves."""

import json
import os
from pathlib import Path

from pulumi_policy import PolicyPack

from gdcc.model import StackSettings, load_estate
from policies.pack import policies
from policies.places import places
from policies.rules import Parameters

# Symbolic links are not followed: a project may link to the pack of another, and is judged by its own files.
root = Path(os.path.abspath(__file__)).parent.parent
config: dict[str, str] = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
estate = load_estate(
    root, StackSettings.from_config({key: one for key, one in config.items() if key.startswith("gdcc:")})
)

PolicyPack(
    "gdcc",
    policies(Parameters.of(estate), places(estate), config.get("kubernetes:namespace", "default")),
    display_name="Government cloud",
    description="Controls of the government cloud, asked of what a program registers.",
    provider="Kubernetes",
    tags=["kubernetes", "multi-tenancy", "thailand"],
)
