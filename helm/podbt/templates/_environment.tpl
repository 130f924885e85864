{{/*
Refuses environment variables that are given twice, or that the chart sets itself: of two with one name the later wins,
in silence, and the environment wins over airflow.cfg.
*/}}
{{- define "podbt.validateEnvironment" -}}
{{- $own := include "podbt.airflowOwnEnv" . | fromYamlArray -}}
{{- $own = concat $own (include "podbt.apiServerEnv" . | default "[]" | fromYamlArray) -}}
{{- $own = concat $own (include "podbt.metricsEnv" . | default "[]" | fromYamlArray) -}}
{{- if .Values.admin.enabled -}}
{{- $own = concat $own (include "podbt.adminEnv" . | fromYamlArray) -}}
{{- end -}}
{{- $owned := include "podbt.ownedConfig" . | fromJson -}}
{{- $secret := include "podbt.secretConfig" . | fromJson -}}
{{- $free := include "podbt.freeConfig" . | fromJsonArray -}}
{{- $names := dict -}}
{{- range .Values.airflow.extraEnv -}}
{{- /* AIRFLOW__CORE__FERNET_KEY_CMD says core.fernet_key, too, and so does the name from before Airflow had sections. */ -}}
{{- $parts := splitn "__" 3 (lower .name) -}}
{{- $section := ternary $parts._1 "" (hasPrefix "AIRFLOW__" .name) -}}
{{- $key := $parts._2 | default "" -}}
{{- $variable := .name -}}
{{- range $said := list $key (trimSuffix "_cmd" $key) (trimSuffix "_secret" $key) -}}
{{- $path := printf "%s.%s" $section $said -}}
{{- if hasKey $secret $path -}}
{{- fail (printf "airflow.extraEnv sets %s, which the chart takes from a Secret. Remove it, and set %s." $variable (get $secret $path)) -}}
{{- end -}}
{{- if and (hasKey (get $owned $section | default dict) $said) (not (has $path $free)) -}}
{{- fail (printf "airflow.extraEnv sets %s, which the chart sets itself. Remove it; a value of its own (see the reference) changes it where that is possible." $variable) -}}
{{- end -}}
{{- end -}}
{{- range $own -}}
{{- if eq .name $variable -}}
{{- fail (printf "airflow.extraEnv sets %s, which the chart sets itself. Remove it." $variable) -}}
{{- end -}}
{{- end -}}
{{- if hasKey $names $variable -}}
{{- fail (printf "airflow.extraEnv has %s twice. Keep one of them." $variable) -}}
{{- end -}}
{{- $_ := set $names $variable true -}}
{{- end -}}
{{- include "podbt.validateDbtEnv" . -}}
{{- include "podbt.validateDbtEnvironment" . -}}
{{- end -}}

{{/* The same for dbt pods, whose variables come from four places. */}}
{{- define "podbt.validateDbtEnvironment" -}}
{{- $places := list
  (dict "name" "dbt.env" "names" (keys .Values.dbt.env | sortAlpha))
  (dict "name" "dbt.secretEnv" "names" (include "podbt.namesOf" .Values.dbt.secretEnv | fromJsonArray))
  (dict "name" "artifacts.secretEnv" "names" (include "podbt.namesOf" .Values.artifacts.secretEnv | fromJsonArray))
  (dict "name" "openlineage and telemetry" "names" (include "podbt.namesOf" (include "podbt.observedSecretEnv" . | fromJsonArray) | fromJsonArray))
-}}
{{- $places = append $places (dict "name" "caBundle" "names" (include "podbt.caVariables" . | fromJson | keys | sortAlpha)) -}}
{{- if .Values.warehouse.existingSecret -}}
{{- $places = append $places (dict "name" "warehouse.existingSecret" "names"
  (list "WAREHOUSE_HOST" "WAREHOUSE_PORT" "WAREHOUSE_DATABASE" "WAREHOUSE_USER" "WAREHOUSE_PASSWORD")) -}}
{{- end -}}
{{- $from := dict -}}
{{- range $place := $places -}}
{{- range $name := $place.names -}}
{{- if hasPrefix "PODBT_" $name -}}
{{- fail (printf "%s sets %s, which podbt sets itself in dbt pods. Remove it." $place.name $name) -}}
{{- end -}}
{{- if hasKey $from $name -}}
{{- fail (printf "dbt pods would get %s twice, from %s and from %s. Keep one of them." $name (get $from $name) $place.name) -}}
{{- end -}}
{{- $_ := set $from $name $place.name -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The names of a list of variables, as JSON: the list. */}}
{{- define "podbt.namesOf" -}}
{{- $names := list -}}
{{- range . -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}
