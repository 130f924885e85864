{{/*
A Deployment of one Airflow component: dict root, component, values, token (whether it talks to the
Kubernetes API), and the names of templates with its ports, its probes, and what it has of variables and mounts besides the common.
*/}}
{{- define "podbt.airflowDeployment" -}}
{{- if .root.Values.airflow.enabled -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "podbt.metadata" . | nindent 2 }}
spec:
  replicas: {{ .values.replicas | int64 }}
  revisionHistoryLimit: 3
  # Kubernetes' own limit of 600 s would call a rollout failed while it waits for the migrations, as it may.
  progressDeadlineSeconds: {{ add .root.Values.migrate.waitSeconds 900 }}
  strategy:
    {{- include "podbt.updateStrategy" . | nindent 4 }}
  selector:
    matchLabels:
      {{- include "podbt.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      {{- /* Not of the settings and the plan: podbt reads these where they are used, and a promotion changes no more. */}}
      {{- $checksums := list "config/airflow-config.yaml" "config/scripts.yaml" }}
      {{- include "podbt.podMetadata" (merge (dict "checksums" $checksums) .) | nindent 6 }}
    spec:
      {{- include "podbt.podSecurity" (dict "root" .root) | nindent 6 }}
      serviceAccountName: {{ include "podbt.airflowServiceAccount" .root | quote }}
      automountServiceAccountToken: {{ .token }}
      # Service variables such as PODBT_API_SERVER_PORT would enter the environment that podbt and Airflow read.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds | int64 }}
      {{- include "podbt.pullSecrets" .root | nindent 6 }}
      {{- include "podbt.scheduling" . | nindent 6 }}
      {{- include "podbt.sharedVolumeAffinity" . | nindent 6 }}
      {{- include "podbt.topologySpread" . | nindent 6 }}
      initContainers:
        {{- include "podbt.waitForMigrations" . | nindent 8 }}
      containers:
        - name: {{ .component | quote }}
          {{- include "podbt.airflowImage" .root | nindent 10 }}
          # Airflow ends when its database goes away. Waiting for it here, instead of ending again and again, spares the
          # minutes that Kubernetes lets pass between restarts.
          args:
            - python
            - /etc/podbt-scripts/wait_for_database.py
            - --timeout={{ .root.Values.migrate.waitSeconds | int64 }}
            {{- if and (eq .component "dag-processor") .root.Values.dbt.plan.fromImage }}
            - --file=/etc/podbt-plan/plans.json
            {{- end }}
            - airflow
            - {{ .component }}
            {{- with .args }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            {{- include "podbt.airflowEnv" .root | nindent 12 }}
            {{- include "podbt.metricsEnv" .root | nindent 12 }}
            {{- with .env }}
            {{- include . $.root | nindent 12 }}
            {{- end }}
          {{- with .ports }}
          ports:
            {{- range $name, $port := . }}
            - name: {{ $name | quote }}
              containerPort: {{ $port }}
            {{- end }}
          {{- end }}
          {{- include .probes .root | nindent 10 }}
          {{- if and (eq .component "api-server") (ge (int64 .values.terminationGracePeriodSeconds) 10) }}
          lifecycle:
            preStop:
              exec:
                # Until no node sends it requests any more; it would refuse those that still come.
                command: [python, -c, "import time; time.sleep(5)"]
          {{- end }}
          {{- include "podbt.containerSecurity" . | nindent 10 }}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            {{- include "podbt.airflowMounts" .root | nindent 12 }}
            {{- include "podbt.settingsMount" . | nindent 12 }}
            {{- if ne .component "api-server" }}
            {{- include "podbt.planMount" .root | nindent 12 }}
            {{- end }}
            {{- with .mounts }}
            {{- include . $.root | nindent 12 }}
            {{- end }}
      volumes:
        {{- include "podbt.airflowVolumes" (dict "root" .root "sharedLogs" true) | nindent 8 }}
        {{- include "podbt.settingsVolume" .root | nindent 8 }}
        {{- if ne .component "api-server" }}
        {{- include "podbt.planVolume" .root | nindent 8 }}
        {{- end }}
        {{- with .volumes }}
        {{- include . $.root | nindent 8 }}
        {{- end }}
{{- end -}}
{{- end -}}

{{/*
How a component changes: dict root, component, values. One after the other, while an old scheduler may work beside a new one
on one database: until the Airflow image changes, and with it perhaps the tables. Api-servers only read and write rows, and
are replaced one by one in any case. Where nobody can look at the cluster (`helm template`, Argo CD) nobody knows the image
that runs, so Auto means Recreate there.
*/}}
{{- define "podbt.updateStrategy" -}}
{{- $way := ternary "RollingUpdate" .root.Values.airflow.updateStrategy (eq .component "api-server") -}}
{{- if eq $way "Auto" -}}
{{- $way = "Recreate" -}}
{{- $name := printf "%s-%s" (include "podbt.fullname" .root) .component -}}
{{- $image := include "podbt.image" (dict "image" .root.Values.airflow.image "path" "airflow.image") -}}
{{- $there := lookup "apps/v1" "Deployment" .root.Release.Namespace $name | default dict -}}
{{- range dig "spec" "template" "spec" "containers" list $there -}}
{{- if and (eq .name $.component) (eq .image $image) -}}
{{- $way = "RollingUpdate" -}}
{{- end -}}
{{- end -}}
{{- end -}}
type: {{ $way | quote }}
{{- if eq $way "RollingUpdate" }}
{{- /* Several schedulers need no room for one more; of a single one the next has to be there before it goes. */}}
{{- $more := or (eq .component "api-server") (le (int64 .values.replicas) 1) }}
rollingUpdate:
  maxSurge: {{ ternary 1 0 $more }}
  maxUnavailable: {{ ternary 0 1 $more }}
{{- end }}
{{- end -}}

{{/*
Holds a component back until the migrate Job has done what it needs: dict root, component, values. The script waits
cheaply, so that four components do not compete with the Job for CPU; Airflow then checks the revision.
*/}}
{{- define "podbt.waitForMigrations" -}}
- name: wait-for-migrations
  {{- include "podbt.airflowImage" .root | nindent 2 }}
  args:
    - python
    - /etc/podbt-scripts/wait_for_database.py
    - --wait-for={{ ternary "roles" "migrations" (eq .component "api-server") }}
    - --timeout={{ .root.Values.migrate.waitSeconds | int64 }}
    - airflow
    - db
    - check-migrations
    - --migration-wait-timeout={{ .root.Values.migrate.waitSeconds | int64 }}
  env:
    {{- include "podbt.airflowEnv" .root | nindent 4 }}
  {{- include "podbt.containerSecurity" . | nindent 2 }}
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  volumeMounts:
    {{- include "podbt.airflowMounts" .root | nindent 4 }}
{{- end -}}

{{/*
Probes by the age of the job's heartbeat in the database: dict job (Airflow's job type), values. A stopped or stuck process
is found when its heartbeat is 180 s old and two probes in a row have said so: four minutes after it stopped, at most.
*/}}
{{- define "podbt.heartbeatProbes" -}}
{{- $script := list "python" "/etc/podbt-scripts/heartbeat.py" .job -}}
startupProbe:
  exec:
    command: {{ concat $script (list "--max-age=60") | toJson }}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 60
readinessProbe:
  exec:
    command: {{ concat $script (list "--max-age=60") | toJson }}
  periodSeconds: 60
  timeoutSeconds: 10
{{ include "podbt.heartbeatLiveness" . }}
{{- end -}}

{{- define "podbt.heartbeatLiveness" -}}
livenessProbe:
  exec:
    # A database that is away is no reason to restart this container.
    command: {{ list "python" "/etc/podbt-scripts/heartbeat.py" .job "--max-age=180" "--tolerate-database-failure" | toJson }}
  periodSeconds: 30
  timeoutSeconds: 15
  failureThreshold: 2
  # Who is stopped hears no stop request, and would keep the next one waiting.
  terminationGracePeriodSeconds: {{ max 1 (min 30 (.values.terminationGracePeriodSeconds | int64)) }}
{{- end -}}
