"""The pages as Airflow's api-server serves them."""

import os
import stat
import tempfile
from pathlib import Path

from fastapi import FastAPI

from podbt import constants
from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError, PodbtError
from podbt.store.location import Location
from podbt.web import access
from podbt.web.app import make_app
from podbt.web.index.database import Database, file_name
from podbt.web.index.keeper import Keeper
from podbt.web.site import Site


def pages() -> FastAPI:
    """The application, for the store that the environment or the settings name."""
    place = location()
    database = Database(index_folder() / file_name(f"{place.address} {place.endpoint_url}"))
    return make_app(
        Site(
            database=database,
            keeper=Keeper(database, place.open),
            open_store=place.open,
            scope_of=access.scope_of,
            mask=access.mask,
            login_address=access.login_address,
        ),
        login=access.login,
    )


def location() -> Location:
    """The environment's store; where that names none, the one that the settings give to dbt, if that is a bucket."""
    if not os.environ.get(constants.ENV_ARTIFACTS):
        try:
            artifacts = load_settings().artifacts
        except PodbtError:
            return Location.read()
        if artifacts.url:
            return Location(address=artifacts.url, endpoint_url=artifacts.endpoint_url, region=artifacts.region)
        if folder := getattr(artifacts, "folder", None):
            return Location(address=str(folder))
    return Location.read()


def index_folder() -> Path:
    """Where the index is: a folder of this user's alone.

    Raises:
        ConfigError: Somebody else has made it.
    """
    if given := os.environ.get(constants.ENV_PAGE_INDEX):
        folder = Path(given)
    else:
        folder = Path(tempfile.gettempdir()) / f"podbt-page-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise ConfigError(f"'{folder}' belongs to somebody else. Set {constants.ENV_PAGE_INDEX} to another folder.")
    return folder
