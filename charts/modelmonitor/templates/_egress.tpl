{{/* An egress rule that reaches the API server: no pod selector can name it, so its addresses and ports do. */}}
{{- define "modelmonitor.egress.apiServer" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- end -}}
