"""`byleave policy lint`: faults end with exit code 3, advice does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.policies import policy_text, shipped_policies

FAULTY = Path(__file__).parent / "golden" / "policy_faults.toml"


def lint(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.run(["policy", "lint", *words], {})
    return code, capsys.readouterr().out


def test_the_policies_that_ship_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    names = shipped_policies()
    assert lint(capsys, *names) == (0, "".join(f"sound   {name}\n" for name in names))


def test_advice_is_no_error_and_faults_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lax = tmp_path / "lax.toml"
    lax.write_text(policy_text("research").replace('private = "exclude"', 'private = "keep"'))
    code, told = lint(capsys, str(lax))
    assert (code, told) == (0, f"advice  {lax} > visibility.private: keeps items that their owners hid\n")
    code, told = lint(capsys, str(lax), str(FAULTY), "nowhere.toml", "--json")
    found = json.loads(told)["policies"]
    assert code == 3
    assert len(found[str(lax)]["advice"]) == 1
    assert len(found[str(FAULTY)]["faults"]) > 20
    assert found["nowhere.toml"]["faults"] == [
        f"nowhere.toml: there is no such file. Policies that ship: {', '.join(shipped_policies())}"
    ]
