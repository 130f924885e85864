{{/* Airflow's own metrics: whether, by which way, and how the cluster's Prometheus calls them. */}}

{{/* "otlp", "statsd" or nothing. */}}
{{- define "podbt.metricsBy" -}}
{{- with .Values.metrics -}}
{{- if .otlp.endpoint -}}
otlp
{{- else if or .statsd.host .statsd.exporter.enabled -}}
statsd
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "podbt.metricsName" -}}
{{ include "podbt.fullname" . }}-metrics
{{- end -}}

{{/* What airflow.cfg says of them, as JSON. Names that hold DAGs and tasks are left out: labels say these. */}}
{{- define "podbt.metricsConfig" -}}
{{- $statsd := .Values.metrics.statsd -}}
{{- $config := dict "statsd_on" false -}}
{{- $by := include "podbt.metricsBy" . -}}
{{- if eq $by "otlp" -}}
{{- $config = dict "statsd_on" false "otel_on" true "legacy_names_on" false -}}
{{- else if eq $by "statsd" -}}
{{- $config = dict "statsd_on" true "otel_on" false "legacy_names_on" false "statsd_influxdb_enabled" true
  "statsd_host" ($statsd.host | default (include "podbt.metricsName" .))
  "statsd_port" (ternary 8125 $statsd.port $statsd.exporter.enabled) -}}
{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{/*
Variables of an Airflow process. OpenTelemetry reads these and Airflow's configuration no more. Each pod is an instance of its
own: what two pods count under one name would else be one series that jumps.
*/}}
{{- define "podbt.metricsEnv" -}}
{{- if eq (include "podbt.metricsBy" .) "otlp" -}}
{{- with .Values.metrics.otlp }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ .protocol | quote }}
- name: OTEL_METRIC_EXPORT_INTERVAL
  value: {{ mul 1000 .intervalSeconds | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ include "podbt.fullname" $ | quote }}
- name: PODBT_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ printf "service.namespace=%s,service.instance.id=$(PODBT_POD_NAME)" $.Release.Namespace | quote }}
{{- with .headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: {{ $.Values.metrics.otlp.headersKey | quote }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The matchers that select this Airflow's series, as they stand between braces. */}}
{{- define "podbt.metricsSelector" -}}
{{- $labels := .Values.metrics.selector -}}
{{- if not $labels -}}
{{- if .Values.metrics.statsd.exporter.enabled -}}
{{- $labels = dict "namespace" .Release.Namespace "service" (include "podbt.metricsName" .) -}}
{{- else if eq (include "podbt.metricsBy" .) "otlp" -}}
{{- $labels = dict "job" (printf "%s/%s" .Release.Namespace (include "podbt.fullname" .)) -}}
{{- end -}}
{{- end -}}
{{- $matchers := list -}}
{{- range $name, $value := $labels -}}
{{- $matchers = append $matchers (printf "%s=\"%s\"" $name $value) -}}
{{- end -}}
{{- join "," $matchers -}}
{{- end -}}

{{/*
A text of queries for this release: dict root, text, escaped (whether it is JSON). They are written in the names that
statsd_exporter gives, and with SELECTOR among the matchers. By OpenTelemetry a counter ends in _total, and a timer is a native
histogram of milliseconds.
*/}}
{{- define "podbt.queries" -}}
{{- $text := .text -}}
{{- if eq (include "podbt.metricsBy" .root) "otlp" -}}
{{- $text = regexReplaceAll "(airflow_[a-z_]+_heartbeat|airflow_triggers_(?:failed|succeeded|blocked_main_thread)|airflow_dag_processing_processor_timeouts)\\{" $text "${1}_total{" -}}
{{- $text = regexReplaceAll "(rate|increase)\\((airflow_[a-z_]+)_count(\\{[^}]*\\}\\[[^\\]]+\\])\\)" $text "histogram_count(${1}(${2}_milliseconds${3}))" -}}
{{- $text = regexReplaceAll "(rate|increase)\\((airflow_[a-z_]+)_sum(\\{[^}]*\\}\\[[^\\]]+\\])\\)" $text "(histogram_sum(${1}(${2}_milliseconds${3})) / 1000)" -}}
{{- $text = regexReplaceAll "(airflow_[a-z_]+)_count(\\{[^}]*\\}(?: offset [0-9a-z]+)?)" $text "histogram_count(${1}_milliseconds${2})" -}}
{{- end -}}
{{- $selector := include "podbt.metricsSelector" .root -}}
{{- $text | replace "SELECTOR" (ternary ($selector | replace "\"" "\\\"") $selector .escaped) -}}
{{- end -}}

{{/* Refuses two ways at once, and what has nothing to show. */}}
{{- define "podbt.validateMetrics" -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.statsd.host $metrics.statsd.exporter.enabled -}}
{{- fail "metrics.statsd.host and metrics.statsd.exporter.enabled are two StatsD servers. Keep one of them." -}}
{{- end -}}
{{- if and $metrics.otlp.endpoint (or $metrics.statsd.host $metrics.statsd.exporter.enabled) -}}
{{- fail "metrics.otlp.endpoint and metrics.statsd are two ways for metrics, and Airflow goes one. Keep one of them." -}}
{{- end -}}
{{- if and $metrics.otlp.headersSecret (not $metrics.otlp.endpoint) -}}
{{- fail "metrics.otlp.headersSecret is set, but metrics.otlp.endpoint is empty. Set it or remove the Secret's name." -}}
{{- end -}}
{{- if and $metrics.serviceMonitor.enabled (not $metrics.statsd.exporter.enabled) -}}
{{- fail "metrics.serviceMonitor is on, but there is nothing to scrape. Set metrics.statsd.exporter.enabled=true, or turn it off." -}}
{{- end -}}
{{- range $name := list "rules" "dashboard" -}}
{{- if and (get $metrics $name).enabled (not (include "podbt.metricsBy" $)) -}}
{{- fail (printf "metrics.%s is on, but Airflow sends no metrics. Set metrics.otlp.endpoint, metrics.statsd.exporter.enabled or metrics.statsd.host." $name) -}}
{{- end -}}
{{- end -}}
{{- if and $metrics.rules.freshHours (not $metrics.rules.enabled) -}}
{{- fail "metrics.rules.freshHours names DAGs, but metrics.rules.enabled is false, so nobody would be told. Enable it or remove them." -}}
{{- end -}}
{{- end -}}
