{{- define "browseruse-exporter.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "browseruse-exporter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "browseruse-exporter.job" -}}
browseruse/{{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}

{{- define "browseruse-exporter.labels" -}}
{{ include "browseruse-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "browseruse-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The Secret with the key, after a check that there is exactly one way to a project. */}}
{{- define "browseruse-exporter.secret" -}}
{{- $ways := compact (list .Values.apiKey.existingSecret .Values.apiKey.value (ternary "demo" "" .Values.demo)) -}}
{{- if ne (len $ways) 1 -}}
{{- fail "give exactly one of apiKey.existingSecret, apiKey.value and demo=true" -}}
{{- end -}}
{{- if not .Values.demo -}}
{{ .Values.apiKey.existingSecret | default (include "browseruse-exporter.fullname" .) }}
{{- end -}}
{{- end }}

{{- define "browseruse-exporter.args" -}}
{{- if and .Values.web.tls (not .Values.web.existingSecret) -}}
{{- fail "web.tls=true says that web.existingSecret turns on TLS: give it" -}}
{{- end -}}
{{- if .Values.demo }}
- --demo
{{- else }}
- --api.key-file=/etc/browseruse_exporter/{{ .Values.apiKey.secretKey }}
{{- with .Values.api.url }}
- --api.url={{ . }}
{{- end }}
{{- end }}
{{- with .Values.api.timeout }}
- --api.timeout={{ . }}
{{- end }}
{{- with .Values.api.concurrency }}
- --api.concurrency={{ . }}
{{- end }}
{{- if not (kindIs "invalid" .Values.api.rateLimit) }}
- --api.rate-limit={{ .Values.api.rateLimit }}
{{- end }}
{{- if .Values.sessions.ids }}
- --session.file=/etc/sessions/sessions.txt
{{- end }}
{{- if not (kindIs "invalid" .Values.sessions.discover) }}
- --{{ if not .Values.sessions.discover }}no-{{ end }}session.discover
{{- end }}
{{- with .Values.sessions.linger }}
- --session.linger={{ . }}
{{- end }}
{{- with .Values.sessions.settle }}
- --session.settle={{ . }}
{{- end }}
{{- range .Values.sessions.metadataLabels }}
- {{ printf "--session.metadata-label=%s" . | quote }}
{{- end }}
{{- if not .Values.account }}
- --no-collector.account
{{- end }}
{{- with .Values.maxAge }}
- --scrape.max-age={{ . }}
{{- end }}
{{- if .Values.web.existingSecret }}
- --web.config.file=/etc/web/web-config.yml
{{- end }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/*
The kubelet accepts any certificate, but has no password and no certificate of its
own: where they are asked for, a probe only connects. Without TLS, a web
configuration can be about nothing else.
*/}}
{{- define "browseruse-exporter.probe" -}}
{{- $auth := .Values.web.auth -}}
{{- if kindIs "invalid" $auth -}}
{{- $client := .Values.serviceMonitor.tlsConfig -}}
{{- $auth = or (not .Values.web.tls) .Values.serviceMonitor.basicAuth $client.cert $client.certFile -}}
{{- end -}}
{{- if and .Values.web.existingSecret $auth -}}
tcpSocket:
  port: metrics
{{- else -}}
httpGet:
  path: {{ .path }}
  port: metrics
  scheme: {{ ternary "HTTPS" "HTTP" .Values.web.tls }}
{{- end -}}
{{- end }}
