# Sourced by run.sh, with $node and $arch: what has to be there before a task runs. Every function finds out itself whether there
# is something to do.
# shellcheck disable=SC2154 # those two

# lists FILE...: the entries of package lists, one a line.
lists() { cat "$@" | sed 's/#.*//; s/[[:space:]]//g; /^$/d'; }

# missing_packages FILE...: the names that are not installed, one a line; of "a|b" none where one of them is.
missing_packages() {
  lists "$@" | while read -r choice; do
    found=
    for name in $(printf '%s' "$choice" | tr '|' ' '); do
      # A line for each architecture; dpkg also knows "not-installed" and "half-installed".
      if dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed; then found=yes; fi
    done
    [ "$found" ] || printf '%s\n' "$choice"
  done | sort -u
}

# first_available CHOICE: of "a|b" the first that apt knows.
first_available() {
  for name in $(printf '%s' "$1" | tr '|' ' '); do
    if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
      printf '%s' "$name"
      return
    fi
  done
  printf '%s' "${1%%|*}"
}

# debian_packages FILE...: installs what is missing. The check alone takes a few ms.
debian_packages() {
  if [ "${AOD_SKIP_PACKAGES:-}" ]; then
    echo "Debian packages: not looked at (AOD_SKIP_PACKAGES is set)"
    return
  fi
  command -v dpkg-query >/dev/null || fail "this is not a Debian system" "Install what $* name in this system's own way, then set AOD_SKIP_PACKAGES=1"
  missing=$(missing_packages "$@")
  step_count=$((step_count + 1))
  if [ -z "$missing" ]; then
    step "Debian packages" note "all there"
    return
  fi
  wanted=
  for choice in $missing; do wanted="$wanted $(first_available "$choice")"; done
  wanted=${wanted# }
  command_line="apt-get update && apt-get install --no-install-recommends $wanted"
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "Debian packages are missing, and this is neither root nor is there sudo" "As root: $command_line"
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; } ||
      fail "Debian packages are missing, and sudo asks for a password" "Run 'sudo -v' first; or as root: $command_line"
    as_root=sudo
  fi
  echo "To be installed with apt-get: $wanted"
  step_must_end=yes # dpkg ended half way leaves packages half installed
  # shellcheck disable=SC2086 # a list of names
  step "Debian packages" install_packages $as_root sh scripts/apt.sh $wanted
  # shellcheck disable=SC2034 # steps.sh reads it
  step_must_end=
}

install_packages() {
  "$@" || {
    note "apt-get could not install them; as root: $command_line"
    return 1
  }
  note "$(echo "$wanted" | wc -w) installed"
}

# The machine's name in npm's words.
npm_arch() {
  case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) fail "there is no Node for $(uname -m) here" "AOD runs on x86_64 and aarch64" ;;
  esac
}

# npm_packages: `npm ci`, only when node_modules is not what package-lock.json says.
npm_packages() {
  stamp=node_modules/.aod-stamp
  want="$(sha256sum <package-lock.json) $arch"
  if [ -x "$node" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    note "node_modules matches package-lock.json"
    return
  fi
  # Without node_modules/.bin, which `npm run` put first: Debian's npm does not run under another Node than Debian's.
  PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v 'node_modules/\.bin$\|node-gyp-bin$' | paste -s -d :)
  command -v npm >/dev/null || {
    note "npm is missing; as root: apt-get install npm"
    return 1
  }
  rm -f "$stamp"
  npm ci --ignore-scripts --no-audit --no-fund --include=dev --include=optional --engine-strict=false --loglevel=error || {
    note "npm could not fetch the packages; is a registry reachable (npm ping)?"
    return 1
  }
  "$node" --version || {
    note "$node does not start"
    return 1
  }
  printf '%s\n' "$want" >"$stamp"
  note "npm ci: Node $("$node" --version), by path from now on"
}

# native: the BPF objects and aod-probe; make knows what is up to date.
native() {
  [ -e Makefile ] || {
    note "there is no Makefile"
    return 1
  }
  make -j "$(nproc)" NODE="$node"
  note "build/bpf, build/aod-probe"
}

bundle() {
  said=$("$node" scripts/build.ts)
  note "$said"
}

kernels() {
  # shellcheck disable=SC2086 # a list of versions
  said=$("$node" lab/main.ts fetch $1) || {
    note "a kernel of the lab (${1:-all}) could not be had"
    return 1
  }
  note "$(printf '%s\n' "$said" | cut -f 2 | paste -s -d ' ')"
}
