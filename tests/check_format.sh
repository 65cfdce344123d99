#!/usr/bin/env bash
# Fails when clang-format would change a source file. check_format.sh SOURCE_DIR
set -euo pipefail
cd -- "$1"
find libkv kvserver examples perf tests \( -name '*.h' -o -name '*.cc' \) -print0 |
  xargs -0 "${CLANG_FORMAT:-clang-format}" --dry-run -Werror
