{{/* The way to the GPUs, as JSON, with the claim template that the chart makes for the preset dra. */}}
{{- define "modelmonitor.gpuAccess" -}}
{{- $claim := ternary (printf "%s-gpus" (include "modelmonitor.sidecar.name" .)) "" (eq .Values.sidecar.gpuAccess.preset "dra") -}}
{{- set (deepCopy .Values.sidecar.gpuAccess) "resourceClaimTemplateName" $claim | toJson -}}
{{- end -}}

{{/* "true" where the operator reads nodes for their prices. */}}
{{- define "modelmonitor.readsNodes" -}}
{{- $asked := toString .Values.cost.readNodes -}}
{{- if and .Values.cost.enabled (or (eq $asked "true") (and (eq $asked "auto") (not .Values.watchNamespaces))) -}}true{{- end -}}
{{- end -}}

{{/* The operator's settings, as JSON with sorted keys: docs/reference/settings.md. */}}
{{- define "modelmonitor.settings" -}}
{{- $sidecar := .Values.sidecar -}}
{{- $settings := dict
  "namespace" (include "modelmonitor.namespace" .)
  "sidecarNamespace" (include "modelmonitor.sidecar.namespace" .)
  "anchorName" (include "modelmonitor.anchor.name" .)
  "sidecarName" (include "modelmonitor.sidecar.name" .)
  "watchNamespaces" .Values.watchNamespaces
  "runbookBaseUrl" .Values.runbookBaseUrl
  "monitoring" .Values.monitoring
  "prometheus" .Values.prometheus
  "dashboards" .Values.dashboards
  "cost" (set (deepCopy .Values.cost) "readNodes" (ne (include "modelmonitor.readsNodes" .) ""))
  "httpPort" .Values.httpPort
  "logLevel" .Values.logLevel
  "lease" (dict "name" (include "modelmonitor.operator.name" .))
  "sidecar" (dict
    "image" (include "modelmonitor.image" (dict "root" . "image" $sidecar.image))
    "imagePullPolicy" $sidecar.image.pullPolicy
    "imagePullSecrets" (include "modelmonitor.pullSecrets" . | fromJsonArray)
    "serviceAccountName" (include "modelmonitor.sidecar.serviceAccount" .)
    "gpuAccess" (include "modelmonitor.gpuAccess" . | fromJson)
    "resources" $sidecar.resources
    "affinity" $sidecar.affinity
    "nodeSelector" $sidecar.nodeSelector
    "tolerations" $sidecar.tolerations
    "priorityClassName" $sidecar.priorityClassName
    "podLabels" (merge (dict) $sidecar.podLabels .Values.commonLabels)
    "podAnnotations" $sidecar.podAnnotations
    "podResourcesHostPath" $sidecar.podResourcesHostPath
    "maxUnavailable" (toString $sidecar.maxUnavailable)
    "updateStrategy" $sidecar.updateStrategy
    "logLevel" $sidecar.logLevel
    "extraEnv" $sidecar.extraEnv
    "extraVolumes" $sidecar.extraVolumes
    "extraVolumeMounts" $sidecar.extraVolumeMounts
    "podSecurityContext" $sidecar.podSecurityContext
    "securityContext" $sidecar.securityContext
  )
-}}
{{- range $name, $value := .Values.settings -}}
{{- if and (hasKey $settings $name) (ne $name "lease") -}}
{{- fail (printf "settings.%s: the chart has a value of its own for it; set that one instead" $name) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $settings (deepCopy .Values.settings) | toPrettyJson -}}
{{- end -}}
