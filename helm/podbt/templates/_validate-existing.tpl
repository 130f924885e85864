{{/* What belongs to one mode alone: an Airflow of this release, or one that is there already. */}}
{{- define "podbt.validateExisting" -}}
{{- $values := .Values -}}
{{- $existing := $values.existingAirflow -}}
{{- if $values.airflow.enabled -}}
{{- range $key := list "namespace" "serviceAccounts" "version" -}}
{{- if get $existing $key -}}
{{- fail (printf "existingAirflow.%s names an Airflow that is there already, but airflow.enabled is true: this release brings its own. Set airflow.enabled=false, or remove it." $key) -}}
{{- end -}}
{{- end -}}
{{- if and $values.evaluationPostgres.enabled (ne (include "podbt.dbtNamespace" .) .Release.Namespace) -}}
{{- fail (printf "dbt.namespace is '%s', but the evaluation Postgres and its passwords are in the release's namespace, '%s'. Set warehouse.existingSecret or dbt.profiles.existingSecret there, or remove dbt.namespace." $values.dbt.namespace .Release.Namespace) -}}
{{- end -}}
{{- else -}}
{{- if not $existing.version -}}
{{- fail "airflow.enabled is false, but existingAirflow.version is empty. Set it to what `airflow version` says." -}}
{{- end -}}
{{- if not (regexMatch "^3\\.[23]\\." $existing.version) -}}
{{- fail (printf "existingAirflow.version is %s, but podbt runs on Airflow 3.2 and 3.3. Bring that Airflow to one of these first." $existing.version) -}}
{{- end -}}
{{- if and $values.rbac.create (not $existing.serviceAccounts) -}}
{{- fail "existingAirflow.serviceAccounts is empty, so nobody could start a dbt pod. Name the accounts of Airflow's triggerer, scheduler and workers, or set rbac.create=false and bind them yourself." -}}
{{- end -}}
{{- $theirs := list "admin" "metadata" "logs" "apiServer" "scheduler" "dagProcessor" "triggerer" "migrate" "ingress" "httpRoute" "evaluationPostgres" "cleanup" "metrics" -}}
{{- range $path, $default := include "podbt.known.defaults" . | fromJson -}}
{{- $keys := splitList "." $path -}}
{{- $ofAirflow := and (eq (first $keys) "airflow") (not (has (index $keys 1) (list "enabled" "notifications"))) -}}
{{- if or $ofAirflow (has (first $keys) $theirs) (hasPrefix "serviceAccounts.airflow." $path) -}}
{{- $given := $values -}}
{{- range $keys -}}
{{- $given = get $given . -}}
{{- end -}}
{{- if ne (toJson $given) (toJson $default) -}}
{{- fail (printf "%s is of an Airflow that this release would bring, but airflow.enabled is false. Remove it: the Airflow that is there has its own values." $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
