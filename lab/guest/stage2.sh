# Second program in the guest (PID 1), on the host's file system: runs the job, hands over its status, powers off.
# The job is /run/lab/job.sh; its output and status leave through the virtio ports lab.out, lab.err and lab.ctl.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}" LANG=C.UTF-8
. /run/lab/boot.env
exec < /dev/console > /dev/console 2>&1
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
