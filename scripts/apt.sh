#!/bin/sh
# Installs the Debian packages that it is given. Runs as root, in one go, so that sudo is asked once.
#
# The lab needs samba and other servers as files, for its guests: nothing of theirs may start here. RUNLEVEL=1 is honoured by
# invoke-rc.d but not by deb-systemd-invoke, and masking units beforehand would stay behind. policy-rc.d is honoured by both; it
# is put in place for the installation only, and only where none exists. Units of servers that came with this installation are
# then disabled, or the next boot would start them; units that were there before are not touched.
set -eu

policy=/usr/sbin/policy-rc.d
marker='# temporary, by the installation of AOD: nothing starts'
remove_policy() { if grep -qsF "$marker" "$policy"; then rm -f "$policy"; fi; }

export DEBIAN_FRONTEND=noninteractive
trap remove_policy EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
remove_policy # left by one that was killed
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\n%s\nexit 101\n' "$marker" >"$policy"
  chmod 755 "$policy"
fi

apt-get update
apt-get install -y --no-install-recommends "$@"

if command -v systemctl >/dev/null; then
  for package in "$@"; do
    for unit in $(dpkg-query -L "$package" | sed -n 's#^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.\(service\|socket\)\)$#\2#p'); do
      if [ "$(systemctl is-enabled "$unit" 2>/dev/null || true)" = enabled ]; then
        echo "disabled on this machine: $unit (of $package)"
        systemctl disable --quiet "$unit"
      fi
    done
  done
fi
