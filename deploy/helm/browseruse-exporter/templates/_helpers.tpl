{{- define "browseruse-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "browseruse-exporter.fullname" -}}
{{- $name := include "browseruse-exporter.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "browseruse-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "browseruse-exporter.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "browseruse-exporter.fullname" .) "default") -}}
{{- end }}

{{- define "browseruse-exporter.selector" -}}
app.kubernetes.io/name: {{ include "browseruse-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The labels of an object; root, and labels: lists of more. The selector's can't be replaced. */}}
{{- define "browseruse-exporter.labels" -}}
{{- $labels := include "browseruse-exporter.selector" .root | fromYaml -}}
{{- range append (.labels | default list) .root.Values.commonLabels }}{{ $labels = merge $labels (. | default dict) }}{{ end -}}
{{- $standard := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) -}}
{{- merge $labels $standard | toYaml -}}
{{- end }}

{{/* The metadata of an object: root, and if it has them name, namespace, labels and annotations. */}}
{{- define "browseruse-exporter.metadata" -}}
name: {{ .name | default (include "browseruse-exporter.fullname" .root) | quote }}
namespace: {{ .namespace | default (include "browseruse-exporter.namespace" .root) | quote }}
labels: {{- include "browseruse-exporter.labels" . | nindent 2 }}
{{- with .annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The fields of a map that have a value. */}}
{{- define "browseruse-exporter.fields" -}}
{{- range $name, $value := . }}
{{- if or $value (kindIs "bool" $value) }}
{{ dict $name $value | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{- define "browseruse-exporter.image" -}}
{{- $image := .Values.image -}}
{{- $registry := (.Values.global | default dict).imageRegistry | default $image.registry -}}
{{- if not $image.repository -}}
{{- fail "image.repository: name the repository to which you pushed the image, such as registry.example.com/browseruse_exporter" -}}
{{- end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "browseruse-exporter.imagePullSecrets" -}}
{{- range list (.Values.global | default dict).imagePullSecrets .Values.imagePullSecrets .Values.image.pullSecrets }}
{{- range . }}
- {{ kindIs "string" . | ternary (dict "name" .) . | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- define "browseruse-exporter.env" -}}
{{- range list .Values.extraEnv .Values.env }}
{{- if kindIs "map" . }}
{{- range $name, $value := . }}
- {{ dict "name" $name "value" (toString $value) | toJson }}
{{- end }}
{{- else }}
{{- range . }}
- {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "browseruse-exporter.securityContext" -}}
{{- with .Values.containerSecurityContext | default .Values.securityContext }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The Secret with the key of the one project, after a check that there is exactly one way to a project. */}}
{{- define "browseruse-exporter.secret" -}}
{{- if .Values.projects -}}
{{- if or .Values.apiKey.existingSecret .Values.apiKey.value .Values.sessions.ids -}}
{{- fail "projects: give each its own apiKey.existingSecret and session_ids, and leave out apiKey.existingSecret, apiKey.value and sessions.ids" -}}
{{- end -}}
{{- else -}}
{{- $ways := compact (list .Values.apiKey.existingSecret .Values.apiKey.value (ternary "demo" "" .Values.demo)) -}}
{{- if ne (len $ways) 1 -}}
{{- fail "give exactly one of apiKey.existingSecret, apiKey.value, projects and demo=true" -}}
{{- end -}}
{{- if not .Values.demo -}}
{{ .Values.apiKey.existingSecret | default (include "browseruse-exporter.fullname" .) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The name of the key in the Secret of a project: root and project. */}}
{{- define "browseruse-exporter.secretKey" -}}
{{- (.project.apiKey | default dict).secretKey | default .root.Values.apiKey.secretKey -}}
{{- end }}

{{/* The configuration file of several projects. */}}
{{- define "browseruse-exporter.configFile" -}}
{{- $projects := list -}}
{{- range $project := .Values.projects -}}
{{- range $projects }}{{ if eq .name $project.name }}{{ fail (printf "projects: the name %s occurs twice" .name) }}{{ end }}{{ end -}}
{{- $keyFile := printf "/etc/keys/%s/%s" .name (include "browseruse-exporter.secretKey" (dict "root" $ "project" .)) -}}
{{- $projects = append $projects (omit . "apiKey" "thresholds" | merge (dict "api_key_file" $keyFile)) -}}
{{- end -}}
{{- dict "projects" $projects | toYaml -}}
{{- end }}

{{- define "browseruse-exporter.args" -}}
{{- if and .Values.web.tls (not .Values.web.existingSecret) -}}
{{- fail "web.tls=true says that web.existingSecret turns on TLS: give it" -}}
{{- end -}}
{{- if .Values.demo }}
- --demo
{{- else if not .Values.projects }}
- --api.key-file=/etc/browseruse_exporter/{{ .Values.apiKey.secretKey }}
{{- end }}
{{- if .Values.projects }}
- --config.file=/etc/projects/projects.yml
{{- end }}
{{- if and .Values.api.url (not .Values.demo) }}
- --api.url={{ .Values.api.url }}
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
{{- with .Values.log.level }}
- --log.level={{ . }}
{{- end }}
{{- with .Values.log.format }}
- --log.format={{ . }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/* The job that Prometheus gives to the exporter. */}}
{{- define "browseruse-exporter.job" -}}
{{- with .Values.serviceMonitor.jobLabel -}}
{{- $labels := include "browseruse-exporter.labels" (dict "root" $ "labels" (list $.Values.service.labels)) | fromYaml -}}
{{- get $labels . | default (include "browseruse-exporter.fullname" $) -}}
{{- else -}}
browseruse/{{ include "browseruse-exporter.namespace" . }}/{{ .Release.Name }}
{{- end -}}
{{- end }}

{{/* The value of a flag in extraArgs: root, flag, and its default. */}}
{{- define "browseruse-exporter.flag" -}}
{{- $value := .default -}}
{{- $prefix := printf "--%s=" .flag -}}
{{- range .root.Values.extraArgs }}{{ if hasPrefix $prefix . }}{{ $value = trimPrefix $prefix . }}{{ end }}{{ end -}}
{{- $value -}}
{{- end }}

{{- define "browseruse-exporter.containerPort" -}}
{{- include "browseruse-exporter.flag" (dict "root" . "flag" "web.listen-address" "default" ":10042") | splitList ":" | last -}}
{{- end }}

{{/*
The kubelet accepts any certificate, but has no password and no certificate of its
own: where they are asked for, a probe only connects. Without TLS, a web
configuration can be about nothing else.
*/}}
{{- define "browseruse-exporter.onlyConnect" -}}
{{- $auth := .Values.web.auth -}}
{{- if kindIs "invalid" $auth -}}
{{- $client := .Values.serviceMonitor.tlsConfig | default dict -}}
{{- $auth = or (not .Values.web.tls) .Values.serviceMonitor.basicAuth $client.cert $client.certFile -}}
{{- end -}}
{{- if and .Values.web.existingSecret $auth }}true{{ end -}}
{{- end }}

{{/* A probe: root, path, and the values of it, which may have another way to ask. */}}
{{- define "browseruse-exporter.probe" -}}
{{- $handler := dict "httpGet" (dict "path" .path "port" "metrics" "scheme" (ternary "HTTPS" "HTTP" .root.Values.web.tls)) -}}
{{- if include "browseruse-exporter.onlyConnect" .root -}}
{{- $handler = dict "tcpSocket" (dict "port" "metrics") -}}
{{- end -}}
{{- if pick .probe "exec" "grpc" "httpGet" "tcpSocket" -}}
{{- $handler = dict -}}
{{- end -}}
{{- merge $handler .probe | toYaml -}}
{{- end }}
