{{/* What holds for every pod of the chart. Of a list: the root, the user id. */}}
{{- define "towpath.podBasics" -}}
{{- $root := index . 0 -}}
{{- $user := index . 1 -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $user }}
  runAsGroup: {{ $user }}
  fsGroup: {{ $user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "towpath.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Spread over nodes when there are several. Of a list: the root, the component. */}}
{{- define "towpath.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "towpath.selector" . | nindent 8 }}
{{- end }}

{{/* Environment of everything that runs the binary. Of a list: the root, the NATS user. */}}
{{- define "towpath.environment" -}}
{{- $root := index . 0 -}}
- name: TOWPATH_DATA
  value: /var/lib/towpath
- name: TOWPATH_LOG
  value: {{ $root.Values.log.level | quote }}
- name: TOWPATH_LOG_FORMAT
  value: json
- name: TOWPATH_LOG_USER
  value: {{ index . 1 }}
- name: TOWPATH_LOG_PASSWORD_FILE
  value: /etc/towpath/nats/password
{{- end }}

{{/* What the binary reads. Of a list: the root, the NATS user, the role whose certificate it shows ("" for none). */}}
{{- define "towpath.mounts" -}}
{{- $root := index . 0 -}}
- name: config
  mountPath: /var/lib/towpath/towpath.toml
  subPath: towpath.toml
  readOnly: true
- name: nats
  mountPath: /etc/towpath/nats
  readOnly: true
- name: postgresql
  mountPath: /etc/towpath/postgresql
  readOnly: true
- name: tls
  mountPath: /etc/towpath/tls
  readOnly: true
{{- if and $root.Values.nats.url $root.Values.nats.caSecret }}
- name: nats-ca
  mountPath: /etc/towpath/nats-ca
  readOnly: true
{{- end }}
{{- if and $root.Values.postgresql.url $root.Values.postgresql.caSecret }}
- name: postgresql-ca
  mountPath: /etc/towpath/postgresql-ca
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end }}

{{/* The volumes for them; each pod sees its own password and key only. Of a list: as above, then
the names of the config map and of the secrets for NATS and PostgreSQL. */}}
{{- define "towpath.volumes" -}}
{{- $root := index . 0 -}}
{{- $user := index . 1 -}}
{{- $role := index . 2 -}}
- name: config
  configMap:
    name: {{ index . 3 }}
- name: nats
  secret:
    secretName: {{ index . 4 }}
    defaultMode: 0440
    items:
      - key: {{ $user }}
        path: password
- name: postgresql
  secret:
    secretName: {{ index . 5 }}
    defaultMode: 0440
    items:
      - key: password
        path: password
{{- if or $role $root.Values.tls.existingSecret (include "towpath.ownNats" $root) (include "towpath.ownPostgresql" $root) }}
- name: tls
  secret:
    secretName: {{ include "towpath.tlsSecret" $root }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
      {{- if $role }}
      {{- $prefix := ternary $role "tls" (empty $root.Values.tls.existingSecret) }}
      - key: {{ $prefix }}.crt
        path: tls.crt
      - key: {{ $prefix }}.key
        path: tls.key
      {{- end }}
{{- else }}
- name: tls
  emptyDir: {}
{{- end }}
{{- if and $root.Values.nats.url $root.Values.nats.caSecret }}
- name: nats-ca
  secret:
    secretName: {{ $root.Values.nats.caSecret }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- if and $root.Values.postgresql.url $root.Values.postgresql.caSecret }}
- name: postgresql-ca
  secret:
    secretName: {{ $root.Values.postgresql.caSecret }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- end }}
