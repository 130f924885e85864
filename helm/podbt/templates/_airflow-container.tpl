{{/* Environment of every Airflow container: the root. */}}
{{- define "podbt.airflowEnv" -}}
{{- include "podbt.airflowOwnEnv" . }}
{{- with .Values.airflow.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
What the chart itself sets in it. What is secret comes from Secrets by reference; everything else stands in the ConfigMap
with airflow.cfg.
*/}}
{{- define "podbt.airflowOwnEnv" -}}
{{- $keys := include "podbt.airflowSecret" . -}}
{{ include "podbt.airflowBaseEnv" . }}
- name: PODBT_SETTINGS
  value: /etc/podbt/settings.yaml
{{- include "podbt.observedAirflowEnv" . }}
{{- if not (include "podbt.pageOn" .) }}
- name: PODBT_PAGE
  value: "0"
{{- end }}
# In the environment because an image may set it there, and the environment wins over the file.
- name: AIRFLOW__CORE__DAGS_FOLDER
  value: {{ .Values.airflow.dagsFolder | quote }}
{{ include "podbt.metadataEnv" . }}
- name: AIRFLOW__CORE__FERNET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $keys | quote }}
      key: fernet-key
- name: AIRFLOW__API_AUTH__JWT_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ $keys | quote }}
      key: jwt-secret
- name: AIRFLOW__API__SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $keys | quote }}
      key: api-secret-key
{{- include "podbt.caEnv" . }}
{{- with .Values.airflow.notifications }}
{{- if .existingSecret }}
- name: PODBT_NOTIFY_URL
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What every command of Airflow needs, whatever it does. */}}
{{- define "podbt.airflowBaseEnv" -}}
- name: AIRFLOW_HOME
  value: /opt/airflow
# Without a file to read, Airflow writes one into AIRFLOW_HOME, which is read-only here.
- name: AIRFLOW_CONFIG
  value: /etc/airflow/airflow.cfg
# Airflow asks for the name of its user, and a numeric user need not have one.
- name: USER
  value: airflow
- name: HOME
  value: /tmp
{{- end -}}

{{- define "podbt.metadataEnv" -}}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  valueFrom:
    secretKeyRef:
      name: {{ include "podbt.metadataSecret" . | quote }}
      key: {{ include "podbt.metadataKey" . | quote }}
{{- end -}}

{{/* Image of an Airflow container: the root. */}}
{{- define "podbt.airflowImage" -}}
image: {{ include "podbt.image" (dict "image" .Values.airflow.image "path" "airflow.image") | quote }}
imagePullPolicy: {{ .Values.airflow.imagePullPolicy | quote }}
{{- end -}}
