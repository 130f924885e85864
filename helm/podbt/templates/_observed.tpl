{{/* Who else is told of runs: a lineage server and a telemetry collector (docs/lineage-and-telemetry.md). */}}

{{/* The settings' two keys, as JSON; null where nobody is told. */}}
{{- define "podbt.observedSettings" -}}
{{- $lineage := .Values.openlineage -}}
{{- $otlp := .Values.telemetry.otlp -}}
{{- toJson (dict
  "openlineage" (ternary (dict "url" $lineage.url "namespace" (include "podbt.lineageNamespace" .)) nil (ne $lineage.url ""))
  "telemetry" (ternary (dict "otlp_endpoint" $otlp.endpoint) nil (ne $otlp.endpoint ""))) -}}
{{- end -}}

{{- define "podbt.lineageNamespace" -}}
{{- .Values.openlineage.namespace | default (include "podbt.instance" .) -}}
{{- end -}}

{{/* The keys of both, for dbt pods: a list of {name, secret, key} as JSON. */}}
{{- define "podbt.observedSecretEnv" -}}
{{- $lineage := .Values.openlineage -}}
{{- $otlp := .Values.telemetry.otlp -}}
{{- $found := list -}}
{{- if and $lineage.url $lineage.existingSecret -}}
{{- $found = append $found (dict "name" "OPENLINEAGE_API_KEY" "secret" $lineage.existingSecret "key" $lineage.key) -}}
{{- end -}}
{{- if and $otlp.endpoint $otlp.headersSecret -}}
{{- $found = append $found (dict "name" "OTEL_EXPORTER_OTLP_HEADERS" "secret" $otlp.headersSecret "key" $otlp.headersKey) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* What Airflow's own OpenLineage provider is told. */}}
{{- define "podbt.observedAirflowEnv" -}}
{{- with .Values.openlineage -}}
{{- if .url }}
- name: OPENLINEAGE_URL
  value: {{ .url | quote }}
- name: AIRFLOW__OPENLINEAGE__NAMESPACE
  value: {{ include "podbt.lineageNamespace" $ | quote }}
{{- if .existingSecret }}
- name: OPENLINEAGE_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Rules of the network for both, as JSON: {airflow, dbt}. */}}
{{- define "podbt.observedRules" -}}
{{- $lineage := ternary (list .Values.networkPolicy.lineage) list (ne .Values.openlineage.url "") -}}
{{- $telemetry := ternary (list .Values.networkPolicy.telemetry) list (ne .Values.telemetry.otlp.endpoint "") -}}
{{- toJson (dict "airflow" $lineage "dbt" (concat $lineage $telemetry)) -}}
{{- end -}}
