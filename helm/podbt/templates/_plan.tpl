{{/*
The dbt image's plan, for what loads DAGs: the root. Copied, because the DAGs of a release are those of its dbt image: a
promotion changes one line of values, and nobody builds an Airflow image for it.
*/}}
{{- define "podbt.planContainer" -}}
{{- if .Values.dbt.plan.fromImage -}}
- name: plan
  image: {{ include "podbt.image" (dict "image" .Values.dbt.image "path" "dbt.image") | quote }}
  imagePullPolicy: {{ .Values.dbt.imagePullPolicy | quote }}
  command: [cp, /opt/podbt/baked/plan.json, /opt/podbt/baked/manifest.json, /etc/podbt-plan/]
  {{- include "podbt.containerSecurity" . | nindent 2 }}
  resources:
    requests:
      cpu: 10m
      memory: 16Mi
    limits:
      memory: 64Mi
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    - name: plan
      mountPath: /etc/podbt-plan
{{- end -}}
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
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}
{{- end -}}
