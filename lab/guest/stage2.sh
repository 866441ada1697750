# Second program in the guest (PID 1), on the host's file system: runs the job, hands over its status, powers off.
# The job is /run/lab/job.sh; its output and status leave through the virtio ports lab.out, lab.err and lab.ctl.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}" LANG=C.UTF-8
. /run/lab/boot.env
exec < /dev/console > /dev/console 2>&1

# systemd as PID 1 with no more of the host's units than every service wants; the job is a service of its own.
if [ "${1:-}" != job ] && grep -qw lab.systemd /proc/cmdline; then
  mkdir -p /run/systemd/system
  ln -s "$LAB_REPO/lab/guest/stage2.sh" /run/lab-stage2.sh
  # They walk over directories of the host, want a network, or wait for devices that are not there.
  for unit in systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-timesyncd.service systemd-pstore.service \
    systemd-modules-load.service systemd-binfmt.service systemd-update-utmp.service systemd-journal-flush.service timers.target; do
    ln -s /dev/null "/run/systemd/system/$unit"
  done
  cat > /run/systemd/system/lab-job.service <<'END'
[Unit]
Requires=basic.target
After=basic.target
[Service]
ExecStart=/bin/sh /run/lab-stage2.sh job
LimitMEMLOCK=infinity
LimitNOFILE=524288
TasksMax=infinity
END
  exec /lib/systemd/systemd --system --unit=lab-job.service
fi

cd "$LAB_CWD" 2>/dev/null || cd /

if [ -e /run/lab/interactive ]; then
  echo "lab: kernel $LAB_RELEASE on the host's file system under an overlay; results: /run/lab; 'exit' ends the machine"
  # Without the start-up files of the host's root: they may be long, and every program costs time here.
  PS1='lab:\w# ' setsid -c /bin/bash --norc --noprofile -i < /dev/ttyS0 > /dev/ttyS0 2>&1
else
  exec 3> /dev/virtio-ports/lab.ctl
  echo "ready" >&3
  /bin/sh /run/lab/job.sh < /dev/null > /dev/virtio-ports/lab.out 2> /dev/virtio-ports/lab.err
  echo "exit $?" >&3
fi
sync
# At once: an orderly shutdown would wait for mounts whose server is frozen.
echo o > /proc/sysrq-trigger
while :; do sleep 1; done
