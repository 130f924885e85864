{{/*
The plans of the dbt images that ran last, for what loads DAGs and starts dbt pods. A Job in the new image puts its plan
there (plan/job.yaml): a promotion changes one line of values, restarts nothing, and an image that cannot be pulled keeps
nothing from running.
*/}}
{{- define "podbt.planConfigMap" -}}
{{ include "podbt.fullname" . }}-plan
{{- end -}}

{{- define "podbt.planMount" -}}
{{- if .Values.dbt.plan.fromImage -}}
- name: plan
  mountPath: /etc/podbt-plan
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "podbt.planVolume" -}}
{{- if .Values.dbt.plan.fromImage -}}
- name: plan
  configMap:
    name: {{ include "podbt.planConfigMap" . | quote }}
{{- end -}}
{{- end -}}

{{- define "podbt.planServiceAccount" -}}
{{- with .Values.serviceAccounts.plan -}}
{{ .name | default (ternary (printf "%s-plan" (include "podbt.fullname" $)) "default" .create) }}
{{- end -}}
{{- end -}}
