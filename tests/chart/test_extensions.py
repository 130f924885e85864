"""What a platform team adds: certificates, volumes, ids, scheduling, an entrance; and what of it reaches dbt pods."""

from typing import Any

from tests.support.chart.manifests import CHART, EVALUATION, WAREHOUSE, Manifests, Pod, render
from tests.support.settings import read_settings

from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import pod_manifest

GUARDED = CHART / "ci" / "guarded-values.yaml"
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "migrate")


def dbt_pod(manifests: Manifests) -> dict[str, Any]:
    read = read_settings(manifests.settings_text())
    assert isinstance(read, Settings)
    return pod_manifest(read, Step.of(select="a"), RunIdentity(dag_id="d", task_id="t", run_id="r"))


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in container["env"]}


def bundle(volumes: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (volume for volume in volumes if volume["name"] == "ca-bundle")
    return found


def test_the_authority_reaches_all_that_speak_to_a_database() -> None:
    manifests = render(WAREHOUSE)
    items = [{"key": "ca.crt", "path": "ca.crt"}]
    pods = [manifests.pod(component).spec for component in (*AIRFLOW, "prune")]
    for spec in [*pods, dbt_pod(manifests)["spec"]]:
        assert bundle(spec["volumes"]) == {"name": "ca-bundle", "configMap": {"name": "company-ca", "items": items}}
        for container in spec["containers"]:
            assert variables(container)["PGSSLROOTCERT"] == "/etc/podbt-ca/ca.crt"
            assert "SSL_CERT_FILE" not in variables(container)
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounts["ca-bundle"] == "/etc/podbt-ca"


def test_https_too_where_it_is_said() -> None:
    dbt = dbt_pod(render(GUARDED))["spec"]
    assert bundle(dbt["volumes"])["secret"]["secretName"] == "company-ca"
    given = variables(dbt["containers"][0])
    for name in ("PGSSLROOTCERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        assert given[name] == "/etc/podbt-ca/ca.crt"


def test_ids_of_the_clusters_choice() -> None:
    manifests = render(GUARDED)
    contexts = [pod.spec["securityContext"] for pod in manifests.pods()]
    for context in [*contexts, dbt_pod(manifests)["spec"]["securityContext"]]:
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(context)
        assert context["runAsNonRoot"] is True
    chosen = {"runAsUser": 1000660000, "runAsGroup": 1000660000, "fsGroup": 1000660000}
    own = render(EVALUATION, podSecurity=chosen)
    assert own.pod("scheduler").spec["securityContext"]["runAsUser"] == 1000660000
    assert dbt_pod(own)["spec"]["securityContext"]["fsGroup"] == 1000660000


def test_volumes_of_airflow_are_in_each_of_its_containers() -> None:
    manifests = render(GUARDED)
    for component in AIRFLOW:
        pod = manifests.pod(component)
        assert {"name": "dags", "persistentVolumeClaim": {"claimName": "dags"}} in pod.spec["volumes"]
        for container in (one for one in pod.containers if one["image"] == pod.main["image"]):
            assert {"name": "dags", "mountPath": "/opt/dags", "readOnly": True} in container["volumeMounts"]


def test_what_dbt_pods_get() -> None:
    pod = dbt_pod(render(GUARDED))
    spec = pod["spec"]
    (dbt,) = spec["containers"]
    assert {"name": "vault", "mountPath": "/vault", "readOnly": True} in dbt["volumeMounts"]
    assert next(volume for volume in spec["volumes"] if volume["name"] == "vault")["csi"]["readOnly"] is True
    assert variables(dbt)["DBT_THREADS"] == "8"
    assert dbt["resources"]["limits"]["ephemeral-storage"] == "4Gi"
    assert spec["runtimeClassName"] == "gvisor"
    assert spec["initContainers"][0]["restartPolicy"] == "Always"
    assert pod["metadata"]["annotations"]["example.com/mesh"] == "off"
    assert set(spec["affinity"]) == {"nodeAffinity", "podAffinity"}
    (spread,) = spec["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_components_spread_over_nodes() -> None:
    pod = render(GUARDED).pod("api-server")
    (spread,) = pod.spec["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= pod.metadata["labels"].items()


def entrance(pod: Pod) -> list[str]:
    return list(pod.main["args"][pod.main["args"].index("api-server") + 1 :])


def test_behind_a_proxy() -> None:
    direct = render(EVALUATION).pod("api-server")
    assert entrance(direct) == []
    assert "FORWARDED_ALLOW_IPS" not in variables(direct.main)
    proxied = render(EVALUATION, apiServer={"proxyHeaders": True, "trustedProxies": "10.0.0.0/8"}).pod("api-server")
    assert entrance(proxied) == ["--proxy-headers"]
    # Without this uvicorn believes a proxy on the same machine alone.
    assert variables(proxied.main)["FORWARDED_ALLOW_IPS"] == "10.0.0.0/8"
    assert entrance(render(GUARDED).pod("api-server")) == ["--proxy-headers", "--workers=2"]


def test_ingress_and_route_lead_to_the_service() -> None:
    manifests = render(GUARDED)
    ingress = manifests.get("Ingress", "podbt-api-server")["spec"]
    assert ingress["tls"] == [{"hosts": ["airflow.example.com"], "secretName": "airflow-tls"}]
    (rule,) = ingress["rules"]
    assert rule["host"] == "airflow.example.com"
    backend = rule["http"]["paths"][0]["backend"]["service"]
    service = manifests.get("Service", backend["name"])
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    route = manifests.get("HTTPRoute", "podbt-api-server")["spec"]
    assert route["hostnames"] == ["airflow.example.com"]
    assert route["rules"][0]["backendRefs"] == [{"name": "podbt-api-server", "port": 8080}]


def test_an_address_with_a_path() -> None:
    manifests = render(GUARDED, airflow={"baseUrl": "https://tools.example.com:8443/airflow"})
    (rule,) = manifests.get("Ingress", "podbt-api-server")["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("tools.example.com", "/airflow")


def test_a_log_in_of_ones_own() -> None:
    manifests = render(GUARDED)
    config = manifests.get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"]
    assert "config_file = /etc/airflow-web/webserver_config.py" in config
    mounts = [mount["mountPath"] for mount in manifests.pod("api-server").main["volumeMounts"]]
    assert "/etc/airflow-web" in mounts
    assert "config_file" not in render(EVALUATION).get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"]
