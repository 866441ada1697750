# Second program in the guest (PID 1), on the host's file system: makes the system usable, runs the job, powers off.
# The job is /run/lab/job.sh; its output and status leave through the virtio ports lab.out, lab.err and lab.ctl.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}" LANG=C.UTF-8
. /run/lab/boot.env
exec < /dev/console > /dev/console 2>&1

mount -t tmpfs -o mode=1777 shm /dev/shm 2>/dev/null || { mkdir -p /dev/shm && mount -t tmpfs -o mode=1777 shm /dev/shm; }
mkdir -p /dev/pts && mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
mkdir -p /run/lock /run/samba
hostname "$LAB_HOSTNAME"
echo "127.0.0.1 localhost $LAB_HOSTNAME" > /etc/hosts
ip link set lo up
# Without a journal the kernel log is the only record: nothing of it may be dropped.
echo on > /proc/sys/kernel/printk_devkmsg 2>/dev/null

# There is no udev that would make /dev/virtio-ports.
for port in /sys/class/virtio-ports/*/name; do
  case "$(cat "$port" 2>/dev/null)" in
    lab.ctl) ctl=/dev/$(basename "$(dirname "$port")") ;;
    lab.out) out=/dev/$(basename "$(dirname "$port")") ;;
    lab.err) err=/dev/$(basename "$(dirname "$port")") ;;
  esac
done

if [ -e /run/lab/interactive ]; then
  echo "lab: $(uname -r), the host's file system under an overlay, results in /run/lab; 'exit' ends the machine"
  cd "$LAB_CWD" 2>/dev/null || cd /
  setsid -c /bin/bash -i < /dev/ttyS0 > /dev/ttyS0 2>&1
  status=$?
else
  exec 3> "$ctl"
  echo "ready $(cut -d' ' -f1 /proc/uptime)" >&3
  cd "$LAB_CWD" 2>/dev/null || cd /
  /bin/sh /run/lab/job.sh < /dev/null > "$out" 2> "$err"
  status=$?
  echo "exit $status" >&3
fi
sync
# At once: an orderly shutdown would wait for mounts whose server is frozen.
echo o > /proc/sysrq-trigger
while :; do sleep 1; done
