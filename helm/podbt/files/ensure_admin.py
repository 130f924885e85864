# ruff: noqa: INP001 - mounted into a pod as a single file
"""Creates Airflow's first user, or gives it the password of its Secret again.

The migrate Job runs this after the migrations. The command line of `airflow users create` takes the password as an
argument, where process lists and pod specs show it; here it arrives through the environment from a Secret.
"""

import os
import sys

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from werkzeug.security import check_password_hash

ROLE = "Admin"


def ensure_admin(username: str, password: str, email: str) -> str:
    """Makes the user exist with this password and the Admin role.

    Args:
        username: Login name.
        password: Password in clear text; never printed.
        email: Address Airflow stores with the user; nothing is sent to it.

    Returns:
        What was done, in one line.
    """
    with get_application_builder() as builder:
        manager = builder.sm
        role = manager.find_role(ROLE)
        if role is None:
            sys.exit(f"Airflow has no role {ROLE!r}. Run `airflow sync-perm`, then start this Job again.")
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


def main() -> None:
    """Reads the login from the environment and reports in one line."""
    missing = [name for name in ("ADMIN_USERNAME", "ADMIN_PASSWORD") if not os.environ.get(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)} empty: fill the keys username and password of the admin Secret.")
    username = os.environ["ADMIN_USERNAME"]
    email = os.environ.get("ADMIN_EMAIL") or f"{username}@example.invalid"
    ensure = providers_configuration_loaded(ensure_admin)
    print(ensure(username, os.environ["ADMIN_PASSWORD"], email))


if __name__ == "__main__":
    main()
