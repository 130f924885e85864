{{/* Refuses values that contradict each other. Each message names the values and the way out. */}}
{{- define "podbt.validate" -}}
{{- include "podbt.validateNulls" . -}}
{{- include "podbt.validateNames" . -}}
{{- include "podbt.validateLabels" . -}}
{{- include "podbt.validateExisting" . -}}
{{- $values := .Values -}}
{{- if and $values.evaluationPostgres.enabled $values.metadata.existingSecret -}}
{{- fail "evaluationPostgres.enabled and metadata.existingSecret name two metadata databases. Keep one of them." -}}
{{- end -}}
{{- if and $values.airflow.enabled (not (or $values.evaluationPostgres.enabled $values.metadata.existingSecret)) -}}
{{- fail "Airflow has no metadata database. Set metadata.existingSecret to a Secret with the connection, or, to try podbt, evaluationPostgres.enabled=true." -}}
{{- end -}}
{{- if and $values.dbt.profiles.existingSecret $values.warehouse.existingSecret -}}
{{- fail "dbt.profiles.existingSecret and warehouse.existingSecret both say where dbt builds. Keep one; if that profiles.yml reads WAREHOUSE_* variables, list them in dbt.secretEnv." -}}
{{- end -}}
{{- if not (or $values.evaluationPostgres.enabled $values.dbt.profiles.existingSecret $values.warehouse.existingSecret) -}}
{{- $trial := ternary ", or, to try podbt, evaluationPostgres.enabled=true" "" $values.airflow.enabled -}}
{{- fail (printf "dbt has no warehouse. Set dbt.profiles.existingSecret (a profiles.yml), warehouse.existingSecret (host, port, database, user, password)%s." $trial) -}}
{{- end -}}
{{- if and (not $values.dbt.profiles.existingSecret) (not (hasKey $values.dbt.profiles.targets $values.dbt.target)) -}}
{{- fail (printf "dbt.target '%s' is not in dbt.profiles.targets (%s). Use one of these or add it there with its schema." $values.dbt.target (keys $values.dbt.profiles.targets | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if and (not $values.admin.enabled) $values.admin.existingSecret -}}
{{- fail "admin.existingSecret is set but admin.enabled is false. Enable it or remove the Secret's name." -}}
{{- end -}}
{{- $service := $values.apiServer.service -}}
{{- if and (not (kindIs "invalid" $service.nodePort)) (eq $service.type "ClusterIP") -}}
{{- fail "apiServer.service.nodePort is set but apiServer.service.type is ClusterIP. Set the type to NodePort or nodePort to null." -}}
{{- end -}}
{{- if and (ne $service.type "ClusterIP") (not $values.airflow.baseUrl) -}}
{{- fail (printf "apiServer.service.type is %s, but airflow.baseUrl is empty: links and log-in would lead to http://localhost:8080. Set airflow.baseUrl to the address that people open." $service.type) -}}
{{- end -}}
{{- range $component := list "apiServer" "triggerer" -}}
{{- if and (gt (int64 $values.scheduler.replicas) 0) (eq (int64 (get $values $component).replicas) 0) -}}
{{- fail (printf "%s.replicas is 0 while scheduler.replicas is %d: tasks would start and never end. Scale both to 0, or none." $component (int64 $values.scheduler.replicas)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.airflow.enabled $values.rbac.create (not $values.serviceAccounts.airflow.create) (not $values.serviceAccounts.airflow.name) -}}
{{- fail "rbac.create would let the namespace's default ServiceAccount run pods. Set serviceAccounts.airflow.name, or create that account, or set rbac.create=false." -}}
{{- end -}}
{{- if and $values.airflow.enabled (eq (include "podbt.airflowServiceAccount" .) (include "podbt.dbtServiceAccount" .)) -}}
{{- fail "serviceAccounts.airflow and serviceAccounts.dbt are the same account: dbt pods would share the right to run pods. Give serviceAccounts.dbt another name." -}}
{{- end -}}
{{- if and $values.dbt.plan.fromImage $values.dbt.plan.path -}}
{{- fail "dbt.plan.fromImage and dbt.plan.path both say where the plan is. Set fromImage=false to use the path, or remove the path." -}}
{{- end -}}
{{- $signed := $values.dbt.signed -}}
{{- if and $signed.publicKey (not $signed.stage) -}}
{{- fail "dbt.signed.publicKey is set, but dbt.signed.stage is empty: set it to the stage whose key that is." -}}
{{- end -}}
{{- if and $signed.publicKey (not $values.dbt.image.digest) -}}
{{- fail "dbt.signed.publicKey lets approved images alone run, and those are named by digest. Set dbt.image.digest (podbt promote writes it)." -}}
{{- end -}}
{{- include "podbt.validateResources" . -}}
{{- include "podbt.validateTolerations" . -}}
{{- include "podbt.validateSeconds" . -}}
{{- include "podbt.validateUpkeep" . -}}
{{- include "podbt.validateMetrics" . -}}
{{- include "podbt.validateSecretRoles" . -}}
{{- include "podbt.validateProduction" . -}}
{{- include "podbt.validateAccess" . -}}
{{- include "podbt.validateExtensions" . -}}
{{- include "podbt.validateArtifacts" . -}}
{{- include "podbt.validateEnvironment" . -}}
{{- include "podbt.validateAirflowSecrets" . -}}
{{- include "podbt.validateVolumes" . -}}
{{- end -}}

{{- define "podbt.validateVolumes" -}}
{{- $values := .Values -}}
{{- range $name := ternary (list "logs") (list "artifacts" "logs") (ne $values.artifacts.url "") -}}
{{- $volume := get $values $name -}}
{{- if and (not $volume.existingClaim) (has "ReadWriteOncePod" $volume.accessModes) -}}
{{- fail (printf "%s.accessModes has ReadWriteOncePod, but several pods share this volume. Use ReadWriteMany, or ReadWriteOnce on one node." $name) -}}
{{- end -}}
{{- if and (not $volume.existingClaim) (not (or (has "ReadWriteMany" $volume.accessModes) (has "ReadWriteOnce" $volume.accessModes))) -}}
{{- fail (printf "%s.accessModes allows no pod to write. Add ReadWriteMany or ReadWriteOnce." $name) -}}
{{- end -}}
{{- end -}}
{{- /* ReadWriteOnce: whoever mounts the volume has to be able to meet on one node. */ -}}
{{- $groups := dict
  "logs" (dict "apiServer" $values.apiServer.nodeSelector "scheduler" $values.scheduler.nodeSelector
    "dagProcessor" $values.dagProcessor.nodeSelector "triggerer" $values.triggerer.nodeSelector)
-}}
{{- range $name, $selectors := $groups -}}
{{- $volume := get $values $name -}}
{{- if and (not $volume.existingClaim) (not (has "ReadWriteMany" $volume.accessModes)) -}}
{{- $seen := dict -}}
{{- range $component, $selector := $selectors -}}
{{- range $label, $value := $selector -}}
{{- if and (hasKey $seen $label) (ne (get $seen $label) $value) -}}
{{- fail (printf "%s is ReadWriteOnce, which needs one node, but %s.nodeSelector and another component's ask for different values of %s. Set %s.accessModes=[ReadWriteMany] or align the selectors." $name $component $label $name) -}}
{{- end -}}
{{- $_ := set $seen $label $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
