{{/* The bundle of one's own authorities: its volume, its mount and the variables that name it. Nothing without one. */}}
{{- define "podbt.caVolume" -}}
{{- with .Values.caBundle -}}
{{- if or .configMap .secret -}}
- name: ca-bundle
  {{- if .configMap }}
  configMap:
    name: {{ .configMap | quote }}
  {{- else }}
  secret:
    secretName: {{ .secret | quote }}
  {{- end }}
    items:
      - key: {{ .key | quote }}
        path: ca.crt
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "podbt.caMount" -}}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret -}}
- name: ca-bundle
  mountPath: /etc/podbt-ca
  readOnly: true
{{- end -}}
{{- end -}}

{{/* As JSON: an object of names and values. */}}
{{- define "podbt.caVariables" -}}
{{- $variables := dict -}}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret -}}
{{- $names := list "PGSSLROOTCERT" -}}
{{- if .Values.caBundle.https -}}
{{- $names = concat $names (list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" "AWS_CA_BUNDLE") -}}
{{- end -}}
{{- range $names -}}
{{- $_ := set $variables . "/etc/podbt-ca/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- toJson $variables -}}
{{- end -}}

{{- define "podbt.caEnv" -}}
{{- range $name, $value := include "podbt.caVariables" . | fromJson }}
- name: {{ $name }}
  value: {{ $value }}
{{- end }}
{{- end -}}
