"""The errors of podbt.

    PodbtError
    ├── ConfigError        what was asked for or configured cannot work: fix it, a retry cannot help
    │   └── EmptySelectionError    a step is told to select nothing
    ├── SkewError          Airflow and the dbt image do not belong together: deploy them of one build
    ├── ArtifactError      the artifact store refused what was to be written or read
    └── PromotionError     an image may not go on to a stage, or could not be brought there

A message is one line: what failed, which value, what to do. None carries a secret, and none is chained to an
exception that might.
"""


class PodbtError(Exception):
    """Root of all errors that podbt raises on purpose."""


class ConfigError(PodbtError):
    """A setting, argument or file is wrong; running again without changing it fails again."""


class EmptySelectionError(ConfigError):
    """A step is told to select nothing: not one that says nothing about it, which means the whole project.

    Attributes:
        allowed: Whether that is fine, so that there is just nothing to do.
    """

    def __init__(self, *, allowed: bool) -> None:
        super().__init__(
            "select is an empty list, so nothing would run. Give names; leave select out for the whole project; or set "
            "allow_empty, where there may be nothing to do."
        )
        self.allowed = allowed


class SkewError(PodbtError):
    """The image holds another plan than the one that the DAG was built from."""


class ArtifactError(PodbtError):
    """The artifact store could not be written or read."""


class PromotionError(PodbtError):
    """An image may not go on to a stage, or could not be brought there."""
