{{/* Combinations that cannot work, refused with what to do instead. */}}
{{- define "modelmonitor.guards" -}}
{{- $values := .Values -}}
{{- $sidecar := .Values.sidecar -}}
{{- if and $values.podDisruptionBudget.enabled (lt (int $values.replicas) 2) -}}
{{- fail "podDisruptionBudget.enabled with one replica would block every drain of its node: set replicas to 2 or more, or switch the budget off" -}}
{{- end -}}
{{- if and (not $values.serviceAccount.create) (not $values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false: name an existing ServiceAccount in serviceAccount.name" -}}
{{- end -}}
{{- if and (not $sidecar.serviceAccount.create) (not $sidecar.serviceAccount.name) -}}
{{- fail "sidecar.serviceAccount.create is false: name an existing ServiceAccount in sidecar.serviceAccount.name" -}}
{{- end -}}
{{- if and (eq (include "modelmonitor.operator.serviceAccount" .) (include "modelmonitor.sidecar.serviceAccount" .)) (eq (include "modelmonitor.namespace" .) (include "modelmonitor.sidecar.namespace" .)) -}}
{{- fail "operator and sidecar would share one ServiceAccount, and every GPU node the operator's rights: give them different names" -}}
{{- end -}}
{{- if and (eq $sidecar.gpuAccess.preset "runtimeClass") (not $sidecar.gpuAccess.runtimeClassName) -}}
{{- fail "sidecar.gpuAccess.preset is runtimeClass: set sidecar.gpuAccess.runtimeClassName, for example nvidia, or choose the preset none" -}}
{{- end -}}
{{- if and (eq (toString $values.metrics.prometheusRule.enabled) "true") (eq (toString $values.metrics.serviceMonitor.enabled) "false") -}}
{{- fail "metrics.prometheusRule.enabled needs the ServiceMonitors, or its alerts about missing metrics would fire for ever: set metrics.serviceMonitor.enabled to true or auto" -}}
{{- end -}}
{{- if and $values.cost.enabled $values.cost.lockPrices (not $values.cost.priceTable) (not (include "modelmonitor.readsNodes" .)) -}}
{{- fail "cost.lockPrices passes over the prices in ModelMonitors, and nothing else says one: name a price table in cost.priceTable, or set cost.readNodes to true" -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.metricsFrom) -}}
{{- fail "networkPolicy.metricsFrom is empty, which would let everybody in: name who may read metrics pages" -}}
{{- end -}}
{{- end -}}
