#!/bin/sh
# The report's test looks at the page in a real browser. Where apt and root are at hand, fetch one; else the test is skipped.
command -v chromium >/dev/null && exit 0
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || { echo "no chromium: the browser test will be skipped"; exit 0; }
apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
