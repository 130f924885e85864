{{/* Mounts every Airflow container has: the root. */}}
{{- define "podbt.airflowMounts" -}}
- name: tmp
  mountPath: /tmp
- name: logs
  mountPath: /opt/airflow/logs
- name: airflow-config
  mountPath: /etc/airflow
  readOnly: true
- name: scripts
  mountPath: /etc/podbt-scripts
  readOnly: true
{{- with include "podbt.caMount" . }}
{{ . }}
{{- end }}
{{- with .Values.airflow.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volumes behind those mounts: dict root, and sharedLogs, whether the logs are worth keeping. */}}
{{- define "podbt.airflowVolumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
- name: logs
  {{- if .sharedLogs }}
  persistentVolumeClaim:
    claimName: {{ include "podbt.logsClaim" .root | quote }}
  {{- else }}
  emptyDir:
    sizeLimit: 256Mi
  {{- end }}
- name: airflow-config
  configMap:
    name: {{ printf "%s-airflow-config" (include "podbt.fullname" .root) | quote }}
- name: scripts
  configMap:
    name: {{ printf "%s-scripts" (include "podbt.fullname" .root) | quote }}
{{- with include "podbt.caVolume" .root }}
{{ . }}
{{- end }}
{{- with .root.Values.airflow.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Mount and volume of the Settings. */}}
{{- define "podbt.settingsMount" -}}
- name: settings
  mountPath: /etc/podbt
  readOnly: true
{{- end -}}

{{- define "podbt.settingsVolume" -}}
- name: settings
  configMap:
    name: {{ printf "%s-settings" (include "podbt.fullname" .) | quote }}
{{- end -}}
