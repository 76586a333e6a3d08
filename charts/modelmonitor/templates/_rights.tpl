{{/* What the operator does in the namespaces of the ModelMonitors. docs/security.md says why. */}}
{{- define "modelmonitor.rights.watched" -}}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors], verbs: [list, watch]}
- {apiGroups: [modelmonitor.dev], resources: [modelmonitors/status], verbs: [patch]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create]}
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
