"""What guards a release: network policies, disruption budgets, production's demands."""

from typing import Any

import yaml
from tests.support.chart.manifests import CHART, EVALUATION, PRODUCTION, Manifests, refusal, render

GUARDED = CHART / "ci" / "guarded-values.yaml"
DBT_POD = {"app.kubernetes.io/instance": "podbt", "app.kubernetes.io/component": "run"}


def chosen(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))
    return expressions and selector.get("matchLabels", {}).items() <= labels.items()


def rules(manifests: Manifests, labels: dict[str, str], way: str) -> list[dict[str, Any]]:
    """The rules that let a pod with these labels do something, one way."""
    policies = manifests.of_kind("NetworkPolicy").values()
    mine = [one["spec"] for one in policies if chosen(one["spec"]["podSelector"], labels)]
    assert any(way.capitalize() in spec["policyTypes"] for spec in mine), "nothing denies by default"
    return [rule for spec in mine for rule in spec.get(way, [])]


def ports(found: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in found for port in rule["ports"]}


def test_every_pod_is_denied_what_is_not_named() -> None:
    manifests = render(GUARDED)
    labels = {pod.owner: pod.metadata["labels"] for pod in manifests.pods()} | {"dbt": DBT_POD}
    deny = manifests.get("NetworkPolicy", "podbt-network-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(deny)
    assert all(chosen(deny["podSelector"], one) for one in labels.values())


def test_each_pod_reaches_what_it_needs() -> None:
    manifests = render(GUARDED)

    def reached(component: str) -> set[int]:
        return ports(rules(manifests, manifests.pod(component).metadata["labels"], "egress"))

    airflow = {53, 5432, 8080, 8793, 8794, 443, 8200}
    assert reached("api-server") == reached("dag-processor") == reached("migrate") == airflow
    assert reached("scheduler") == reached("triggerer") == airflow | {6443}
    assert reached("prune") == ports(rules(manifests, DBT_POD, "egress")) == {53, 5432}
    (metadata,) = (
        rule
        for rule in rules(manifests, manifests.pod("scheduler").metadata["labels"], "egress")
        if ports([rule]) == {5432}
    )
    assert metadata["to"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]


def test_dbt_pods_never_reach_airflow_nor_the_kubernetes_api() -> None:
    for scenario in (GUARDED, EVALUATION):
        found = rules(render(scenario, networkPolicy={"enabled": True}), DBT_POD, "egress")
        assert not ports(found) & {8080, 8793, 8794, 443, 6443}
        assert rules(render(scenario, networkPolicy={"enabled": True}), DBT_POD, "ingress") == []


def test_who_opens_airflow() -> None:
    manifests = render(GUARDED)
    (rule,) = rules(manifests, manifests.pod("api-server").metadata["labels"], "ingress")
    assert rule["from"][0] == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    scheduler = manifests.pod("scheduler").metadata["labels"]
    assert chosen(rule["from"][1]["podSelector"], scheduler)
    anybody = render(GUARDED, networkPolicy={"apiServerFrom": []})
    (rule,) = rules(anybody, anybody.pod("api-server").metadata["labels"], "ingress")
    assert "from" not in rule


def test_the_evaluation_database_answers_its_clients_alone() -> None:
    manifests = render(EVALUATION, networkPolicy={"enabled": True})
    postgres = manifests.pod("postgres").metadata["labels"]
    (rule,) = rules(manifests, postgres, "ingress")
    assert ports(rules(manifests, postgres, "egress")) == {53}
    for labels in (DBT_POD, manifests.pod("scheduler").metadata["labels"]):
        assert chosen(rule["from"][0]["podSelector"], labels)
        to = [peer for one in rules(manifests, labels, "egress") if ports([one]) == {5432} for peer in one["to"]]
        assert [chosen(peer["podSelector"], postgres) for peer in to] == [True]


def test_a_bucket_is_reached_by_those_who_keep_records_there() -> None:
    manifests = render(
        CHART / "ci" / "bucket-values.yaml", networkPolicy={"enabled": True, "bucket": {"ports": [9000]}}
    )
    assert 9000 in ports(rules(manifests, DBT_POD, "egress"))
    assert 9000 not in ports(rules(manifests, manifests.pod("scheduler").metadata["labels"], "egress"))


def test_policies_are_off_by_default() -> None:
    assert render(EVALUATION).of_kind("NetworkPolicy") == {}


def test_a_budget_for_each_component_with_several_pods() -> None:
    manifests = render(PRODUCTION)
    budgets = manifests.of_kind("PodDisruptionBudget")
    assert set(budgets) == {"podbt-api-server", "podbt-scheduler", "podbt-triggerer"}
    for name, budget in budgets.items():
        assert budget["spec"]["maxUnavailable"] == 1
        labels = manifests.get("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
    # With one pod a budget would keep a node from ever being drained.
    assert render(EVALUATION).of_kind("PodDisruptionBudget") == {}


def test_production_generates_no_secret() -> None:
    made = render(GUARDED).of_kind("Secret")
    assert set(made) == {"podbt-profiles"}
    assert render(GUARDED).objects == render(GUARDED, nameOverride="podbt").objects
    assert "password" not in yaml.safe_dump(made)


def test_production_refuses_what_a_trial_may_have() -> None:
    for values, word in (
        ({"dbt": {"image": {"digest": "", "tag": "1"}}}, "dbt.image.digest"),
        ({"airflow": {"image": {"digest": "", "tag": "1"}}}, "airflow.image.digest"),
        ({"airflow": {"existingSecret": ""}}, "airflow.existingSecret is empty"),
        ({"admin": {"existingSecret": ""}}, "admin.existingSecret is empty"),
        ({"evaluationPostgres": {"enabled": True}, "metadata": {"existingSecret": ""}}, "evaluationPostgres.enabled"),
    ):
        message = refusal(GUARDED, **values)
        assert word in message, message


def test_what_watches_and_tidies_reaches_what_it_needs() -> None:
    manifests = render(CHART / "ci" / "observed-values.yaml")

    def reached(component: str) -> set[int]:
        return ports(rules(manifests, manifests.pod(component).metadata["labels"], "egress"))

    assert reached("clean-metadata") == {53, 5432}
    assert reached("clean-logs") == reached("metrics") == {53}
    assert reached("test") == ports(rules(manifests, DBT_POD, "egress"))
    assert 8125 in reached("scheduler")
    sent, read = rules(manifests, manifests.pod("metrics").metadata["labels"], "ingress")
    assert sent["ports"] == [{"protocol": "UDP", "port": 8125}]
    assert chosen(sent["from"][0]["podSelector"], manifests.pod("triggerer").metadata["labels"])
    assert read["ports"] == [{"protocol": "TCP", "port": 9102}]
    assert read["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_the_evaluation_database_answers_the_cleaner_and_the_test() -> None:
    cleaning = {"metadata": {"enabled": True}}
    manifests = render(EVALUATION, networkPolicy={"enabled": True}, cleanup=cleaning)
    (rule,) = rules(manifests, manifests.pod("postgres").metadata["labels"], "ingress")
    for component in ("clean-metadata", "test"):
        assert chosen(rule["from"][0]["podSelector"], manifests.pod(component).metadata["labels"])


def test_metrics_leave_for_where_the_values_say() -> None:
    peer = {"ipBlock": {"cidr": "10.9.0.0/16"}}
    for metrics, protocol, port in (
        ({"otlp": {"endpoint": "https://otlp.example.com"}}, "TCP", 443),
        ({"otlp": {"endpoint": "http://collector.monitoring:4318"}}, "TCP", 4318),
        ({"statsd": {"host": "statsd.example.com", "port": 9125}}, "UDP", 9125),
    ):
        manifests = render(EVALUATION, networkPolicy={"enabled": True, "metricsTo": [peer]}, metrics=metrics)
        found = rules(manifests, manifests.pod("scheduler").metadata["labels"], "egress")
        (mine,) = [rule for rule in found if rule.get("to") == [peer]]
        assert mine["ports"] == [{"protocol": protocol, "port": port}]
