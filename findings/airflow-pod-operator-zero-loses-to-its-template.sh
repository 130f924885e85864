#!/usr/bin/env bash
# apache-airflow-providers-cncf-kubernetes 10.25.0, Airflow 3.3.2
#
# Expected: arguments of KubernetesPodOperator win over its `pod_template_file`, as its documentation says of the order of
# precedence.
# Seen: those that are false do not. Zero, the empty list and the empty mapping count as "not given" where the two pods are
# merged, so the template's value stays, and there is no way to take back what a shared template sets but to write another
# one. Variables of the same name are both in the pod.
# Output:
#   termination_grace_period=5:  5
#   termination_grace_period=0:  600
#   node_selector={}:            {'pool': 'large'}
#   image_pull_secrets=[]:       registry
#   env_vars={'MODE': 'own'}:    MODE=template, MODE=own

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment apache-airflow==3.3.2 apache-airflow-providers-cncf-kubernetes==10.25.0 kubernetes==36.0.3 'fastapi<0.137'
export AIRFLOW_HOME=$folder/airflow AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR

cat >template.yaml <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: template}
spec:
  terminationGracePeriodSeconds: 600
  nodeSelector: {pool: large}
  imagePullSecrets: [{name: registry}]
  containers:
    - name: base
      image: template
      env: [{name: MODE, value: template}]
YAML
# The operator reads which cluster it would talk to, and talks to none.
cat >kubeconfig <<'YAML'
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
YAML
cat >merge.py <<'PYTHON'
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator


def spec(**arguments):
    return KubernetesPodOperator(
        task_id="task", name="task", image="image", pod_template_file="template.yaml",
        kubernetes_conn_id=None, config_file="kubeconfig", **arguments,
    ).build_pod_request_obj().spec


for seconds in (5, 0):
    print(f"termination_grace_period={seconds}: ", spec(termination_grace_period=seconds).termination_grace_period_seconds)
print("node_selector={}:           ", spec(node_selector={}).node_selector)
print("image_pull_secrets=[]:      ", *(one.name for one in spec(image_pull_secrets=[]).image_pull_secrets or ["none"]))
variables = spec(env_vars={"MODE": "own"}).containers[0].env
print("env_vars={'MODE': 'own'}:   ", ", ".join(f"{one.name}={one.value}" for one in variables))
PYTHON

python merge.py 2>airflow.txt | grep -E '^[a-z_]+=' | verdict
