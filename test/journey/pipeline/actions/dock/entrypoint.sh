#!/bin/sh
set -e
test "$PWD" = /github/workspace
test -f .github/actions/dock/action.yml
test "$2" = "two words"
test "$GIVEN" = "from world"
echo "made inside" >made-inside
echo "line=$INPUT_WHO/$1" >>"$GITHUB_OUTPUT"
echo "INSIDE=yes" >>"$GITHUB_ENV"
echo "::notice::hello from the container"
