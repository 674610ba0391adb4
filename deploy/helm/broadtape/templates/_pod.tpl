{{/* The pod, the same in a StatefulSet with a volume and in a Deployment of nodes over PostgreSQL. */}}
{{- define "broadtape.pod" -}}
metadata:
  labels:
    {{- include "broadtape.labels" . | nindent 4 }}
  {{- if .Values.podAnnotations }}
  annotations:
    {{- toYaml .Values.podAnnotations | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  # The drain, the server's 10 s, and 5 s to spare.
  terminationGracePeriodSeconds: {{ add .Values.drainSeconds 15 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- if .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml .Values.imagePullSecrets | nindent 4 }}
  {{- end }}
  {{- if .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml .Values.nodeSelector | nindent 4 }}
  {{- end }}
  {{- if .Values.tolerations }}
  tolerations:
    {{- toYaml .Values.tolerations | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- end }}
  {{- if .Values.secrets.BROADTAPE_DATABASE_URL }}
  # Nodes on one machine go with it all at once.
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "broadtape.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: broadtape
      image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      ports:
        - name: http
          containerPort: 3000
      env:
        - name: HOST
          value: 0.0.0.0
        - name: PORT
          value: "3000"
        - name: BROADTAPE_DATA_DIR
          value: /var/lib/broadtape
        - name: BROADTAPE_NODE
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- if .Values.trustProxy }}
        - name: BROADTAPE_TRUST_PROXY
          value: {{ .Values.trustProxy | quote }}
        {{- end }}
        {{- range $variable, $value := .Values.settings }}
        - name: {{ $variable }}
          value: {{ $value | quote }}
        {{- end }}
        {{- range $variable, $source := .Values.secrets }}
        - name: {{ $variable }}_FILE
          value: /run/secrets/broadtape/{{ $variable }}
        {{- end }}
      # It listens when its views have caught up with the log: give it 10 minutes.
      startupProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 2
        failureThreshold: 300
      livenessProbe:
        httpGet:
          path: /livez
          port: http
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      # SIGTERM comes after it: by then nobody sends new clients here, and those that are told to come back go elsewhere.
      lifecycle:
        preStop:
          exec:
            command: ["sleep", {{ .Values.drainSeconds | int | quote }}]
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop:
            - ALL
      volumeMounts:
        - name: data
          mountPath: /var/lib/broadtape
        - name: tmp
          mountPath: /tmp
        {{- if .Values.secrets }}
        - name: secrets
          mountPath: /run/secrets/broadtape
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if .Values.secrets.BROADTAPE_DATABASE_URL }}
    - name: data
      emptyDir: {}
    {{- end }}
    {{- if .Values.secrets }}
    - name: secrets
      projected:
        # 0440, which not every reader of YAML takes for octal.
        defaultMode: 288
        sources:
          {{- range $variable, $source := .Values.secrets }}
          - secret:
              name: {{ $source.name | quote }}
              items:
                - key: {{ $source.key | quote }}
                  path: {{ $variable }}
          {{- end }}
    {{- end }}
{{- end }}
