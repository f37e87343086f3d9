{{- define "tidecast.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tidecast.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tidecast.labels" -}}
{{ include "tidecast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tidecast.account" -}}
{{- .Values.serviceAccount.name | default (include "tidecast.name" .) -}}
{{- end -}}

{{- /* Where PredictiveScalers are watched, as a JSON list. */ -}}
{{- define "tidecast.watched" -}}
{{- .Values.operator.namespaces | default (list .Release.Namespace) | toJson -}}
{{- end -}}

{{- /* All namespaces in which rights are needed, as a JSON list without repetitions. */ -}}
{{- define "tidecast.namespaces" -}}
{{- $all := .Values.namespaces -}}
{{- if .Values.operator.enabled -}}
{{- $all = concat $all (include "tidecast.watched" . | fromJsonArray) -}}
{{- end -}}
{{- range .Values.config.workloads -}}
{{- if .target.namespace -}}{{- $all = append $all .target.namespace -}}{{- end -}}
{{- end -}}
{{- $all | default (list .Release.Namespace) | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- /* The rules of the role: generated from the code, see files/rights.yaml. */ -}}
{{- define "tidecast.rules" -}}
{{- $rights := .Files.Get "files/rights.yaml" | fromYaml -}}
{{- $chosen := get $rights .Values.access -}}
{{- $rules := $chosen.usual -}}
{{- range .Values.extras -}}{{- $rules = concat $rules (get $chosen.extras .) -}}{{- end -}}
{{- if .Values.operator.enabled -}}{{- $rules = concat $rules $chosen.operator -}}{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{- /* The configuration: the chart's own sections over those of the values. */ -}}
{{- define "tidecast.config" -}}
{{- $own := dict
  "apiVersion" "tidecast.dev/v1alpha1"
  "server" (dict "listen" "0.0.0.0:8080" "auth" (dict "tokenFile" (printf "/etc/tidecast/tokens/%s" .Values.tokens.key)))
  "store" (dict "folder" "/var/lib/tidecast")
  "secretsDir" "/etc/tidecast/secrets"
-}}
{{- if .Values.operator.enabled -}}
{{- $_ := set $own "operator" (dict "namespaces" (include "tidecast.watched" . | fromJsonArray)) -}}
{{- end -}}
{{- toYaml (merge $own .Values.config) -}}
{{- end -}}
