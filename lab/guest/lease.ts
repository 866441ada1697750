import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { exportDirectory } from "./nfs.ts";

// A program of the server's machine has the file open under a lease, and gives it back 2 s after it was asked for it.
const leaseHolder = `use Fcntl;
open(my $file, "<", $ARGV[0]) or die;
$SIG{IO} = sub { sleep 2; exit };
fcntl($file, 1024, F_RDLCK) or die "no lease: $!";
print "holds\\n";
close STDOUT;
sleep 100;`;

/**
 * Makes a file in the export of which the server has who wants to write it come again: NFS3ERR_JUKEBOX, NFS4ERR_DELAY. Resolves once that holds,
 * with what ends it.
 */
export async function holdLease(lab: Lab, name: string): Promise<() => Promise<void>> {
  writeFileSync(join(exportDirectory, name), "0123456789\n");
  const said = join(lab.work, `${name}.lease`);
  const holder = lab.start(["perl", "-e", leaseHolder, join(exportDirectory, name)], { stdout: said });
  await lab.until("the lease is held", 30, () => readFileSync(said, "utf8") !== "");
  return async () => {
    await holder.stop("SIGKILL");
  };
}
