{{/*
Pod-level security, as the "restricted" Pod Security Standard asks: dict user (numeric id).
The ids are numbers because the kubelet cannot tell from a name that a user is not root.
*/}}
{{- define "podbt.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  # Large volumes would otherwise be walked through at every start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{/* Security of every container. */}}
{{- define "podbt.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Labels and annotations of a component's pods: dict root, component, values, checksums (paths of templates). */}}
{{- define "podbt.podMetadata" -}}
labels:
  {{- merge (deepCopy .values.podLabels) (include "podbt.labels" . | fromYaml) | toYaml | nindent 2 }}
{{- $root := .root }}
{{- $annotations := dict }}
{{- range $path := .checksums }}
{{- $name := printf "podbt/checksum-%s" (base $path | trimSuffix ".yaml") }}
{{- $_ := set $annotations $name (include (printf "%s/%s" $root.Template.BasePath $path) $root | sha256sum) }}
{{- end }}
{{- with merge (deepCopy .values.podAnnotations) $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where a component's pods may run: dict root, values. */}}
{{- define "podbt.scheduling" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/*
Affinity of the pods that share the log volume: dict root, values. A ReadWriteOnce volume attaches to one node, so
without it a pod on another node would wait for ever. Claims made elsewhere are their owner's business.
*/}}
{{- define "podbt.sharedVolumeAffinity" -}}
{{- $shared := and (not .root.Values.logs.existingClaim) (not (has "ReadWriteMany" .root.Values.logs.accessModes)) -}}
{{- if .values.affinity }}
affinity:
  {{- toYaml .values.affinity | nindent 2 }}
{{- else if $shared }}
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/instance: {{ .root.Release.Name }}
          matchExpressions:
            - key: app.kubernetes.io/component
              operator: In
              values: [api-server, scheduler, dag-processor, triggerer]
{{- end }}
{{- end -}}

{{/* Image pull Secrets of a pod: the root. */}}
{{- define "podbt.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
