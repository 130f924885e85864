"""airflow.cfg: read as Airflow reads it, with options that this Airflow knows."""

from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import EVALUATION, EXISTING, PRODUCTION, SCENARIOS, Manifests, render


def config(manifests: Manifests) -> ConfigParser:
    (found,) = (one for name, one in manifests.of_kind("ConfigMap").items() if name.endswith("-airflow-config"))
    parser = ConfigParser()
    parser.read_string(found["data"]["airflow.cfg"])
    return parser


def known_options() -> dict[str, set[str]]:
    """The options of Airflow's core and of the FAB provider, without importing Airflow."""
    spec = find_spec("airflow")
    assert spec
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    core: dict[str, Any] = yaml.safe_load((folder / "config_templates" / "config.yml").read_text())
    options = {section: set(content["options"]) for section, content in core.items()}
    provider: dict[str, Any] = {}
    exec((folder / "providers" / "fab" / "get_provider_info.py").read_text(), provider)
    for section, content in provider["get_provider_info"]()["config"].items():
        options.setdefault(section, set()).update(content["options"])
    return options


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one != EXISTING], ids=lambda file: file.stem)
def test_airflow_knows_every_option(scenario: Path) -> None:
    known = known_options()
    parsed = config(render(scenario))
    assert [
        f"{section}.{option}"
        for section in parsed.sections()
        for option in parsed.options(section)
        if option not in known[section]
    ] == []


def test_airflow_knows_every_variable() -> None:
    known = known_options()
    for pod in render(EVALUATION).pods():
        for container in pod.containers:
            for variable in container.get("env", []):
                if variable["name"].startswith("AIRFLOW__"):
                    _, section, option = variable["name"].lower().split("__")
                    assert option in known[section]


def test_what_matters() -> None:
    parsed = config(render(EVALUATION))
    assert parsed["core"]["auth_manager"].endswith(".FabAuthManager")
    assert parsed["core"]["executor"] == "LocalExecutor"
    assert parsed["core"]["execution_api_server_url"] == "http://podbt-api-server:8080/execution/"
    assert parsed["core"]["hostname_callable"] == "airflow.utils.net.get_host_ip_address"
    assert not parsed["core"].getboolean("load_examples")
    assert parsed["core"].getboolean("dags_are_paused_at_creation")
    assert parsed["core"].getint("parallelism") == 8
    assert parsed["api"]["base_url"] == "http://127.0.0.1:30080"
    assert not parsed["metrics"].getboolean("statsd_on")
    assert parsed["scheduler"].getboolean("enable_health_check")
    assert not parsed["fab"].getboolean("cookie_secure")


def test_more_of_it_by_values() -> None:
    parsed = config(render(PRODUCTION))
    assert parsed["api"]["instance_name"] == "Dental 100%"
    assert parsed["fab"].getboolean("enable_proxy_fix")
    assert parsed["fab"].getboolean("cookie_secure")
    assert parsed["logging"].getboolean("json_logs")


def test_percent_signs_in_values_are_escaped() -> None:
    parsed = config(render(EVALUATION, airflow={"baseUrl": "https://airflow.example.com/a%20b"}))
    assert parsed["api"]["base_url"] == "https://airflow.example.com/a%20b"


def test_address_when_none_is_given() -> None:
    """That of `kubectl port-forward`, wherever the Service listens."""
    service = {"type": "ClusterIP", "nodePort": None, "port": 80}
    manifests = render(EVALUATION, airflow={"baseUrl": ""}, apiServer={"service": service})
    assert config(manifests)["api"]["base_url"] == "http://localhost:8080"
    assert config(manifests)["core"]["execution_api_server_url"] == "http://podbt-api-server:80/execution/"


def test_components_run_what_they_are_called() -> None:
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        main = render(EVALUATION).pod(component).main
        assert main["args"][1:2] == ["/etc/podbt-scripts/wait_for_database.py"]
        assert main["args"][-2:] == ["airflow", component]
        wait = render(EVALUATION).pod(component).containers[0]
        assert wait["args"][-4:-1] == ["airflow", "db", "check-migrations"]


def test_only_the_job_brings_roles_up_to_date() -> None:
    """Two processes that do it at the same time meet in a unique constraint."""
    manifests = render(EVALUATION)
    assert not config(manifests)["fab"].getboolean("update_fab_perms")
    migrate, access = manifests.pod("migrate").containers
    assert migrate["args"][-3:] == ["airflow", "db", "migrate"]
    assert access["args"] == ["python", "/etc/podbt-scripts/prepare_access.py"]
    assert "--wait-for=roles" in manifests.pod("api-server").containers[0]["args"]
