{{/* Environment of a container that reads or writes run records in a bucket: the root. Nothing for a volume. */}}
{{- define "podbt.artifactsEnv" -}}
{{- with .Values.artifacts }}
{{- if .url -}}
- name: PODBT_ARTIFACTS
  value: {{ .url | quote }}
{{- with .endpointUrl }}
- name: PODBT_ARTIFACTS_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
{{- with .region }}
- name: PODBT_ARTIFACTS_REGION
  value: {{ . | quote }}
{{- end }}
{{- range .secretEnv }}
- name: {{ .name | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Mount of run records on a volume: dict root, readOnly. Nothing for a bucket. */}}
{{- define "podbt.artifactsMount" -}}
{{- if not .root.Values.artifacts.url -}}
- name: artifacts
  mountPath: /artifacts
  {{- if .readOnly }}
  readOnly: true
  {{- end }}
  {{- with .root.Values.artifacts.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The volume behind that mount: the root. */}}
{{- define "podbt.artifactsVolume" -}}
{{- if not .Values.artifacts.url -}}
- name: artifacts
  persistentVolumeClaim:
    claimName: {{ include "podbt.artifactsClaim" . | quote }}
{{- end }}
{{- end -}}

{{/* Refuses an artifact store that is two, or none. */}}
{{- define "podbt.validateArtifacts" -}}
{{- $artifacts := .Values.artifacts -}}
{{- if and $artifacts.url $artifacts.existingClaim -}}
{{- fail "artifacts.url and artifacts.existingClaim name two stores for run records. Keep one of them." -}}
{{- end -}}
{{- if and $artifacts.url $artifacts.subPath -}}
{{- fail "artifacts.subPath is a folder of a volume, but artifacts.url names a bucket. Put the prefix into the url." -}}
{{- end -}}
{{- if and (not $artifacts.url) (or $artifacts.endpointUrl $artifacts.region $artifacts.secretEnv) -}}
{{- fail "artifacts.endpointUrl, artifacts.region and artifacts.secretEnv are a bucket's, but artifacts.url is empty. Set it or remove them." -}}
{{- end -}}
{{- if and $artifacts.region (hasPrefix "gs:" $artifacts.url) -}}
{{- fail "artifacts.region is S3's, but artifacts.url names a GCS bucket. Remove the region." -}}
{{- end -}}
{{- end -}}
