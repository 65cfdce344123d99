# What ./run and ./test have in common: bring what is missing, configure, build.
# Sourced, not run. Needs bash, coreutils and, to install something, apt.

readonly build_dir=build/release

# Every Debian package the build needs. The -dev packages bring the libraries they stand on.
readonly needed_packages=(
  g++ cmake ninja-build librocksdb-dev libabsl-dev libxxhash-dev libicu-dev libstemmer-dev
  libroaring-dev nlohmann-json3-dev libcurl4-openssl-dev doctest-dev
  libcli11-dev libboost1.81-dev libspdlog-dev libedit-dev
)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "This needs root, and there is no sudo. As root, run: $*"
  fi
}

# Never asks, never takes a package away, never brings more than is needed.
apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-remove --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

is_known_to_apt() {
  [[ -n $(apt-cache madison "$1" 2>/dev/null) ]]
}

# The packages that installing "$@" would remove.
packages_in_the_way() {
  local word package rest
  apt-get install -s --no-install-recommends "$@" 2>/dev/null |
    while read -r word package rest; do
      if [[ $word == Remv ]]; then printf '%s ' "$package"; fi
    done
}

# Installs those of the named packages that are missing; silent when none is.
install_missing() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is no Debian: see README.md for what must be installed. Trying to build without it."
    return
  fi
  local package missing=() unknown=0
  for package in "$@"; do
    if ! is_installed "$package"; then missing+=("$package"); fi
  done
  if ((${#missing[@]} == 0)); then return; fi
  say "To be installed, with what they need: ${missing[*]}"

  for package in "${missing[@]}"; do
    if ! is_known_to_apt "$package"; then unknown=1; fi
  done
  if ((unknown)); then as_root apt-get update; fi

  local in_the_way
  in_the_way=$(packages_in_the_way "${missing[@]}")
  if [[ -n $in_the_way ]]; then
    die "Installing them would remove packages of yours: $in_the_way" \
      $'\nNothing was changed. Remove those yourself, or build in a container.'
  fi
  # Package lists that are older than the archive name files that are gone: once more with new ones.
  if ! apt_install "${missing[@]}"; then
    say "That failed; once more with fresh package lists."
    as_root apt-get update
    apt_install "${missing[@]}"
  fi
}

# As many compilers at a time as there are processors, but no more than memory is there for.
job_count() {
  local jobs name value _
  jobs=$(nproc)
  while read -r name value _; do
    if [[ $name == MemAvailable: ]] && ((value / 1500000 < jobs)); then
      jobs=$((value / 1500000))
    fi
  done </proc/meminfo
  printf '%d' $((jobs > 0 ? jobs : 1))
}

# build [TARGET...]: configures the release preset and builds; without a target, everything.
build() {
  local log=build/configure.log
  mkdir -p build
  # LIBKV_BUILD_PERF=OFF leaves the benchmarks out.
  if ! cmake --preset release "-DLIBKV_PERF=${LIBKV_BUILD_PERF:-ON}" \
    -DLIBKV_PRECOMPILED_HEADERS=ON >"$log" 2>&1; then
    cat "$log" >&2
    die "The build could not be configured."
  fi
  local targets=()
  if (($# > 0)); then targets=(--target "$@"); fi
  cmake --build "$build_dir" -j "$(job_count)" "${targets[@]}" >&2
}
