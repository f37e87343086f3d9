super::pages! {
    UNREADABLE 101 "a file or folder cannot be read"
    "The file is missing, may not be read, is not a plain file, or is a symbolic link that leads back to itself. A \
     folder must hold at least one file that ends in .yaml, .yml or .json."
    "tidecast check tidecast.yml      # the file is called tidecast.yaml"
    "tidecast check tidecast.yaml"

    NOT_YAML 102 "the file is not YAML"
    "The text cannot be read as YAML at all, so nothing behind this place was looked at. The usual reasons are a \
     bracket or quote that is never closed, a key that is indented differently from its neighbours, and a value \
     with a colon that needs quotes."
    "query: sum(rate(http_requests_total[5m])) by: pod"
    "query: 'sum(rate(http_requests_total[5m]))'"

    UNKNOWN_KEY 103 "there is no such key"
    "A key that nobody reads is almost always a slip of the finger or a key of another tool, and a setting that \
     silently does nothing is worse than an error."
    "maxReplica: 20"
    "maxReplicas: 20"

    DURATION_WITHOUT_UNIT 104 "duration needs a unit"
    "240 could be seconds, minutes or milliseconds, and the tools around tidecast differ in which they mean. So a \
     duration always carries its unit: ms, s, m, h, d or w."
    "startTime: 240"
    "startTime: 240s      # or 4m"

    KEY_MISSING 105 "a key is missing"
    "The section cannot be understood without this key, and there is no default that would be right for everybody."
    "demand:\n  query: sum(sessions)"
    "demand:\n  source: main\n  query: sum(sessions)"

    NO_MAX_REPLICAS 106 "maxReplicas is missing"
    "The largest size is the one thing that no program can know: it is what you are ready to pay for on the worst \
     day, and what protects you from a broken measurement. It has no default."
    "minReplicas: 4"
    "minReplicas: 4\nmaxReplicas: 120"

    KEY_TWICE 107 "a key stands twice in one section"
    "YAML forbids it, and programs differ in which of the two they take."
    "maxReplicas: 20\nmaxReplicas: 40"
    "maxReplicas: 40"

    WRONG_KIND 108 "something else is expected here"
    "A list, a section with keys and a single value are different things, and so are a number and a text in quotes."
    "workloads:\n  name: shop/checkout"
    "workloads:\n  - name: shop/checkout"

    UNKNOWN_WORD 109 "this word is not one of those that can stand here"
    "The key takes one of a few words, written exactly so: case matters. The reference says what each of them means."
    "mode: scaleout"
    "mode: scaleOutOnly"

    BAD_DURATION 110 "this is not a duration"
    "A duration is made of whole numbers with the units ms, s, m, h, d and w, the larger ones first, and lies between \
     nothing and ten years."
    "timeout: 15x"
    "timeout: 15s"

    BAD_PERCENT 111 "this is not a percentage"
    "A share is a percentage (99%) or a fraction between 0 and 1 (0.99). A bare 99 could be meant as either."
    "serviceLevel: 99"
    "serviceLevel: 99%"

    UNKNOWN_ZONE 112 "there is no such time zone"
    "Zones are IANA names such as Europe/Berlin: they know when daylight saving begins and ends, which an offset such \
     as +02:00 does not, and they mean the same on every machine, which `local` does not."
    "zone: Europe/Berln"
    "zone: Europe/Berlin"

    OUT_OF_RANGE 113 "this value is too large or too small"
    "Each number has a range within which it makes sense; the reference of the key names it."
    "server:\n  turnEvery: 1ms"
    "server:\n  turnEvery: 30s"

    MIN_ABOVE_MAX 114 "minReplicas is larger than maxReplicas"
    "No size lies between them."
    "minReplicas: 50\nmaxReplicas: 20"
    "minReplicas: 20\nmaxReplicas: 50"

    SAME_WORKLOAD 115 "two workloads have one name"
    "A workload's history and decisions are kept under its name; two of them would mix. The name may stand in two \
     files: both places are shown."
    "workloads:\n  - name: shop/checkout\n  - name: shop/checkout"
    "workloads:\n  - name: shop/checkout\n  - name: shop/search"

    NO_SUCH_SOURCE 116 "there is no source of this name"
    "The demand of a workload is measured by one of the sources under `sources`, in any of the files."
    "demand: { source: prom }      # sources: { main: … }"
    "demand: { source: main }"

    DEFINED_TWICE 117 "a section or source is defined in two files"
    "Files are merged: sources, workloads and calendar entries add up, every other section stands in one file only, \
     so that no file silently overrules another."
    "# a.yaml\nlimits: { fleetMax: 100 }\n# b.yaml\nlimits: { fleetMax: 400 }"
    "# a.yaml\nlimits: { fleetMax: 400 }"

    NO_QUERY 118 "this source needs a query"
    "A Prometheus-compatible server holds thousands of series; the query says which of them is the demand."
    "demand: { source: main }"
    "demand: { source: main, query: 'sum(rate(http_requests_total[5m]))' }"

    BAD_URL 119 "this is not an address that can be asked"
    "Servers are asked by http or https. User names, passwords and fragments do not belong into the address."
    "url: prometheus:9090"
    "url: http://prometheus:9090"

    OPEN_TO_ALL 120 "the server would be open to everybody"
    "Whoever reaches the API can read everything, and with a write can move your capacity. So without `auth` the \
     server listens on a loopback address only."
    "server: { listen: 0.0.0.0:8080 }"
    "server: { listen: 0.0.0.0:8080, auth: { tokenFile: tokens } }"

    LITERAL_SECRET 121 "a secret stands in the configuration"
    "Configurations are committed, mailed and pasted into tickets. A secret is named by where it is to be found: a \
     file below `secretsDir`, or an environment variable. Change the secret: it has been in the clear."
    "bearerToken: eyJhbGciOi…"
    "bearerToken: { file: prom.token }      # or { env: PROM_TOKEN }"

    SECRET_OUTSIDE 122 "a secret lies outside of secretsDir"
    "What a secret's file holds is sent to the address beside it. Whoever may edit the configuration could otherwise \
     have any file of the machine sent anywhere. Links are followed before this is looked at."
    "bearerToken: { file: ../../etc/shadow }"
    "bearerToken: { file: prom.token }      # or say secretsDir: /run/secrets"

    BAD_LISTEN 123 "this is not an address with a port"
    "A server listens on a numeric address and a port. A name could stand for several addresses, some of them open."
    "listen: localhost:8080"
    "listen: 127.0.0.1:8080"

    BAD_NAME 124 "this cannot be a name"
    "Names of workloads and sources become labels of metrics and parts of addresses: small letters, digits, `-`, `_`, \
     `.` and `/` between parts, at most 128 characters. Names in Kubernetes and AWS follow the rules there."
    "name: Shop Checkout"
    "name: shop/checkout"

    BAD_TIME 125 "this is not a local time"
    "An event begins on somebody's wall clock: year, month, day, hour and minute without an offset. The place of the \
     clock stands in `zone`."
    "at: 2026-12-31T18:00+01:00"
    "at: 2026-12-31T18:00\nzone: Europe/Berlin"

    BAD_SCHEDULE 126 "this is not a schedule"
    "A schedule has the five fields of cron: minute, hour, day of the month, month, day of the week."
    "schedule: 0 0 8 * * MON-FRI"
    "schedule: 0 8 * * MON-FRI"

    ONE_OF 127 "exactly one of these keys must be there"
    "The keys say the same thing in different ways; with several of them it would be unclear which holds, with none \
     nothing is said."
    "at: 2026-12-31T18:00\nschedule: 0 18 31 12 *"
    "at: 2026-12-31T18:00"

    NOT_A_NUMBER 128 "this is not a number"
    "A bare number is expected: no unit, no thousands separator, no quotes."
    "maxReplicas: 1,200"
    "maxReplicas: 1200"

    TOO_LARGE 129 "the file is too large"
    "A configuration of ten thousand workloads has about six megabytes. What is larger than 16 MiB, or 64 MiB in all \
     files together, is not a configuration, and reading it could exhaust the machine."
    "tidecast check access.log"
    "tidecast check tidecast.yaml"

    NOT_UTF8 130 "the file is not UTF-8"
    "Configurations are UTF-8. Some editors save UTF-16 or a regional code page, in which the same bytes mean other \
     letters elsewhere. A byte order mark for UTF-8 and Windows line ends are fine."
    "(a file saved as Unicode or UTF-16)"
    "(the same file saved as UTF-8)"

    TAB 131 "a tab indents a line"
    "YAML indents by spaces only, since a tab is as wide as the reader's editor pleases."
    "server:\n\tlisten: 127.0.0.1:8080"
    "server:\n  listen: 127.0.0.1:8080"

    TOO_MUCH 132 "the file unfolds into too much"
    "A few lines of aliases of aliases can unfold into billions of values. At most 100000 values may be repeated by \
     aliases, and nothing may be nested more than 32 deep."
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]      # and so on"
    "a: &a [x, x]\nb: *a"

    SEVERAL_DOCUMENTS 133 "the file holds several documents"
    "One file is one document. What would follow `---` can stand in a file of its own in the same folder."
    "server: {}\n---\nworkloads: []"
    "server: {}\nworkloads: []"

    TOO_MANY 134 "there are too many mistakes"
    "After a hundred mistakes the reading stops: probably the file is not a configuration of tidecast at all."
    "(a manifest of another tool)"
    "tidecast init"

    BAD_HEADER 135 "this cannot be sent as a header"
    "Names of headers are letters, digits and hyphens, their values printable ASCII on one line. What tidecast sets \
     itself (Host, Content-Length, Authorization beside a token) cannot be set."
    "headers: { 'X Scope': a }"
    "headers: { X-Scope-OrgID: a }"

    SAME_TARGET 136 "two workloads scale the same thing"
    "Each would undo what the other has just done."
    "- name: a\n  target: { type: asg, group: g, region: r }\n- name: b\n  target: { type: asg, group: g, region: r }"
    "- name: a\n  target: { type: asg, group: g, region: r }\n- name: b\n  target: { type: none }"

    BAD_QUERY 137 "the query cannot be right"
    "The query is empty, or a bracket or quote in it is never closed. Whether it asks for the right series only the \
     source can tell."
    "query: sum(rate(http_requests_total[5m])"
    "query: sum(rate(http_requests_total[5m]))"

    EXCLUSIVE 138 "these keys exclude each other"
    "Both say who asks; only one of them can be sent."
    "bearerToken: { file: t }\nbasicAuth: { username: u, password: { file: p } }"
    "bearerToken: { file: t }"

    NO_EFFECT_AT_ALL 139 "this entry changes nothing"
    "A calendar entry must say what changes while it lasts: minReplicas, maxReplicas, padding, demand or perReplica."
    "- { workload: shop/*, at: 2026-11-27T17:00, for: 3h, reason: sale }"
    "- { workload: shop/*, at: 2026-11-27T17:00, for: 3h, reason: sale, minReplicas: 80 }"

    SECRET_UNREADABLE 140 "a secret cannot be read"
    "The file or environment variable is not there, is empty, or may not be read by the user that runs tidecast. The \
     check warns of missing files only; the server needs the content."
    "bearerToken: { env: PROM_TOKN }"
    "bearerToken: { env: PROM_TOKEN }"

    BAD_RULE 141 "this is not a recurrence rule"
    "A rule is written as iCalendar writes it after RRULE: FREQ from DAILY to YEARLY, and INTERVAL, COUNT, UNTIL, \
     BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST. Half a rule would be worse than none, so any other part is refused."
    "rule: FREQ=MONTHLY;BYWEEKNO=3"
    "rule: FREQ=MONTHLY;BYDAY=3MO"

    UNKNOWN_REGION 142 "no holidays are known for this region"
    "Countries are written by their two letters, regions with their own holidays by the country, a hyphen and \
     the region, as ISO 3166-2 does."
    "holidays: Bavaria"
    "holidays: DE-BY"

    BAD_BYTES 143 "this is not a number of bytes"
    "Bytes are a whole number with a unit as Kubernetes writes them: Mi, Gi and Ti for powers of 1,024, M, G and T for \
     powers of 1,000."
    "store: { modelsMax: 4 GiB }"
    "store: { modelsMax: 4Gi }"

    NO_SUCH_CLUSTER 151 "there is no cluster of this name"
    "A target in Kubernetes names one of the clusters under `clusters`. Where there is but one, and where there is none \
     because the surroundings tell it, it need not be named."
    "target: { type: kubernetes, cluster: prodd, namespace: shop, name: checkout }"
    "target: { type: kubernetes, cluster: prod, namespace: shop, name: checkout }"

    UNKNOWN_KIND 152 "it is not known where this kind lives"
    "A kind of one's own is found by its group and version. Only of Deployments, StatefulSets, ReplicaSets, \
     ReplicationControllers, Rollouts, Fleets and GameServerSets one need not say them."
    "target: { type: kubernetes, kind: Queue, namespace: shop, name: mail }"
    "target: { type: kubernetes, apiVersion: example.org/v1, kind: Queue, namespace: shop, name: mail }"

    FOREIGN_NAMESPACE 160 "the target lies in another namespace"
    "Whoever may write a PredictiveScaler in a namespace may scale what lies there, and nothing else: otherwise the \
     rights that the cluster gives per namespace would mean nothing. The key can be left out."
    "# in the namespace shop\ntarget: { type: kubernetes, namespace: media, name: encoder }"
    "# in the namespace shop\ntarget: { type: kubernetes, name: checkout }"

    TARGET_NOT_ALLOWED 161 "a resource may not name this type of target"
    "Groups in a cloud and addresses are reached with tidecast's own rights, which whoever may write in a namespace need \
     not have. `operator.targets` in the file says which types a resource may name."
    "target: { type: asg, group: web, region: eu-west-1 }      # operator: { namespaces: [shop] }"
    "# in the file\noperator: { namespaces: [shop], targets: [kubernetes, keda, asg, none] }"

    NO_METRIC 170 "a source of type cloudwatch needs a metric"
    "CloudWatch is asked for a metric by its namespace, name and dimensions; nothing else says which."
    "demand: { source: aws }      # aws: { type: cloudwatch, region: eu-west-1 }"
    "demand: { source: aws, metric: { namespace: AWS/ApplicationELB, name: RequestCount, dimensions: { TargetGroup: targetgroup/a/1 } } }"

    ODD_STEP 171 "CloudWatch has no such period"
    "CloudWatch keeps values by the minute for 15 days, by five minutes for 63 days and by the hour for 455 days. What is \
     older than 15 days can only be had by five minutes, so other steps would fit no history."
    "demand: { step: 2m }      # with a source of type cloudwatch"
    "demand: { step: 1m }"

    KEDA_OPEN 180 "the server that KEDA asks would answer everybody"
    "Whoever reaches it learns how large each workload is and will be, and with the name of a ScaledObject of their own can \
     have it follow. So beyond loopback it answers only who shows a certificate, unless `clients: anybody` says that something \
     else, such as a NetworkPolicy, keeps strangers away."
    "keda: { listen: 0.0.0.0:8081 }"
    "keda:\n  listen: 0.0.0.0:8081\n  tls: { certFile: tls.crt, key: { file: tls.key }, clientCaFile: ca.crt }"

    COMMANDS_NOT_ALLOWED 181 "this target runs programs, which the server does not allow"
    "A target of the type `command` runs a program with the rights of the server, so whoever may edit the configuration \
     could run anything. That must be allowed where the server is configured, once and visibly."
    "target: { type: command, run: [/usr/local/bin/scale, checkout] }"
    "server: { allowCommands: true }"

    BAD_COMMAND 182 "this cannot be run"
    "A program and its arguments are a list, each for itself: no shell reads them, so nothing in them can be taken for \
     something else."
    "run: [scale checkout --to stdin]"
    "run: [scale, checkout, --to, stdin]"

    NO_CAPACITY 183 "what one server serves must be said"
    "It is learned from demand and from the number of servers that serve. Where nothing shows that number, it cannot be \
     learned, and without it no demand can be turned into a size."
    "target: { type: keda, namespace: shop, name: checkout, action: trigger }"
    "target: { type: keda, namespace: shop, name: checkout, action: trigger }\ncapacity: { perReplica: 41 }"

    SAME_ADDRESS 184 "two servers listen on one address"
    "The API and the server that KEDA asks speak different protocols, and each needs a port of its own."
    "server: { listen: 127.0.0.1:8080 }\nkeda: { listen: 127.0.0.1:8080 }"
    "server: { listen: 127.0.0.1:8080 }\nkeda: { listen: 127.0.0.1:8081 }"

    CANNOT_DRAIN 190 "servers of this target cannot be drained"
    "A server with sessions on it is marked, waits until it is empty, is looked at once more and only then ended. That can be \
     done for Pods of Deployments, ReplicaSets and Rollouts, for instances of Auto Scaling groups whose size \
     tidecast sets itself, and for those outside of groups. Where others choose which server goes, the section would promise what nobody keeps."
    "target: { type: asg, group: sfu, region: eu-west-1 }\ndrain: { sessions: 'sfu_sessions{node=\"$node\"}' }"
    "target: { type: asg, group: sfu, region: eu-west-1, action: direct }\ndrain: { sessions: 'sfu_sessions{node=\"$node\"}' }"

    NO_SESSIONS 191 "nobody tells how many sessions a server holds"
    "A server is ended only when a fresh count says that it is empty, and a count that is not there is not zero. Pods can tell \
     their sessions in annotations; of instances only the source knows, and only one that answers queries."
    "target: { type: asg, group: sfu, region: eu-west-1, action: direct }\ndrain: {}"
    "drain: { sessions: 'sfu_sessions{node=\"$node\"}' }"

    SESSIONS_WITHOUT_NODE 192 "this query does not tell servers apart"
    "Sessions are counted for each server. `$node` stands for its name, as the value of one label; everything in the query is \
     then grouped by that label, and asked once for the whole fleet."
    "drain: { sessions: 'sum(sfu_sessions)' }"
    "drain: { sessions: 'sum(sfu_sessions{node=\"$node\"})' }"
}
