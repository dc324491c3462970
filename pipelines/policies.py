"""Finding a policy: a file of the user's, or one that ships."""

from __future__ import annotations

from pathlib import Path

from pipelines.config import shipped
from transforms.domain.errors import ConfigError
from transforms.domain.policy import Policy, parse_policy


def find_policy(path: str, folder: Path = Path()) -> Policy:
    """The policy in a file, or the shipped one of that path or name.

    Args:
        path: of the file; relative to ``folder``.
        folder: where the path was written down.

    Raises:
        ConfigError: there is none, or with every fault in it.
    """
    return parse_policy(policy_text(path, folder), path)


def policy_text(path: str, folder: Path = Path()) -> str:
    """The TOML of the policy that :func:`find_policy` finds.

    Raises:
        ConfigError: there is none, or it is no text.
    """
    ships = shipped("configs") / "policies" / f"{Path(path).stem}.toml"
    is_shipped = path in (Path(path).stem, f"configs/policies/{ships.name}")
    for file, wanted in ((folder / path, True), (ships, is_shipped)):
        if wanted and file.is_file():
            try:
                return file.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ConfigError(f"{path}: not UTF-8 text ({error})") from error
    raise ConfigError(f"{path}: there is no such file. Policies that ship: {', '.join(shipped_policies())}")


def shipped_policies() -> list[str]:
    """The names of the policies that ship."""
    folder = shipped("configs") / "policies"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
