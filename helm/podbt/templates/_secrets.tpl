{{/*
The value of a generated Secret's key, from the cluster if it is there: dict root, name, key, or else a new one.
`helm template` and Argo CD see no cluster and make new values each time: they need existing Secrets.
*/}}
{{- define "podbt.existingValue" -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace .name | default dict -}}
{{- get ($secret.data | default dict) .key | default "" | b64dec -}}
{{- end -}}

{{- define "podbt.generated" -}}
{{- include "podbt.existingValue" . | default (randAlphaNum (.length | default 32)) -}}
{{- end -}}

{{/* A Fernet key: 32 random bytes in URL-safe base64. */}}
{{- define "podbt.generatedFernetKey" -}}
{{- include "podbt.existingValue" . | default (randBytes 32 | replace "+" "-" | replace "/" "_") -}}
{{- end -}}
