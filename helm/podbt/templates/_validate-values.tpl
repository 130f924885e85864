{{/*
Values that no schema can judge: a null, which Helm takes for "no such key", and texts with a grammar of their own.
*/}}
{{- define "podbt.validateNulls" -}}
{{- range $path, $default := include "podbt.known.defaults" . | fromJson -}}
{{- $level := $.Values -}}
{{- $way := list -}}
{{- range $key := splitList "." $path -}}
{{- $way = append $way $key -}}
{{- if or (not (hasKey $level $key)) (kindIs "invalid" (index $level $key)) -}}
{{- fail (printf "%s is null, which is no value here. Remove the line to get the default, or give a value." (join "." $way)) -}}
{{- end -}}
{{- $level = get $level $key -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names of objects: what Services may be called is the narrowest. */}}
{{- define "podbt.validateNames" -}}
{{- $full := include "podbt.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full) -}}
{{- fail (printf "Objects would be called '%s-…', but a Service's name is of lower-case letters, digits and -, a letter first. Use another release name, or set fullnameOverride." $full) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" .Release.Namespace) -}}
{{- fail (printf "'%s' can be no namespace: use lower-case letters, digits and -, 63 characters at most." .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{/* The parts of the values that describe pods, as JSON: an object of their paths. */}}
{{- define "podbt.podsOfValues" -}}
{{- $found := pick .Values "dbt" "apiServer" "scheduler" "dagProcessor" "triggerer" "migrate" "prune" "evaluationPostgres" -}}
{{- toJson (merge (dict
  "cleanup.metadata" .Values.cleanup.metadata "cleanup.logs" .Values.cleanup.logs
  "metrics.statsd.exporter" .Values.metrics.statsd.exporter) $found) -}}
{{- end -}}

{{/* Labels and annotations that the chart, or podbt, sets itself. */}}
{{- define "podbt.validateLabels" -}}
{{- $values := .Values -}}
{{- $maps := dict "commonLabels" $values.commonLabels -}}
{{- range $path, $component := include "podbt.podsOfValues" . | fromJson -}}
{{- range $kind := list "podLabels" "podAnnotations" -}}
{{- $_ := set $maps (printf "%s.%s" $path $kind) (get $component $kind) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "rules" "dashboard" -}}
{{- $_ := set $maps (printf "metrics.%s.labels" $name) (get $values.metrics $name).labels -}}
{{- end -}}
{{- range $path, $map := $maps -}}
{{- range $key, $_ := $map -}}
{{- if or (regexMatch "^(podbt|podbt\\.io)/" $key) (and (hasSuffix "abels" $path) (regexMatch "^(app\\.kubernetes\\.io|helm\\.sh)/" $key)) -}}
{{- fail (printf "%s sets %s, which the chart sets itself. Remove it." $path $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An amount of memory or CPUs as a number, "500m" as 0.5: the text or number. */}}
{{- define "podbt.amount" -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12
  "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $text := toString . -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (trimSuffix $unit $text | float64) (get $units $unit) -}}
{{- end -}}

{{- define "podbt.validateResources" -}}
{{- range $component, $values := include "podbt.podsOfValues" . | fromJson -}}
{{- $resources := $values.resources -}}
{{- range $kind, $limit := $resources.limits -}}
{{- $request := get ($resources.requests | default dict) $kind -}}
{{- if and $request $limit (gt (include "podbt.amount" $request | float64) (include "podbt.amount" $limit | float64)) -}}
{{- fail (printf "%s.resources asks for more %s (%v) than its limit allows (%v). Raise limits.%s or lower requests.%s." $component $kind $request $limit $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Tolerations that Kubernetes would not take. */}}
{{- define "podbt.validateTolerations" -}}
{{- range $component, $values := include "podbt.podsOfValues" . | fromJson -}}
{{- range $values.tolerations -}}
{{- $said := printf "%s.tolerations has %s" $component (toJson .) -}}
{{- $exists := eq (.operator | default "Equal") "Exists" -}}
{{- if and $exists .value -}}
{{- fail (printf "%s: operator Exists compares with no value. Remove the value, or use Equal." $said) -}}
{{- end -}}
{{- if not (or $exists .key) -}}
{{- fail (printf "%s: without a key it tolerates every taint, which needs operator Exists. Give the key." $said) -}}
{{- end -}}
{{- if and (hasKey . "tolerationSeconds") (ne (.effect | default "") "NoExecute") -}}
{{- fail (printf "%s: tolerationSeconds count with effect NoExecute alone. Set the effect, or remove the seconds." $said) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Seconds that leave no time for each other. */}}
{{- define "podbt.validateSeconds" -}}
{{- $run := .Values.dbt.runTimeoutSeconds | int64 -}}
{{- range $key := list "terminationGraceSeconds" "connectionWaitSeconds" "queueTimeoutSeconds" -}}
{{- $seconds := get $.Values.dbt $key | int64 -}}
{{- if ge $seconds $run -}}
{{- fail (printf "dbt.%s (%d) has to be below dbt.runTimeoutSeconds (%d), at which Kubernetes ends the pod. Lower the one or raise the other." $key $seconds $run) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What is deleted by its age, and what `helm test` builds. */}}
{{- define "podbt.validateUpkeep" -}}
{{- range $path, $values := dict "prune" .Values.prune "cleanup.metadata" .Values.cleanup.metadata "cleanup.logs" .Values.cleanup.logs -}}
{{- include "podbt.validateSchedule" (dict "path" $path "schedule" $values.schedule "timeZone" $values.timeZone) -}}
{{- $seconds := mul 86400 (int64 $values.keepDays) -}}
{{- if and (ne $path "prune") $values.enabled (le $seconds (int64 $.Values.dbt.runTimeoutSeconds)) -}}
{{- fail (printf "%s.keepDays (%d) would delete what belongs to runs that still go on (dbt.runTimeoutSeconds is %d). Keep more days." $path (int64 $values.keepDays) (int64 $.Values.dbt.runTimeoutSeconds)) -}}
{{- end -}}
{{- end -}}
{{- $test := .Values.test -}}
{{- if and $test.selector (not $test.target) -}}
{{- fail (printf "test.selector '%s' is to be built, but test.target is empty. Set it to a dbt target whose schemas are for trials." $test.selector) -}}
{{- end -}}
{{- if and $test.target (not $test.selector) -}}
{{- fail (printf "test.target is '%s', but test.selector is empty, so nothing is built there. Set the selector or remove the target." $test.target) -}}
{{- end -}}
{{- $targets := .Values.dbt.profiles.targets -}}
{{- if and $test.target (not .Values.dbt.profiles.existingSecret) (not (hasKey $targets $test.target)) -}}
{{- fail (printf "test.target '%s' is not in dbt.profiles.targets (%s). Use one of these or add it there with its schema." $test.target (keys $targets | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if and .Values.production $test.target (eq $test.target .Values.dbt.target) -}}
{{- fail (printf "production is on, but test.target is '%s', as dbt.target is: `helm test` would build production's tables. Use a target of its own." $test.target) -}}
{{- end -}}
{{- end -}}

{{/*
A schedule as Kubernetes reads it (robfig/cron's standard parser) and a time zone that it knows: dict path (of the values
that hold them), schedule, timeZone.
*/}}
{{- define "podbt.validateSchedule" -}}
{{- $begin := printf "%s.schedule '%s' is no cron schedule" .path .schedule -}}
{{- $text := trim .schedule -}}
{{- if hasPrefix "@" $text -}}
{{- if not (has $text (list "@yearly" "@annually" "@monthly" "@weekly" "@daily" "@midnight" "@hourly")) -}}
{{- fail (printf "%s: after @ comes yearly, monthly, weekly, daily or hourly." $begin) -}}
{{- end -}}
{{- else -}}
{{- $fields := regexSplit "\\s+" $text -1 -}}
{{- if ne (len $fields) 5 -}}
{{- fail (printf "%s: it has %d fields and not five (minute, hour, day of the month, month, day of the week)." $begin (len $fields)) -}}
{{- end -}}
{{- $names := list "minute" "hour" "day of the month" "month" "day of the week" -}}
{{- $months := dict "jan" 1 "feb" 2 "mar" 3 "apr" 4 "may" 5 "jun" 6 "jul" 7 "aug" 8 "sep" 9 "oct" 10 "nov" 11 "dec" 12 -}}
{{- $days := dict "sun" 0 "mon" 1 "tue" 2 "wed" 3 "thu" 4 "fri" 5 "sat" 6 -}}
{{- $words := list dict dict dict $months $days -}}
{{- range $index, $field := $fields -}}
{{- $low := index (list 0 0 1 1 0) $index -}}
{{- $high := index (list 59 23 31 12 6) $index -}}
{{- $wrong := printf "%s: '%s' is no %s (%d to %d, *, ranges and steps of them)." $begin $field (index $names $index) $low $high -}}
{{- range $item := splitList "," $field -}}
{{- $parts := splitList "/" $item -}}
{{- if or (gt (len $parts) 2) (and (eq (len $parts) 2) (not (regexMatch "^0*[1-9][0-9]{0,3}$" (last $parts)))) -}}
{{- fail $wrong -}}
{{- end -}}
{{- if not (has (first $parts) (list "*" "?")) -}}
{{- $ends := list -}}
{{- range $end := splitList "-" (first $parts) -}}
{{- $number := get (index $words $index) (lower $end) -}}
{{- if regexMatch "^[0-9]{1,4}$" $end -}}
{{- $number = atoi $end -}}
{{- end -}}
{{- if not (kindIs "int" $number) -}}
{{- fail $wrong -}}
{{- end -}}
{{- if or (lt $number $low) (gt $number $high) -}}
{{- fail $wrong -}}
{{- end -}}
{{- $ends = append $ends $number -}}
{{- end -}}
{{- if or (gt (len $ends) 2) (gt (first $ends) (last $ends)) -}}
{{- fail $wrong -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $zones := include "podbt.known.timeZones" . | fromJsonArray -}}
{{- if and .timeZone (not (has .timeZone $zones)) -}}
{{- $near := list -}}
{{- range $zone := $zones -}}
{{- if or (eq (lower $zone) (lower $.timeZone)) (hasSuffix (printf "/%s" (lower $.timeZone)) (lower $zone)) -}}
{{- $near = append $near $zone -}}
{{- end -}}
{{- end -}}
{{- fail (printf "%s.timeZone '%s' is no name of the time zone database. Use %s, or leave it empty." .path .timeZone (first $near | default "one such as Europe/Berlin")) -}}
{{- end -}}
{{- end -}}
