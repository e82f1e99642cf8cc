#!/bin/sh
# Makes the secrets of deploy/compose.yaml in deploy/secrets, as far as they can be made. Existing files do not change.
# You get the others from QQ, from the SMS vendor and for TLS: qq_client_secret, sms_options.json, tls.pem, tls.key.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random() { openssl rand -hex 32 | tr -d '\n'; }

test -e secrets/secret_key || random > secrets/secret_key
test -e secrets/metrics_token || random > secrets/metrics_token
# No webhook is sent until you name an endpoint: docs/en/how-to/operations/webhooks.md
test -e secrets/webhooks.json || echo '{}' > secrets/webhooks.json
test -e secrets/database_password || random > secrets/database_password
test -e secrets/database_url ||
    printf 'postgres://phonebind:%s@database/phonebind' "$(cat secrets/database_password)" > secrets/database_url
test -e secrets/jwt_private_key.pem ||
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out secrets/jwt_private_key.pem

# The directory keeps other users out. The files are readable because the container has another user.
chmod 0700 secrets
chmod 0444 secrets/*
