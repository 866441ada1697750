import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../../src/system/error.ts";
import { kadmin, kerberosServer } from "./kerberos.ts";
import type { Lab } from "./lab.ts";
import { openFiles, pipes } from "./nfs.ts";
import { Background } from "./process.ts";

/** Of the server and of the client, which are one machine here. */
export const machineKeytab = "/etc/krb5.keytab";

let gssd: Background | undefined;

/** The key of the NFS server, which the client's rpc.gssd takes for its own, too. After startKdc. */
export async function writeNfsKey(lab: Lab): Promise<void> {
  const service = `nfs/${kerberosServer}`;
  await kadmin(lab, `addprinc -randkey ${service}`, `ktadd -norandkey -k ${machineKeytab} ${service}`);
  if (!existsSync(machineKeytab)) throw new AodError("failed", `kadmin.local wrote no ${machineKeytab}`);
}

/** The server's half: rpc.svcgssd takes tickets for nfsd. After startNfsd, which loads the modules. */
export async function startSvcgssd(lab: Lab): Promise<void> {
  await lab.run(["modprobe", "rpcsec_gss_krb5"]);
  const svcgssd = lab.start(["rpc.svcgssd", "-f", "-v", "-n"], { stdout: "svcgssd.log", stderr: "svcgssd.log" });
  await lab.until("rpc.svcgssd is ready", 60, () => {
    if (!svcgssd.running) throw new AodError("failed", "rpc.svcgssd ended: see svcgssd.log");
    return openFiles(svcgssd.pid).some((file) => file.endsWith("/auth.rpcsec.init/channel"));
  });
}

/** The client's half. */
export async function startGssd(lab: Lab): Promise<void> {
  const log = join(lab.out, `gssd-${Date.now()}.log`);
  const started = new Background(["rpc.gssd", "-f", "-v", "-p", pipes], { stdout: log, stderr: log });
  gssd = started;
  lab.onEnd("stop rpc.gssd", stopGssd);
  await lab.until("rpc.gssd is ready", 60, () => {
    if (!started.running) throw new AodError("failed", `rpc.gssd ended: see ${log}`);
    return openFiles(started.pid).some((file) => file.endsWith("/gssd"));
  });
}

/** Without the tickets that it got by the keytab. */
export async function stopGssd(): Promise<void> {
  await gssd?.stop();
  gssd = undefined;
  for (const name of readdirSync("/tmp")) if (name.startsWith("krb5ccmachine_")) rmSync(join("/tmp", name));
}
