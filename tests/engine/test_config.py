from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from gdcc.engine.config import load_program
from gdcc.errors import GdccError

PASSPHRASE = "correct horse"


def sealed(cipher: AESGCM, text: str) -> str:
    nonce = os.urandom(12)
    return (
        f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(cipher.encrypt(nonce, text.encode(), None)).decode()}"
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose stack has secrets, sealed as Pulumi's passphrase provider does."""
    salt = os.urandom(8)
    cipher = AESGCM(PBKDF2HMAC(SHA256(), 32, salt, 1_000_000).derive(PASSPHRASE.encode()))
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "stacks/Pulumi.test.yaml").write_text(
        f"""encryptionsalt: v1:{base64.b64encode(salt).decode()}:{sealed(cipher, "pulumi")}
config:
  shop:plain: text
  shop:number: 3
  shop:list: [a, b]
  shop:token:
    secure: {sealed(cipher, "hunter2")}
  shop:nested:
    user: me
    password:
      secure: {sealed(cipher, "hunter3")}
"""
    )
    return tmp_path


def test_values_and_secrets_are_read_as_pulumi_hands_them_to_a_program(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    program = load_program(project, "test")
    assert (program.project, program.stack) == ("shop", "test")
    assert program.config["shop:plain"] == "text"
    assert program.config["shop:number"] == "3"
    assert json.loads(program.config["shop:list"]) == ["a", "b"]
    assert program.config["shop:token"] == "hunter2"
    assert json.loads(program.config["shop:nested"]) == {"user": "me", "password": "hunter3"}
    assert set(program.secret_keys) == {"shop:token", "shop:nested"}


def test_the_passphrase_may_be_in_a_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "passphrase").write_text(f"{PASSPHRASE}\n")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(project / "passphrase"))
    assert load_program(project, "test").config["shop:token"] == "hunter2"


def test_a_wrong_passphrase_is_said_to_be_wrong(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "guess")
    with pytest.raises(GdccError, match=r"stacks/Pulumi\.test\.yaml: the passphrase is wrong"):
        load_program(project, "test")


def test_a_missing_passphrase_names_the_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    with pytest.raises(GdccError, match="holds secrets, and no passphrase is given") as refused:
        load_program(project, "test")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in refused.value.hint


def test_a_secret_of_another_provider_names_the_pulumi_cli(project: Path) -> None:
    file = project / "stacks/Pulumi.test.yaml"
    file.write_text(f"secretsprovider: awskms://alias/key\n{file.read_text()}")
    with pytest.raises(GdccError, match="which only the Pulumi CLI can ask"):
        load_program(project, "test")


def test_a_damaged_secret_is_called_so_and_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    file = project / "stacks/Pulumi.test.yaml"
    file.write_text(file.read_text().replace("secure: v1:", "secure: v1:AAAA", 1))
    with pytest.raises(GdccError, match="a secret in it is damaged"):
        load_program(project, "test")
