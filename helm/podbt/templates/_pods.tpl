{{/*
Pod-level security, as the "restricted" Pod Security Standard asks: dict root, and user (a numeric id) where it is not that
of podSecurity. The ids are numbers because the kubelet cannot tell from a name that a user is not root.
*/}}
{{- define "podbt.podSecurity" -}}
{{- $ids := .root.Values.podSecurity -}}
{{- if and .user $ids.runAsUser -}}
{{- $ids = dict "runAsUser" .user "runAsGroup" .user "fsGroup" .user -}}
{{- end -}}
securityContext:
  runAsNonRoot: true
  {{- range $key := list "runAsUser" "runAsGroup" "fsGroup" }}
  {{- with get $ids $key }}
  {{ $key }}: {{ int64 . }}
  {{- end }}
  {{- end }}
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
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/*
Affinity of the pods that share the log volume: dict root, values. A ReadWriteOnce volume attaches to one node, so
without it a pod on another node would wait for ever. It joins what the values ask for. Claims made elsewhere are their
owner's business.
*/}}
{{- define "podbt.sharedVolumeAffinity" -}}
{{- $affinity := deepCopy .values.affinity -}}
{{- if and (not .root.Values.logs.existingClaim) (not (has "ReadWriteMany" .root.Values.logs.accessModes)) -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict
  "matchLabels" (dict "app.kubernetes.io/instance" .root.Release.Name)
  "matchExpressions" (list (dict "key" "app.kubernetes.io/component" "operator" "In"
    "values" (list "api-server" "scheduler" "dag-processor" "triggerer" "clean-logs")))) -}}
{{- $affinity = include "podbt.withPodAffinity" (dict "affinity" $affinity "term" $term) | fromJson -}}
{{- end -}}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An affinity that requires one term of podAffinity more, as JSON: dict affinity, term. */}}
{{- define "podbt.withPodAffinity" -}}
{{- $pods := deepCopy (get .affinity "podAffinity" | default dict) -}}
{{- $key := "requiredDuringSchedulingIgnoredDuringExecution" -}}
{{- $_ := set $pods $key (append (get $pods $key | default list) .term) -}}
{{- merge (dict "podAffinity" $pods) (omit .affinity "podAffinity") | toJson -}}
{{- end -}}

{{/*
Affinity of the pods that share the volume of run records, as JSON: the root. dbt pods, that of `helm test`, the prune job
and the job that tries the volume meet on one node while it is ReadWriteOnce; the first of them may choose it, since the term
selects that pod itself. Where the api-server reads the volume for the pages, they meet on its node.
*/}}
{{- define "podbt.dbtAffinity" -}}
{{- $affinity := deepCopy .Values.dbt.affinity -}}
{{- $artifacts := .Values.artifacts -}}
{{- if not (or $artifacts.url $artifacts.existingClaim (has "ReadWriteMany" $artifacts.accessModes)) -}}
{{- $components := list "run" "prune" "store" "test" -}}
{{- if include "podbt.pageOn" . -}}
{{- $components = prepend $components "api-server" -}}
{{- end -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict
  "matchLabels" (dict "app.kubernetes.io/instance" .Release.Name)
  "matchExpressions" (list (dict "key" "app.kubernetes.io/component" "operator" "In" "values" $components))) -}}
{{- $affinity = include "podbt.withPodAffinity" (dict "affinity" $affinity "term" $term) | fromJson -}}
{{- end -}}
{{- toJson $affinity -}}
{{- end -}}

{{/* How a component's pods spread: dict root, component, values. A constraint without a selector means the component. */}}
{{- define "podbt.topologySpread" -}}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "podbt.spreadOver" (dict "constraints" . "labels" (include "podbt.selectorLabels" $ | fromYaml)) | fromJsonArray | toYaml | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "podbt.spreadOver" -}}
{{- $constraints := list -}}
{{- range .constraints -}}
{{- $constraints = append $constraints (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $.labels))) -}}
{{- end -}}
{{- toJson $constraints -}}
{{- end -}}

{{/* Image pull Secrets of a pod: the root. */}}
{{- define "podbt.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}
