super::pages! {
    METRIC_OF_USAGE 301 "the metric is what servers feel, not what users ask for"
    "CPU and memory follow demand only until the servers are full, and their average falls when servers are added. What all \
     servers use together is the nearest thing to demand that an HPA knows, so that is asked for; requests or jobs that \
     arrive would be better."
    "metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 60 } } }]"
    "demand: { source: main, query: 'sum(rate(http_requests_total{app=\"checkout\"}[5m]))' }"

    QUERY_GUESSED 302 "the query is a guess"
    "An HPA knows metrics by the names that an adapter gives them, and KEDA knows queues by their own protocols; which series \
     of a Prometheus stand behind them is written elsewhere. The query is the usual one. Try it before you trust it."
    "metrics: [{ type: Pods, pods: { metric: { name: http_requests_per_second } } }]"
    "demand: { source: main, query: 'sum(rate(http_requests_total{namespace=\"shop\"}[5m]))' }"

    NO_DEMAND 303 "nothing there says what users ask for"
    "Without a measure of demand there is nothing to forecast. The workload waits for measurements that somebody pushes, until \
     you give it a source and a query."
    "triggers: [{ type: cron, metadata: { … } }]"
    "demand: { source: main, query: 'sum(rate(http_requests_total[5m]))' }"

    METRIC_LEFT_OUT 304 "one of several metrics is taken"
    "With several metrics an HPA takes the largest answer. Here demand is one measure; the one nearest to what users ask for is \
     taken. The others go on beside it, as long as the HPA stays and tidecast raises its floor."
    "metrics: [{ type: Pods, … }, { type: Resource, … }]"
    "demand: { source: main, query: … }"

    CAPACITY_LEARNED 305 "how much a replica serves is learned"
    "The target there is a value of the whole, or a share of a request that does not stand in the input, so it does not say \
     what one replica serves. That is learned from history and shown before it is used; or give a number."
    "target: { type: Value, value: 1k }"
    "capacity: { perReplica: auto }"

    POLICY_LEFT_OUT 306 "a scaling policy has no counterpart"
    "How fast a workload grows and shrinks is told here as so many replicas in so much time, and for shrinking as a share."
    "scaleUp: { policies: [{ type: Percent, value: 100, periodSeconds: 15 }] }"
    "behavior: { scaleUp: { rate: { replicas: 10, per: 1m } } }"

    SCALE_IN_OFF 307 "scaling in is switched off there"
    "It stays off if you go from observe to scaleOutOnly, and no further."
    "scaleDown: { selectPolicy: Disabled }"
    "mode: scaleOutOnly"

    GROWS_AT_ONCE 308 "growing is never put off"
    "There, growth waits for a window to pass or for a difference to be large enough. A plan knows beforehand how much will be \
     needed, so here each step is taken when it is due, however small."
    "scaleUp: { stabilizationWindowSeconds: 120, tolerance: 0.2 }"
    "behavior: { scaleUp: { preferredBatch: 4 } }"

    TO_ZERO 309 "it scales to zero there"
    "KEDA wakes a workload from nothing when its trigger does. Here it goes to zero only while neither the forecast nor the \
     measurement sees any demand, and the first request waits for a start-up. Keep KEDA beside it, or keep one replica."
    "minReplicaCount: 0"
    "minReplicas: 1"

    FALLBACK_LEFT_OUT 310 "no fallback is needed"
    "There, a number of replicas stands in when the metric cannot be had. Here lost measurements never lower capacity, and the \
     stored forecast goes on scaling out."
    "fallback: { failureThreshold: 3, replicas: 6 }"
    "minReplicas: 6"

    FORMULA_LEFT_OUT 311 "a formula is not carried over"
    "Scaling modifiers compute over several triggers. Here demand is one query; PromQL can compute it."
    "scalingModifiers: { formula: 'max(a, b)', target: '100' }"
    "demand: { source: main, query: 'max(…)' }"

    SCHEDULE_LEFT_OUT 312 "a schedule cannot be a calendar entry"
    "A calendar entry begins by a schedule and lasts so long, and ends by itself. A schedule that never ends, whose end comes \
     after ever other spans, or that only lowers something, is none."
    "{ type: cron, metadata: { start: 0 8 * * *, end: 0 18 1 * * } }"
    "calendar: [{ workload: shop/checkout, schedule: 0 8 * * *, for: 10h, minReplicas: 6, reason: business hours }]"

    PAUSED_THERE 313 "it is paused there"
    "A pause is no setting here but a decree with an end and a reason: `tidecast pause`. In the mode observe nothing is carried \
     out anyway, so nothing is lost until you change the mode."
    "annotations: { autoscaling.keda.sh/paused: 'true' }"
    "tidecast pause shop/checkout --for 2h --reason migration"

    SECRET_TO_BE_GIVEN 314 "a secret is to be given"
    "Secrets lie elsewhere than in the object, and stay there. Put the secret into the file, or name another file or an \
     environment variable."
    "authenticationRef: { name: prometheus-token }"
    "bearerToken: { file: prometheus-token }"

    ADDRESS_UNKNOWN 315 "the address of the Prometheus is not known"
    "It does not stand in the input, or is one that cannot be asked. `--prometheus` gives it."
    "metrics: [{ type: Pods, … }]"
    "tidecast init --from hpa --prometheus http://prometheus.monitoring.svc:9090"

    SCALER_UNKNOWN 316 "what triggers it has no counterpart"
    "The trigger asks a system that tidecast does not ask. Its exporter for Prometheus usually tells how much arrives there; a \
     queue's length is not demand, as it falls when servers are added."
    "triggers: [{ type: aws-sqs-queue, … }]"
    "demand: { source: main, query: 'sum(rate(aws_sqs_number_of_messages_sent_sum[5m]))' }"

    NOT_IMPORTED 317 "it is left out"
    "The object is of a kind that is not imported, or lacks what a workload cannot be without."
    "kind: ScaledJob"
    "kind: ScaledObject"

    OTHER_FORECASTER 318 "somebody else forecasts there, too"
    "Two forecasts that move one group disturb each other. Set the policy to ForecastOnly before this workload leaves the mode \
     observe."
    "PolicyType: PredictiveScaling, Mode: ForecastAndScale"
    "Mode: ForecastOnly"

    SETTING_LEFT_OUT 319 "a setting has no counterpart"
    "It tunes a mechanism that tidecast does not have."
    "pollingInterval: 15"
    "server: { turnEvery: 15s }"

    SUSPENDED_THERE 320 "a process of the group is suspended"
    "While it is, the group does not do what it is told."
    "SuspendedProcesses: [{ ProcessName: Launch }]"
    "aws autoscaling resume-processes --auto-scaling-group-name web"
}
