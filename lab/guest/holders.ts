import { copyFileSync } from "node:fs";
import type { Lab } from "./lab.ts";
import type { Background } from "./process.ts";

/** Everything that can keep a mount busy, each made by a small program: `sh` and `perl`, which start at once. */

/** A process that opened the files and keeps them. */
export function opens(lab: Lab, ...paths: readonly string[]): Background {
  const redirections = paths.map((path, index) => `${index + 3}<>'${path}'`).join(" ");
  return lab.start(["sh", "-c", `exec ${redirections} sleep 900`]);
}

export function worksIn(lab: Lab, directory: string): Background {
  return lab.start(["sleep", "900"], { cwd: directory });
}

/** A library that lies on the mount is mapped by the loader, which closes its descriptor. */
export function maps(lab: Lab, path: string): Background {
  copyFileSync("/lib/x86_64-linux-gnu/libm.so.6", path);
  return lab.start(["sleep", "900"], { env: { LD_PRELOAD: path } });
}

export function runsFrom(lab: Lab, path: string): Background {
  copyFileSync("/usr/bin/sleep", path);
  return lab.start(["sh", "-c", `chmod +x '${path}' 2>/dev/null; exec '${path}' 900`]);
}

/** In a mount namespace of its own, whose mounts follow the others (`slave`) or do not (`private`). */
export function apart(lab: Lab, propagation: "private" | "slave", script = "exec sleep 900"): Background {
  return lab.start(["unshare", "-m", "--propagation", propagation, "sh", "-c", script]);
}

/**
 * The file is open in no process: its descriptor lies in a Unix socket that nobody reads. sendmsg(2) by its number, 46 on x86-64: perl has no call of its own for
 * SCM_RIGHTS.
 */
export function opensOutOfSight(lab: Lab, path: string): Background {
  const script = `use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
    open(my $f, "+<", $ARGV[0]) or die $!; my $data = "x"; my $iov = pack("P Q", $data, 1);
    my $rights = pack("Q l l l x4", 20, 1, 1, fileno($f));
    my $message = pack("Q L x4 P Q P Q l x4", 0, 0, $iov, 1, $rights, 24, 0);
    syscall(46, fileno($a), $message, 0) == 1 or die "sendmsg: $!"; close($f); sleep 900;`;
  return lab.start(["perl", "-e", script, path]);
}

/** Opens one file after the other; each second one it closes. */
export function leaks(lab: Lab, directory: string): Background {
  const script = `my @kept; for (my $i = 0; $i < 2000; $i++) { open(my $f, ">>", "$ARGV[0]/" . ($i % 2 ? "closed-$i" : "leaked-$i")) or die $!;
    if ($i % 2) { close($f) } else { push @kept, $f } select(undef, undef, undef, 0.5); }`;
  return lab.start(["perl", "-e", script, directory]);
}
