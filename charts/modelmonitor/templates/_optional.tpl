{{/* "true" where an object of an optional kind is wanted: (dict "root" $ "enabled" … "kind" "group/version/Kind"). */}}
{{- define "modelmonitor.wanted" -}}
{{- if eq (toString .enabled) "auto" -}}
{{- if .root.Capabilities.APIVersions.Has .kind -}}true{{- end -}}
{{- else if eq (toString .enabled) "true" -}}true
{{- end -}}
{{- end -}}

{{- define "modelmonitor.wanted.serviceMonitor" -}}
{{- include "modelmonitor.wanted" (dict "root" . "enabled" .Values.metrics.serviceMonitor.enabled "kind" "monitoring.coreos.com/v1/ServiceMonitor") -}}
{{- end -}}

{{/* Alerts rest on the metrics that the ServiceMonitors bring. */}}
{{- define "modelmonitor.wanted.prometheusRule" -}}
{{- if include "modelmonitor.wanted.serviceMonitor" . -}}
{{- include "modelmonitor.wanted" (dict "root" . "enabled" .Values.metrics.prometheusRule.enabled "kind" "monitoring.coreos.com/v1/PrometheusRule") -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object for Prometheus: (dict "root" $ "labels" … "component" …); the chart's own win. */}}
{{- define "modelmonitor.monitoringLabels" -}}
{{- $own := include "modelmonitor.labels" .root | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/component" .component -}}
{{- mergeOverwrite (dict) .root.Values.monitoring.labels .labels $own | toYaml -}}
{{- end -}}

{{/* Labels that find the sidecar pods; the operator makes them (desired/daemonset.py). */}}
{{- define "modelmonitor.sidecar.selectorLabels" -}}
app.kubernetes.io/name: modelmonitor-sidecar
app.kubernetes.io/instance: {{ include "modelmonitor.sidecar.name" . }}
{{- end -}}
