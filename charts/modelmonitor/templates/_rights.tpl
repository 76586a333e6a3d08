{{/* What the operator does in the namespaces of the ModelMonitors. docs/security.md says why. */}}
{{- define "modelmonitor.rights.watched" -}}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors], verbs: [list, watch]}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors/status], verbs: [patch]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create]}
- {apiGroups: [""], resources: [services, endpoints], verbs: [list, watch, create, patch]}
- {apiGroups: [monitoring.coreos.com], resources: [servicemonitors, prometheusrules], verbs: [list, watch, create, patch, delete]}
{{- $beside := and .Values.dashboards.enabled (not .Values.dashboards.namespace) }}
{{ include "modelmonitor.rights.dashboards" (dict "verbs" (ternary "list, watch, create, patch, delete" "list, watch, delete" $beside)) }}
{{- end -}}

{{/* What it does with dashboards: (dict "verbs" …). Where none is made, those of earlier settings are still removed. */}}
{{- define "modelmonitor.rights.dashboards" -}}
- {apiGroups: [""], resources: [configmaps], verbs: [{{ .verbs }}]}
- {apiGroups: [grafana.integreatly.org], resources: [grafanadashboards], verbs: [{{ .verbs }}]}
{{- end -}}

{{/* What it does in the namespace of all dashboards, beyond what it may do there already; empty where that is all. */}}
{{- define "modelmonitor.rights.elsewhere" -}}
{{- $watched := or (not .Values.watchNamespaces) (has .Values.dashboards.namespace .Values.watchNamespaces) }}
{{- $verbs := list (ternary "" "list, watch, delete" $watched) (ternary "create, patch" "" .Values.dashboards.enabled) }}
{{- with compact $verbs }}
{{- include "modelmonitor.rights.dashboards" (dict "verbs" (join ", " .)) }}
{{- end }}
{{- end -}}

{{/* What it reads of the whole cluster: which Prometheus selects what. Not with watchNamespaces. */}}
{{- define "modelmonitor.rights.cluster" -}}
- {apiGroups: [monitoring.coreos.com], resources: [prometheuses], verbs: [list, watch]}
- {apiGroups: [""], resources: [namespaces], verbs: [list, watch]}
{{- end -}}

{{/* What it does in the namespace of the sidecars. A name cannot limit create, list and watch of a whole kind. */}}
{{- define "modelmonitor.rights.sidecars" -}}
{{- $sidecar := include "modelmonitor.sidecar.name" . -}}
- {apiGroups: [modelmonitor.dev], resources: [nodeplans], verbs: [list, watch, create, patch, delete]}
- {apiGroups: [apps], resources: [daemonsets], verbs: [create]}
- {apiGroups: [apps], resources: [daemonsets], verbs: [list, watch, patch, delete], resourceNames: [{{ $sidecar }}]}
- {apiGroups: [""], resources: [secrets], verbs: [create]}
- {apiGroups: [""], resources: [secrets], verbs: [list, watch, delete], resourceNames: [{{ $sidecar }}-key]}
- {apiGroups: [""], resources: [configmaps], verbs: [list, watch], resourceNames: [{{ include "modelmonitor.anchor.name" . }}]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [list]}
{{- end -}}

{{/* What it does in its own namespace: the Lease of the leader, the ledgers, and the price table. A ledger's name is not
known beforehand, so no name limits this. */}}
{{- define "modelmonitor.rights.own" -}}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, update], resourceNames: [{{ include "modelmonitor.operator.name" . }}]}
{{- with .Values.cost }}
{{- if .enabled }}
- {apiGroups: [""], resources: [configmaps], verbs: [get, list, create, update, delete]}
{{- if .priceTable }}
- {apiGroups: [""], resources: [configmaps], verbs: [watch], resourceNames: [{{ .priceTable }}]}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
