super::pages! {
    NOTHING_TO_DO 201 "no workload is configured"
    "Without a workload there is nothing to forecast and nothing to scale."
    "workloads: []"
    "workloads:\n  - name: shop/checkout"

    UNUSED_SOURCE 210 "no workload uses this source"
    "Nothing is asked of a source whose name no workload gives as `demand.source`."
    "sources: { main: …, spare: … }"
    "sources: { main: … }"

    NO_ROOM 211 "minReplicas equals maxReplicas"
    "There is only one size, so no forecast can change anything."
    "minReplicas: 20\nmaxReplicas: 20"
    "minReplicas: 4\nmaxReplicas: 20"

    QUERY_UNUSED 212 "query, step and coverage have no effect with this source"
    "Files and pushed measurements hold one series; there is nothing to ask for."
    "demand: { source: file, query: sum(x) }      # file: { type: csv }"
    "demand: { source: file }"

    MATCHES_NOTHING 213 "this calendar entry concerns no workload"
    "No workload has a name that the pattern stands for."
    "calendar: [{ workload: media/* }]      # there is only shop/checkout"
    "calendar: [{ workload: shop/* }]"

    FLOOR_CUT 214 "maxReplicas cuts this calendar entry"
    "A calendar entry may not lift the size above the workload's own maximum: that is what you would pay for at most."
    "maxReplicas: 20      # and in the calendar: minReplicas: 40"
    "maxReplicas: 60"

    FLOOR_WITHOUT_EFFECT 215 "this calendar entry asks for no more than the workload's own minimum"
    "The workload never has fewer replicas than its minReplicas anyway."
    "minReplicas: 40      # and in the calendar: minReplicas: 40"
    "minReplicas: 4"

    SCALE_DOWN_UNUSED 217 "behavior.scaleDown has no effect in mode scaleOutOnly"
    "In this mode nothing is ever taken away, so how fast it would be does not matter."
    "mode: scaleOutOnly\nbehavior: { scaleDown: { cooldown: 5m } }"
    "mode: full\nbehavior: { scaleDown: { cooldown: 5m } }"

    NOTHING_SCALED 218 "the mode has no effect with a target of type none"
    "With nothing to scale, every mode comes down to observing."
    "mode: full\ntarget: { type: none }"
    "mode: observe\ntarget: { type: none }"

    TLS_UNUSED 219 "the tls section has no effect with an http address"
    "Nothing is encrypted there."
    "url: http://prom:9090\ntls: { caFile: ca.pem }"
    "url: https://prom:9090\ntls: { caFile: ca.pem }"

    NOT_DEMAND 220 "this query does not look like demand"
    "Utilisation, load averages and replica counts change with the size of the cluster, so predicting them predicts \
     one's own decisions: a larger fleet shows less of it, is shrunk, and shows more. Requests, sessions, messages or \
     jobs that arrive do not depend on the size."
    "query: avg(rate(container_cpu_usage_seconds_total[5m]))"
    "query: sum(rate(http_requests_total[5m]))"

    ANYBODY_TRUSTED 222 "insecureSkipVerify trusts anybody"
    "Whoever sits between tidecast and the source can read its token and invent the demand."
    "tls: { insecureSkipVerify: true }"
    "tls: { caFile: ca.pem }"

    SECRET_FILE_ABSENT 223 "a file with a secret is not there"
    "It may be that it exists only where the server will run. If not, the server will refuse to start."
    "bearerToken: { file: prom.tokn }"
    "bearerToken: { file: prom.token }"

    SECRET_IN_CLEAR 224 "a secret would travel unencrypted"
    "Over http to another machine anybody on the way can read the token."
    "url: http://prom.example.org:9090\nbearerToken: { file: t }"
    "url: https://prom.example.org:9090\nbearerToken: { file: t }"

    FLEET_CUTS 225 "fleetMax cuts the maximum of a workload"
    "The workload alone may ask for more than all together may have."
    "limits: { fleetMax: 100 }      # and in a workload: maxReplicas: 120"
    "limits: { fleetMax: 400 }"

    BATCH_WITHOUT_EFFECT 226 "preferredBatch is larger than maxBatch"
    "No step may bring as many replicas as are preferred."
    "scaleUp: { preferredBatch: 10, maxBatch: 5 }"
    "scaleUp: { preferredBatch: 5, maxBatch: 10 }"

    OBJECTIVE_UNUSED 227 "objective has no effect beside serviceLevel and advanced.reactive"
    "The objective is what these two are tuned to; what you give yourself is not tuned."
    "objective: 99.95%\nserviceLevel: 99%\nadvanced: { reactive: 1.1 }"
    "objective: 99.95%"

    SHORT_RATE 228 "the rate is over a window that misses most scrapes"
    "A rate needs at least two samples; over less than about a minute most servers have fewer, and the demand comes \
     and goes."
    "query: sum(rate(http_requests_total[15s]))"
    "query: sum(rate(http_requests_total[5m]))"

    MODELS_WITHOUT_ROOM 229 "not all fitted models have room"
    "A fitted model needs some 2 MiB of disk between two forecasts. A workload whose model has no room is fitted anew for \
     each forecast, which takes a second of a processor instead of a hundredth, so its forecasts are rarer; until one is \
     made, a simpler model stands in."
    "store: { modelsMax: 4Gi }      # with 3,000 workloads"
    "store: { modelsMax: 8Gi }"

    NEEDS_RESTART 230 "this changes only when the server is started again"
    "A new configuration is taken over while the server runs, but neither the addresses on which it listens nor \
     the folder of its store can change under it. Until it is started again the old ones stay in force."
    "server: { listen: 127.0.0.1:8081 }      # the server runs on 8080"
    "server: { listen: 127.0.0.1:8080 }"

    KEDA_UNASKED 240 "KEDA is to ask, but nothing listens"
    "With `action: trigger` nothing is written anywhere: KEDA must be able to ask, and the section `keda` says where."
    "target: { type: keda, namespace: shop, name: checkout, action: trigger }"
    "keda: { listen: 127.0.0.1:8081 }"

    NEVER_SHRUNK 241 "nothing is ever taken away"
    "Servers are taken away only from a fleet that was seen completely. Without `sight` nothing is seen, so the fleet grows \
     ahead of demand and stays as large as it ever was."
    "mode: full\ntarget: { type: webhook, url: …, secret: … }"
    "mode: full\ntarget: { type: webhook, url: …, secret: …, sight: … }"

    NOTHING_WATCHED 250 "the operator section watches less than it says"
    "With an empty list nothing is watched; beside `*`, which stands for all namespaces, no other name adds anything."
    "operator: { namespaces: [] }"
    "operator: { namespaces: [shop] }"

    DEADLINE_CUTS 260 "a deadline ends sessions"
    "Without a deadline a server drains for as long as its last session takes. With one it is ended when the time is over, \
     whoever still talks on it; each time a note of the decision and the audit log say so."
    "drain: { deadline: 6h }"
    "drain: { deadline: never }"
}
