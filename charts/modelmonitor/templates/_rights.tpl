{{/* What the operator does in the namespaces of the ModelMonitors. docs/security.md says why. */}}
{{- define "modelmonitor.rights.watched" -}}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors], verbs: [list, watch]}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors/status], verbs: [patch]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create]}
- {apiGroups: [""], resources: [services, endpoints], verbs: [list, watch, create, patch]}
- {apiGroups: [monitoring.coreos.com], resources: [servicemonitors, prometheusrules], verbs: [list, watch, create, patch, delete]}
{{ include "modelmonitor.rights.dashboards" . }}
{{- end -}}

{{/* What it does with dashboards, in the namespaces of the ModelMonitors or in the one of all dashboards. */}}
{{- define "modelmonitor.rights.dashboards" -}}
- {apiGroups: [""], resources: [configmaps], verbs: [list, watch, create, patch, delete]}
- {apiGroups: [grafana.integreatly.org], resources: [grafanadashboards], verbs: [list, watch, create, patch, delete]}
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

{{/* What it does in its own namespace: the Lease of the leader. */}}
{{- define "modelmonitor.rights.own" -}}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, update], resourceNames: [{{ include "modelmonitor.operator.name" . }}]}
{{- end -}}
