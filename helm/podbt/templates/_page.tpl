{{/* The run pages in Airflow's UI: the store that the api-server reads for them. */}}

{{/*
Whether there are pages: "true" or nothing. A ReadWriteOnce volume that the api-server mounts ties it to the node of the
dbt pods, which only whoever knows the nodes can want.
*/}}
{{- define "podbt.pageOn" -}}
{{- $artifacts := .Values.artifacts -}}
{{- $on := .Values.page.enabled -}}
{{- if kindIs "invalid" $on -}}
{{- $on = or $artifacts.url (and (not $artifacts.existingClaim) (has "ReadWriteMany" $artifacts.accessModes)) -}}
{{- end -}}
{{- if $on -}}
true
{{- end -}}
{{- end -}}

{{/* Environment of the api-server. */}}
{{- define "podbt.pageEnv" -}}
{{- if include "podbt.pageOn" . -}}
{{- include "podbt.artifactsEnv" . -}}
{{- end -}}
{{- end -}}

{{- define "podbt.pageMounts" -}}
{{- if include "podbt.pageOn" . -}}
{{- include "podbt.artifactsMount" (dict "root" . "readOnly" true) -}}
{{- end -}}
{{- end -}}

{{- define "podbt.pageVolumes" -}}
{{- if include "podbt.pageOn" . -}}
{{- include "podbt.artifactsVolume" . -}}
{{- end -}}
{{- end -}}
