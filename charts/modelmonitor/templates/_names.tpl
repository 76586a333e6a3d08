{{/* First part of every name. 40 characters leave room for the longest suffix and for what Kubernetes appends. */}}
{{- define "modelmonitor.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "modelmonitor.operator.name" -}}{{ include "modelmonitor.fullname" . }}-operator{{- end -}}
{{- define "modelmonitor.sidecar.name" -}}{{ include "modelmonitor.fullname" . }}-sidecar{{- end -}}
{{- define "modelmonitor.anchor.name" -}}{{ include "modelmonitor.fullname" . }}-anchor{{- end -}}
{{- define "modelmonitor.namespace" -}}{{ default .Release.Namespace .Values.namespaceOverride }}{{- end -}}
{{- define "modelmonitor.sidecar.namespace" -}}
{{ default (include "modelmonitor.namespace" .) .Values.sidecar.namespace }}
{{- end -}}

{{- define "modelmonitor.operator.serviceAccount" -}}
{{ default (include "modelmonitor.operator.name" .) .Values.serviceAccount.name }}
{{- end -}}
{{- define "modelmonitor.sidecar.serviceAccount" -}}
{{ default (include "modelmonitor.sidecar.name" .) .Values.sidecar.serviceAccount.name }}
{{- end -}}

{{- define "modelmonitor.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "modelmonitor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "modelmonitor.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Reference of an image: (dict "root" $ "image" .Values.image). */}}
{{- define "modelmonitor.image" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $repository := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else -}}
{{ $repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* Names of the pull Secrets of both workloads, as JSON. */}}
{{- define "modelmonitor.pullSecrets" -}}
{{- concat (default list .Values.global.imagePullSecrets) .Values.imagePullSecrets | uniq | toJson -}}
{{- end -}}
