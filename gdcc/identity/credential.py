"""Which keys a client has: two at a time while one takes the other's place, and the newest in the tenant's Secret.

The order of writing makes a kill harmless: a key is registered first and handed out second, and the key that is in the
Secret stays registered whatever happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdcc.identity import names
from gdcc.identity.keys import Jwk, KeyPair, Made, key_set, read_key_set, read_record, record
from gdcc.identity.secrets import CLIENT_ID, ISSUER, KEY_ID, PRIVATE_KEY, TOKEN_ENDPOINT

JWKS = "jwks.string"


@dataclass(frozen=True)
class Credential:
    """What should be done about the keys of one client.

    Attributes:
        attributes: of the client: its key set, and the record of it.
        data: of the Secret; None when it holds the right things already.
        reasons: what changes, for people; nothing to do without any.
    """

    attributes: Mapping[str, str]
    data: Mapping[str, str] | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Whose keys, and for how long.

    Attributes:
        issuer: of the tokens.
        rotate_after: seconds.
        grace: seconds.
        now: seconds since the epoch.
    """

    issuer: str
    rotate_after: int
    grace: int
    now: int


def due(attributes: Mapping[str, Any], rules: Rules) -> bool:
    """Whether a client's newest key is old enough to be changed."""
    made = read_record(str(attributes.get(names.KEYS, "")))
    return not made or rules.now - made[0].at >= rules.rotate_after


def credential(
    client_id: str, live: Mapping[str, Any], secret: Mapping[str, str] | None, rules: Rules, *, rotate: bool
) -> Credential:
    """What should be done about a client's keys.

    Args:
        client_id: the client's.
        live: its attributes as they are; empty for one that does not exist yet.
        secret: the data of its Secret as it is.
        rules: issuer and times.
        rotate: whether to change the key now.
    """
    made = {one.id: one for one in read_record(str(live.get(names.KEYS, "")))}
    registered = read_key_set(str(live.get(JWKS, "")))
    ours = [one for one in registered if one.get("kid") in made]
    held = KeyPair.read((secret or {}).get(PRIVATE_KEY, ""))
    current = next((one for one in ours if held and one == held.public), None)
    reasons = []
    if current is None or rotate:
        new = KeyPair.make()
        kept = [current] if current else ours[:1]
        reasons.append(f"new key {new.id}" + (" (rotation)" if current else " (the Secret holds none that is valid)"))
        reasons += _removed(registered, kept)
        listed = [Made(new.id, rules.now), *(made[one["kid"]] for one in kept)]
        return Credential(_attributes([new.public, *kept], listed), _data(client_id, rules, new), tuple(reasons))
    # A key that is newer than the one in the Secret was registered by a run that died before handing it out.
    age = made[current["kid"]].at
    former = [
        one for one in ours if one is not current and made[one["kid"]].at <= age and rules.now < age + rules.grace
    ]
    kept = [current, *former]
    reasons += _removed(registered, kept)
    assert held is not None  # noqa: S101 - it is current
    data = _data(client_id, rules, held)
    if any((secret or {}).get(name) != value for name, value in data.items()):
        reasons.append("data of the Secret")
        return Credential(_attributes(kept, [made[one["kid"]] for one in kept]), data, tuple(reasons))
    return Credential(_attributes(kept, [made[one["kid"]] for one in kept]), None, tuple(reasons))


def _removed(registered: Sequence[Jwk], kept: Sequence[Jwk]) -> list[str]:
    return [f"key {one.get('kid', 'without an id')} no longer accepted" for one in registered if one not in kept]


def _attributes(keys: Sequence[Jwk], made: Sequence[Made]) -> dict[str, str]:
    return {JWKS: key_set(keys), names.KEYS: record(made)}


def _data(client_id: str, rules: Rules, key: KeyPair) -> dict[str, str]:
    return {
        CLIENT_ID: client_id,
        ISSUER: rules.issuer,
        TOKEN_ENDPOINT: f"{rules.issuer}/protocol/openid-connect/token",
        KEY_ID: key.id,
        PRIVATE_KEY: key.private,
    }
