{{- define "broadtape.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "broadtape.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "broadtape.labels" -}}
{{ include "broadtape.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What would start wrong, or not at all, is refused before anything is changed. */}}
{{- define "broadtape.check" -}}
{{- if not (or .Values.secrets.BROADTAPE_JWT_SECRET .Values.settings.BROADTAPE_JWKS) }}
{{- fail "secrets.BROADTAPE_JWT_SECRET or settings.BROADTAPE_JWKS is needed: the keys of the tokens" }}
{{- end }}
{{- if and .Values.secrets.BROADTAPE_NATS_URL (not .Values.secrets.BROADTAPE_DATABASE_URL) }}
{{- fail "secrets.BROADTAPE_DATABASE_URL is needed beside BROADTAPE_NATS_URL: several nodes share a log" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.secrets.BROADTAPE_DATABASE_URL) }}
{{- fail "autoscaling.enabled: several nodes need secrets.BROADTAPE_DATABASE_URL" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.trustProxy) }}
{{- fail "trustProxy is needed with an ingress: without it, all clients count as one address" }}
{{- end }}
{{- end }}
