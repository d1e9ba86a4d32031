#!/bin/sh
# The main job without an account or a cent: fourteen videos from the embedded sandbox, then the same command again.
set -eu
cd "$(dirname "$0")/.."

echo '$ callsheet run manifests/quickstart.yaml --sandbox'
callsheet run manifests/quickstart.yaml --sandbox

echo
echo '$ callsheet run manifests/quickstart.yaml --sandbox        # again: everything is there, nothing is sent'
callsheet run manifests/quickstart.yaml --sandbox

echo
echo "$(find manifests/outputs/quickstart.sandbox -name '*.mp4' | wc -l | tr -d ' ') videos in manifests/outputs/quickstart.sandbox; open report/index.html there."
