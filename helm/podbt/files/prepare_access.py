# ruff: noqa: INP001 - mounted into a pod as a single file
"""Brings the roles of Airflow's auth manager up to date, and makes sure that the first user can log in.

The migrate Job runs this after the migrations, alone: api-servers that did it at their start would trip over each
other (a unique constraint), so they are told not to. And `airflow users create` takes the password as an argument,
where process lists and pod specs show it; here it arrives through the environment from a Secret.
"""

import os
import sys
from typing import Any

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from werkzeug.security import check_password_hash

ROLE = "Admin"
READERS = ("Viewer", "User")


def prepare_access(login: tuple[str, str, str] | None) -> str:
    """Does what the module says.

    Args:
        login: Name, password and email address of the first user; None leaves users alone.

    Returns:
        What was done, in one line.
    """
    with get_application_builder() as builder:
        builder.add_permissions(update_perms=True)
        builder.sm.sync_roles()
        # Without it Airflow's menu hides podbt's pages from them, which their addresses show all the same.
        may = builder.sm.create_permission("can_read", "Plugins")
        for name in READERS:
            builder.sm.add_permission_to_role(builder.sm.find_role(name), may)
        return "roles up to date" if login is None else f"roles up to date; {_ensure_user(builder.sm, *login)}"


def _ensure_user(manager: Any, username: str, password: str, email: str) -> str:
    role = manager.find_role(ROLE)
    user = manager.find_user(username=username)
    if user is None:
        if not manager.add_user(username, "podbt", "administrator", email, role, password):
            sys.exit(f"Airflow refused to create user {username!r}. Is its email {email!r} taken by another user?")
        return f"user {username!r} created"
    changes = []
    if role not in user.roles:
        user.roles.append(role)
        manager.update_user(user)
        changes.append("role added")
    # Resetting the same password would end every session of this user at each upgrade.
    if not user.password or not check_password_hash(user.password, password):
        if not manager.reset_password(user.id, password):
            sys.exit(f"Airflow refused to reset the password of user {username!r}.")
        changes.append("password set again")
    return f"user {username!r}: {', '.join(changes) or 'unchanged'}"


def login_from_environment() -> tuple[str, str, str] | None:
    """The first user's login; None if this release does not manage one."""
    if "ADMIN_USERNAME" not in os.environ:
        return None
    missing = [name for name in ("ADMIN_USERNAME", "ADMIN_PASSWORD") if not os.environ.get(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)} empty: fill the keys username and password of the admin Secret.")
    username = os.environ["ADMIN_USERNAME"]
    return username, os.environ["ADMIN_PASSWORD"], os.environ.get("ADMIN_EMAIL") or f"{username}@example.invalid"


if __name__ == "__main__":
    print(providers_configuration_loaded(prepare_access)(login_from_environment()))
