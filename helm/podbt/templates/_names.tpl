{{/*
Prefix of object names. 40 characters leave room for the longest suffix, a Job's hash and the suffixes that
Kubernetes adds to Pods, within the 63 of a label value.
*/}}
{{- define "podbt.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if gt (len $full) 40 -}}
{{- /* Cut alone, the names of two long releases would be one. */ -}}
{{- $full = printf "%s-%s" ($full | trunc 31 | trimSuffix "-") ($full | sha256sum | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/*
What tells this installation from all others whose pods, or run records, may lie beside its own. A namespace has no dot
in its name, so no two pairs give the same text.
*/}}
{{- define "podbt.instance" -}}
{{- $instance := .Values.dbt.instance | default (printf "%s.%s" .Release.Namespace .Release.Name) -}}
{{- if gt (len $instance) 63 -}}
{{- printf "%s-%s" ($instance | trunc 52 | trimSuffix "-" | trimSuffix ".") ($instance | sha256sum | trunc 10) -}}
{{- else -}}
{{- $instance -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of one component: dict root, component. Never change them: selectors are immutable. */}}
{{- define "podbt.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/* Labels of every object: dict root, component. */}}
{{- define "podbt.labels" -}}
{{ include "podbt.selectorLabels" . }}
app.kubernetes.io/part-of: podbt
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where dbt's objects are, and those that Airflow reads: each takes the root. */}}
{{- define "podbt.dbtNamespace" -}}
{{ .Values.dbt.namespace | default .Release.Namespace }}
{{- end -}}

{{- define "podbt.airflowNamespace" -}}
{{ .Values.existingAirflow.namespace | default .Release.Namespace }}
{{- end -}}

{{/* Where the Job that tells the plan runs: beside the Airflow of this release, or on dbt's side of another one. */}}
{{- define "podbt.planNamespace" -}}
{{ ternary .Release.Namespace (include "podbt.dbtNamespace" .) .Values.airflow.enabled }}
{{- end -}}

{{/*
Name, namespace and labels of an object: dict root, component, suffix where the name ends differently, and namespace where
it is not the release's.
*/}}
{{- define "podbt.metadata" -}}
name: {{ printf "%s-%s" (include "podbt.fullname" .root) (default .component .suffix) | quote }}
namespace: {{ .namespace | default .root.Release.Namespace | quote }}
labels:
  {{- include "podbt.labels" . | nindent 2 }}
{{- end -}}

{{/* A pinned image reference: dict image, path (of the value, for messages). */}}
{{- define "podbt.image" -}}
{{- $image := .image -}}
{{- if not $image.repository -}}
{{- fail (printf "%s.repository is empty. Set it to the image's name without tag or digest." .path) -}}
{{- else if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else if not $image.tag -}}
{{- fail (printf "%s is not pinned. Set %s.digest (sha256:…) or %s.tag." .path .path .path) -}}
{{- else if eq (lower $image.tag) "latest" -}}
{{- fail (printf "%s.tag is 'latest', which is not pinned. Set %s.digest (sha256:…) or another tag." .path .path) -}}
{{- else -}}
{{- printf "%s:%s" $image.repository $image.tag -}}
{{- end -}}
{{- end -}}

{{/* Names of objects that may exist already: each takes the root. */}}
{{- define "podbt.airflowSecret" -}}
{{ .Values.airflow.existingSecret | default (printf "%s-airflow" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.adminSecret" -}}
{{ .Values.admin.existingSecret | default (printf "%s-admin" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.metadataSecret" -}}
{{ .Values.metadata.existingSecret | default (printf "%s-metadata" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.metadataKey" -}}
{{ ternary .Values.metadata.key "connection" (ne .Values.metadata.existingSecret "") }}
{{- end -}}

{{- define "podbt.warehouseSecret" -}}
{{ .Values.warehouse.existingSecret | default (printf "%s-warehouse" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.profilesSecret" -}}
{{ .Values.dbt.profiles.existingSecret | default (printf "%s-profiles" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.artifactsClaim" -}}
{{ .Values.artifacts.existingClaim | default (printf "%s-artifacts" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.logsClaim" -}}
{{ .Values.logs.existingClaim | default (printf "%s-logs" (include "podbt.fullname" .)) }}
{{- end -}}

{{- define "podbt.airflowServiceAccount" -}}
{{- with .Values.serviceAccounts.airflow -}}
{{ .name | default (ternary (printf "%s-airflow" (include "podbt.fullname" $)) "default" .create) }}
{{- end -}}
{{- end -}}

{{- define "podbt.dbtServiceAccount" -}}
{{- with .Values.serviceAccounts.dbt -}}
{{ .name | default (ternary (printf "%s-dbt" (include "podbt.fullname" $)) "default" .create) }}
{{- end -}}
{{- end -}}
