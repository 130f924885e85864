{{/* What is added to pods must not hide, rename or weaken what is there. */}}
{{- define "podbt.validateExtensions" -}}
{{- $dbtFolders := list "/tmp" "/artifacts" "/etc/podbt/profiles" "/etc/podbt-ca" "/opt/podbt" "/dev" -}}
{{- $dbtVolumes := list "scratch" "artifacts" "profiles" "ca-bundle" -}}
{{- $airflowFolders := list "/tmp" "/opt/airflow/logs" "/etc/airflow" "/etc/airflow-web" "/etc/podbt" "/etc/podbt-scripts"
  "/etc/podbt-plan" "/etc/podbt-ca" "/opt/venv" "/dev" -}}
{{- $airflowVolumes := list "tmp" "logs" "airflow-config" "scripts" "settings" "plan" "ca-bundle" "webserver-config" -}}
{{- $patch := .Values.dbt.podPatch.spec | default dict -}}
{{- include "podbt.validateVolumesOf" (dict "path" "airflow" "volumes" .Values.airflow.volumes "mounts" .Values.airflow.volumeMounts
  "folders" $airflowFolders "own" $airflowVolumes "others" list) -}}
{{- include "podbt.validateVolumesOf" (dict "path" "dbt" "volumes" .Values.dbt.volumes "mounts" .Values.dbt.volumeMounts
  "folders" $dbtFolders "own" $dbtVolumes "others" ($patch.volumes | default list)) -}}
{{- range $patch.containers | default list -}}
{{- include "podbt.validateVolumesOf" (dict "path" "dbt.podPatch.spec" "volumes" ($patch.volumes | default list)
  "mounts" (.volumeMounts | default list) "folders" $dbtFolders "own" $dbtVolumes "others" $.Values.dbt.volumes) -}}
{{- range .env | default list -}}
{{- if or (hasPrefix "PODBT_" .name) (hasPrefix "AIRFLOW" .name) (has .name (include "podbt.known.dbtReserved" $ | fromJsonArray)) -}}
{{- fail (printf "dbt.podPatch sets %s, which podbt sets itself in dbt pods, or keeps out of them. Remove it." .name) -}}
{{- end -}}
{{- if include "podbt.looksSecret" . -}}
{{- fail (printf "dbt.podPatch gives %s in clear, which is secret by its name or holds a password. Put it into a Secret and name that." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $patch.initContainers | default list -}}
{{- if eq .name "dbt" -}}
{{- fail "dbt.podPatch has an init container 'dbt', the name of podbt's own container. Choose another." -}}
{{- end -}}
{{- if not (regexMatch "(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$" .image) -}}
{{- fail (printf "dbt.podPatch: image '%s' is not pinned. Give it a digest (…@sha256:…) or a tag other than latest." .image) -}}
{{- end -}}
{{- if hasSuffix ":latest" .image -}}
{{- fail (printf "dbt.podPatch: image '%s' is not pinned. Give it a digest (…@sha256:…) or a tag other than latest." .image) -}}
{{- end -}}
{{- end -}}
{{- range $kind, $pairs := .Values.dbt.podPatch.metadata | default dict -}}
{{- range $key, $_ := $pairs -}}
{{- if or (hasPrefix "app.kubernetes.io/" $key) (hasPrefix "podbt.io/" $key) (eq $key "kubectl.kubernetes.io/default-container") -}}
{{- fail (printf "dbt.podPatch sets the %s %s, which podbt sets itself. Remove it." (trimSuffix "s" $kind) $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Volumes and where they are mounted: dict path, volumes, mounts, folders and own (what is there), others (volumes). */}}
{{- define "podbt.validateVolumesOf" -}}
{{- $names := list -}}
{{- range .volumes -}}
{{- if ne (len (omit . "name")) 1 -}}
{{- fail (printf "%s.volumes: '%s' has to be of one kind: configMap, secret, csi, emptyDir, … and one of them alone." $.path .name) -}}
{{- end -}}
{{- if or (has .name $.own) (has .name $names) -}}
{{- fail (printf "%s.volumes: '%s' is a volume of the chart's own, or there twice. Choose another name." $.path .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range .others -}}
{{- if has .name $names -}}
{{- fail (printf "%s.volumes: '%s' is there twice. Choose another name." $.path .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range $mount := .mounts -}}
{{- if not (has .name $names) -}}
{{- fail (printf "%s.volumeMounts: '%s' is none of %s.volumes. Add it there." $.path .name $.path) -}}
{{- end -}}
{{- range $folder := $.folders -}}
{{- $at := trimSuffix "/" $mount.mountPath -}}
{{- if or (eq $at $folder) (hasPrefix (printf "%s/" $at) $folder) (hasPrefix (printf "%s/" $folder) $at) -}}
{{- fail (printf "%s.volumeMounts: %s would hide %s, which is the chart's own. Mount it elsewhere." $.path $mount.mountPath $folder) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Certificates, single sign-on and what stands in front of Airflow. */}}
{{- define "podbt.validateAccess" -}}
{{- $values := .Values -}}
{{- range $path, $names := dict "caBundle" $values.caBundle "apiServer.webserverConfig" $values.apiServer.webserverConfig -}}
{{- if and $names.configMap $names.secret -}}
{{- fail (printf "%s.configMap and %s.secret both hold it. Keep one." $path $path) -}}
{{- end -}}
{{- end -}}
{{- $own := or $values.caBundle.configMap $values.caBundle.secret -}}
{{- if and $values.caBundle.https (not $own) -}}
{{- fail "caBundle.https is on, but there is no bundle. Set caBundle.configMap or caBundle.secret." -}}
{{- end -}}
{{- if and $values.warehouse.existingSecret (hasPrefix "verify-" $values.warehouse.sslMode) (not $own) (not (hasKey $values.dbt.env "PGSSLROOTCERT")) -}}
{{- fail (printf "warehouse.sslMode is %s, but dbt pods have no authority to check with. Set caBundle.configMap or caBundle.secret, or dbt.env.PGSSLROOTCERT=system for a public one." $values.warehouse.sslMode) -}}
{{- end -}}
{{- range $kind := list "ingress" "httpRoute" -}}
{{- if and (get $values $kind).enabled (not $values.airflow.baseUrl) -}}
{{- fail (printf "%s.enabled needs a host. Set airflow.baseUrl to the address that people open." $kind) -}}
{{- end -}}
{{- end -}}
{{- if and $values.ingress.tlsSecret (not (hasPrefix "https:" $values.airflow.baseUrl)) -}}
{{- fail "ingress.tlsSecret is set, but airflow.baseUrl is no https address. Change the one or remove the other." -}}
{{- end -}}
{{- if and $values.ingress.tlsSecret (not $values.ingress.enabled) -}}
{{- fail "ingress.tlsSecret is set, but ingress.enabled is false. Enable it or remove the Secret's name." -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled needs a gateway. Name it in httpRoute.parentRefs, e.g. [{name: public, namespace: gateways}]." -}}
{{- end -}}
{{- if has "--proxy-headers" $values.apiServer.args -}}
{{- fail "apiServer.args has --proxy-headers. Set apiServer.proxyHeaders=true, which also says whose headers are believed." -}}
{{- end -}}
{{- end -}}

{{/* What a trial may have and production may not. */}}
{{- define "podbt.validateProduction" -}}
{{- $values := .Values -}}
{{- if $values.production -}}
{{- range $name := ternary (list "airflow" "dbt") (list "dbt") $values.airflow.enabled -}}
{{- if not (get $values $name).image.digest -}}
{{- fail (printf "production is on, but %s.image is named by a tag, which may be moved. Set %s.image.digest." $name $name) -}}
{{- end -}}
{{- end -}}
{{- $exporter := $values.metrics.statsd.exporter -}}
{{- if and $exporter.enabled (not $exporter.image.digest) -}}
{{- fail "production is on, but metrics.statsd.exporter.image is named by a tag, which may be moved. Set metrics.statsd.exporter.image.digest." -}}
{{- end -}}
{{- if $values.evaluationPostgres.enabled -}}
{{- fail "production is on, but evaluationPostgres.enabled is true: one pod without backup, TLS and failover. Set metadata.existingSecret, and warehouse.existingSecret or dbt.profiles.existingSecret." -}}
{{- end -}}
{{- range $name := ternary (ternary (list "airflow" "admin") (list "airflow") $values.admin.enabled) list $values.airflow.enabled -}}
{{- if not (get $values $name).existingSecret -}}
{{- fail (printf "production is on, but %s.existingSecret is empty: what renders without a cluster, as Argo CD does, would make another Secret each time. Name one." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
