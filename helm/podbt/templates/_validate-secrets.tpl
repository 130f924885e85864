{{/*
Whether a text under this name would show a secret: dict name, value; "true" or nothing. Names end as Airflow's own
masking and the clouds' variables do; a connection's address may hold a password under any name.
*/}}
{{- define "podbt.looksSecret" -}}
{{- if and (kindIs "string" .value) (ne .value "") -}}
{{- if or
  (regexMatch "(?i)(password|passwd|passphrase|secret|token|dsn|(access|api|private|secret|account|fernet|encryption)_?key|authorization|broker_url|result_backend)$" .name)
  (regexMatch "://[^/\\s:@]*:[^/\\s@]+@" .value) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What airflow.config and airflow.extraEnv would show of Airflow's secrets. */}}
{{- define "podbt.validateAirflowSecrets" -}}
{{- $sensitive := include "podbt.known.sensitiveConfig" . | fromJsonArray -}}
{{- /* Of these the chart says itself where they belong. */ -}}
{{- $owned := include "podbt.secretConfig" . | fromJson -}}
{{- range $section, $options := .Values.airflow.config -}}
{{- range $key, $value := $options -}}
{{- $path := printf "%s.%s" $section $key -}}
{{- $elsewhere := and (regexMatch "_(cmd|secret)$" $key) (has (regexReplaceAll "_(cmd|secret)$" $path "") $sensitive) -}}
{{- if and (not (hasKey $owned $path)) (or (has $path $sensitive) (and (not $elsewhere) (include "podbt.looksSecret" (dict "name" $key "value" $value)))) -}}
{{- fail (printf "airflow.config sets %s, which is secret and would be readable in a ConfigMap. Put it into a Secret, and name that in airflow.extraEnv: AIRFLOW__%s__%s with valueFrom.secretKeyRef." $path (upper $section) (upper $key)) -}}
{{- end -}}
{{- if contains "%" (replace "%%" "" (toString $value)) -}}
{{- fail (printf "airflow.config.%s holds a single %%, with which Airflow's configuration begins a reference. Write it twice: %%%%." $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.airflow.extraEnv -}}
{{- if hasKey . "value" -}}
{{- $parts := splitn "__" 3 (lower .name) -}}
{{- $path := printf "%s.%s" ($parts._1 | default "") ($parts._2 | default "") -}}
{{- $option := and (hasPrefix "AIRFLOW__" .name) (has $path $sensitive) -}}
{{- $elsewhere := and (hasPrefix "AIRFLOW__" .name) (regexMatch "_(cmd|secret)$" $path) (has (regexReplaceAll "_(cmd|secret)$" $path "") $sensitive) -}}
{{- if and .value (not $elsewhere) (or $option (hasPrefix "AIRFLOW_CONN_" .name) (include "podbt.looksSecret" .)) -}}
{{- fail (printf "airflow.extraEnv gives %s in clear, which is secret by its name or holds a password. Put it into a Secret and name that: {name: %s, valueFrom: {secretKeyRef: {name: …, key: …}}}." .name .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The same for dbt pods, and the variables that podbt, its image or dbt's own rules for secrets keep for themselves. */}}
{{- define "podbt.validateDbtEnv" -}}
{{- $reserved := include "podbt.known.dbtReserved" . | fromJsonArray -}}
{{- range $name, $value := .Values.dbt.env -}}
{{- if or (has $name $reserved) (hasPrefix "PODBT_" $name) (hasPrefix "AIRFLOW" $name) -}}
{{- fail (printf "dbt.env sets %s, which podbt sets itself in dbt pods, or keeps out of them. Remove it." $name) -}}
{{- end -}}
{{- if or (hasPrefix "DBT_ENV_SECRET" $name) (include "podbt.looksSecret" (dict "name" $name "value" $value)) -}}
{{- fail (printf "dbt.env gives %s in clear, which is secret by its name or holds a password. Put it into a Secret and name that in dbt.secretEnv." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Secret that Airflow and dbt pods share would show Airflow's keys to whoever may fill dbt's. */}}
{{- define "podbt.validateSecretRoles" -}}
{{- $values := .Values -}}
{{- $airflow := dict -}}
{{- range $role := list "airflow" "admin" "metadata" -}}
{{- with (get $values $role).existingSecret -}}
{{- if hasKey $airflow . -}}
{{- fail (printf "%s.existingSecret and %s.existingSecret name one Secret, '%s'. Give each its own: who may read one of them need not read the other." (get $airflow .) $role .) -}}
{{- end -}}
{{- $_ := set $airflow . $role -}}
{{- end -}}
{{- end -}}
{{- $dbt := list
  (dict "path" "warehouse.existingSecret" "secret" $values.warehouse.existingSecret)
  (dict "path" "dbt.profiles.existingSecret" "secret" $values.dbt.profiles.existingSecret) -}}
{{- range $path, $variables := dict "dbt.secretEnv" $values.dbt.secretEnv "artifacts.secretEnv" $values.artifacts.secretEnv -}}
{{- range $variables -}}
{{- $dbt = append $dbt (dict "path" $path "secret" .secret) -}}
{{- end -}}
{{- end -}}
{{- range $dbt -}}
{{- if and .secret (hasKey $airflow .secret) -}}
{{- fail (printf "%s names Secret '%s', which %s.existingSecret names for Airflow alone. Give dbt a Secret of its own." .path .secret (get $airflow .secret)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
