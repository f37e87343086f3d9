#!/usr/bin/env bash
# The real servers that some tests start, Prometheus and VictoriaMetrics, and kubectl, from Debian's packages.
# Quick when they are there. Without them, or without a way to get them, the tests that need them are skipped and say so.
set -uo pipefail

packages=()
command -v prometheus >/dev/null && command -v promtool >/dev/null || packages+=(prometheus)
command -v victoria-metrics >/dev/null || packages+=(victoria-metrics)
command -v kubectl >/dev/null || packages+=(kubernetes-client)
[ ${#packages[@]} -gt 0 ] || exit 0

skip() {
  echo "test servers: $1; tests that need ${packages[*]} will be skipped" >&2
  exit 0
}

command -v apt-get >/dev/null || skip "this is no Debian"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || skip "installing needs root"
  as_root=(sudo -n)
fi

# Keeps apt from starting the servers as daemons: the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

echo "test servers: installing ${packages[*]}" >&2
patience() { timeout 300 "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" </dev/null >/dev/null 2>&1; }
install=(apt-get install -y --no-install-recommends "${packages[@]}")
patience "${install[@]}" || { patience apt-get update && patience "${install[@]}"; } || skip "apt has not installed them"
