{{/* Names. */}}
{{- define "towpath.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "towpath.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "towpath.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The roles; everything that is done for each of them goes through this list. */}}
{{- define "towpath.roles" -}}
cd-manager releaser approval-ledger changelog runner forge
{{- end }}

{{/* What selects pods, and may never change. Of a list: the root, the component. */}}
{{- define "towpath.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "towpath.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "towpath.labels" -}}
{{- $root := index . 0 -}}
{{ include "towpath.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "towpath.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end }}
{{- end }}

{{/* "yes" when the chart brings its own. */}}
{{- define "towpath.ownNats" -}}{{ if not .Values.nats.url }}yes{{ end }}{{- end }}
{{- define "towpath.ownPostgresql" -}}{{ if not .Values.postgresql.url }}yes{{ end }}{{- end }}
{{- define "towpath.ownGit" -}}{{ if not .Values.manifests.url }}yes{{ end }}{{- end }}

{{/* Where things are. */}}
{{- define "towpath.natsUrl" -}}
{{- if .Values.nats.url -}}
{{ .Values.nats.url }}
{{- else -}}
{{- $name := printf "%s-nats" (include "towpath.fullname" .) -}}
{{- $urls := list -}}
{{- range $i := until (int .Values.nats.replicas) -}}
{{- $urls = append $urls (printf "tls://%s-%d.%s:4222" $name $i $name) -}}
{{- end -}}
{{ join "," $urls }}
{{- end -}}
{{- end }}

{{- define "towpath.readsUrl" -}}
{{- if include "towpath.ownPostgresql" . -}}
postgres://towpath@{{ include "towpath.fullname" . }}-postgresql:5432/towpath?sslmode=verify-full&sslrootcert=/etc/towpath/tls/ca.crt
{{- else if .Values.postgresql.caSecret -}}
{{ .Values.postgresql.url }}{{ contains "?" .Values.postgresql.url | ternary "&" "?" }}sslrootcert=/etc/towpath/postgresql-ca/ca.crt
{{- else -}}
{{ .Values.postgresql.url }}
{{- end -}}
{{- end }}

{{- define "towpath.manifestsUrl" -}}
{{- default (printf "git://%s-git/manifests.git" (include "towpath.fullname" .)) .Values.manifests.url -}}
{{- end }}

{{/* Names of secrets. */}}
{{- define "towpath.natsSecret" -}}
{{- default (printf "%s-nats" (include "towpath.fullname" .)) .Values.nats.existingSecret -}}
{{- end }}
{{- define "towpath.postgresqlSecret" -}}
{{- default (printf "%s-postgresql" (include "towpath.fullname" .)) .Values.postgresql.existingSecret -}}
{{- end }}
{{- define "towpath.tlsSecret" -}}
{{- default (printf "%s-tls" (include "towpath.fullname" .)) .Values.tls.existingSecret -}}
{{- end }}

{{/*
When the log and the database exist before the release, the migration is a hook that runs before
anything else; otherwise it is an ordinary job at the first installation, because a hook would wait
for servers that come after it.
*/}}
{{- define "towpath.migrateHook" -}}
{{- if not (or (include "towpath.ownNats" .) (include "towpath.ownPostgresql" .)) -}}
pre-install,pre-upgrade
{{- else if not .Release.IsInstall -}}
pre-upgrade
{{- end -}}
{{- end }}

{{/* A secret of this release that is there already, as a map; empty when rendering without a cluster. */}}
{{- define "towpath.kept" -}}
{{- $found := lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1) -}}
{{- (default dict ($found).data) | toJson -}}
{{- end }}

{{/*
Passwords, made once per rendering and kept over upgrades: {nats: {user: {password, hash}}, routes,
postgresql}. They are remembered in the root, so that every template sees the same ones.
*/}}
{{- define "towpath.credentials" -}}
{{- if not (hasKey $ "credentials") -}}
{{- $fullname := include "towpath.fullname" . -}}
{{- $nats := include "towpath.kept" (list . (printf "%s-nats" $fullname)) | fromJson -}}
{{- $users := dict -}}
{{- range $user := append (append (include "towpath.roles" . | splitList " ") "ci") "operator" -}}
{{- $password := index $nats $user | default "" | b64dec | default (randAlphaNum 32) -}}
{{- $hash := index $nats (printf "%s.bcrypt" $user) | default "" | b64dec | default (bcrypt $password) -}}
{{- $_ := set $users $user (dict "password" $password "hash" $hash) -}}
{{- end -}}
{{- $routes := index $nats "routes" | default "" | b64dec | default (randAlphaNum 32) -}}
{{- $postgresql := include "towpath.kept" (list . (printf "%s-postgresql" $fullname)) | fromJson -}}
{{- $password := index $postgresql "password" | default "" | b64dec | default (randAlphaNum 32) -}}
{{- $_ := set $ "credentials" (dict "nats" $users "routes" $routes "postgresql" $password) -}}
{{- end -}}
{{- end }}

{{/* users.conf of the NATS servers, with hashes. */}}
{{- define "towpath.natsUsers" -}}
{{- include "towpath.credentials" . -}}
{{- $text := .Files.Get "files/nats-users.conf" -}}
{{- range $user, $its := $.credentials.nats -}}
{{- $variable := printf "$TOWPATH_NATS_%s" (upper $user | replace "-" "_") -}}
{{- $text = replace (printf "password: %s\n" $variable) (printf "password: %s\n" (quote $its.hash)) $text -}}
{{- end -}}
{{ $text }}
{{- end }}

{{/* towpath.toml: the same for all roles, without a secret. */}}
{{- define "towpath.config" -}}
{{- $values := .Values -}}
{{- $fullname := include "towpath.fullname" . -}}
listen = "0.0.0.0:7070"
{{- if $values.layouts.existingClaim }}
layouts = "/srv/towpath/images"
{{- end }}

[manifests]
url = {{ include "towpath.manifestsUrl" . | toJson }}
branch = {{ $values.manifests.branch | toJson }}
look_every_ms = {{ int $values.manifests.lookEveryMs }}

[author]
name = {{ $values.author.name | toJson }}
email = {{ $values.author.email | toJson }}

[tls]
certificate = "/etc/towpath/tls/tls.crt"
key = "/etc/towpath/tls/tls.key"

[log]
backend = "nats"
url = {{ include "towpath.natsUrl" . | toJson }}
{{- if include "towpath.ownNats" . }}
ca = "/etc/towpath/tls/ca.crt"
{{- else if $values.nats.caSecret }}
ca = "/etc/towpath/nats-ca/ca.crt"
{{- end }}
replicas = {{ int $values.nats.replicas }}
profile = {{ $values.profile | toJson }}
synced = {{ or (include "towpath.ownNats" . | eq "yes") $values.nats.synced }}

[reads]
url = {{ include "towpath.readsUrl" . | quote }}
password_file = "/etc/towpath/postgresql/password"

[roles]
ca = "/etc/towpath/tls/ca.crt"
{{- range $role := include "towpath.roles" . | splitList " " }}
{{ $role }} = "https://{{ $fullname }}-{{ $role }}:7070"
{{- end }}
{{- with $values.telemetry.otlp }}

[telemetry]
otlp = {{ . | toJson }}
{{- end }}
{{- end }}
