import { flagOf, valuesOf } from "../../kerberos/krb5-conf.ts";
import { messageOf } from "../../system/error.ts";
import type { KerberosCase } from "./case.ts";
import type { Service } from "./kdc-wire.ts";
import { LocalFiles } from "./local-files.ts";

export interface KdcList {
  /** `krb5.conf`, `DNS (_kerberos._udp.LAB.TEST)`, ... */
  readonly from: string;
  readonly services: readonly Service[];
  /** What could not be asked. */
  readonly troubles: readonly string[];
}

const MAX_SERVICES = 8;

/** Where the KDCs of a realm are, as the library looks: what sssd tells, krb5.conf, then SRV records. */
export async function findKdcs(of: KerberosCase, realm: string, signal: AbortSignal): Promise<KdcList> {
  const files = new LocalFiles(of.machine.fsRoot, of.mounts, signal);
  const told = (await files.text(`/var/lib/sss/pubconf/kdcinfo.${realm.replaceAll("/", "_")}`))?.split("\n") ?? [];
  const sssd = told.flatMap((line) => serviceOf(line.trim()) ?? []);
  if (sssd.length > 0) return list("sssd (/var/lib/sss/pubconf)", sssd);
  const written = valuesOf(of.conf, "realms", realm, "kdc");
  const services = written.flatMap((value) => serviceOf(value) ?? []);
  const proxies = written
    .filter((value) => /^https?:/i.test(value))
    .map((value) => `${value}: a proxy for Kerberos is not asked`);
  if (services.length > 0 || proxies.length > 0) return list("krb5.conf", services, proxies);
  const fallback = flagOf(of.conf, "libdefaults", "dns_fallback") ?? true;
  if (!(flagOf(of.conf, "libdefaults", "dns_lookup_kdc") ?? fallback))
    return list("krb5.conf, without DNS (dns_lookup_kdc = false)", []);
  const troubles: string[] = [];
  const found: Service[] = [];
  for (const protocol of ["udp", "tcp"]) {
    try {
      found.push(...(await of.wire.services(`_kerberos._${protocol}.${realm}`, signal)));
    } catch (error) {
      troubles.push(`DNS does not answer for _kerberos._${protocol}.${realm}: ${messageOf(error)}`);
    }
  }
  return list(`DNS (_kerberos._udp.${realm}, _kerberos._tcp.${realm})`, found, troubles);
}

function list(from: string, services: readonly Service[], troubles: readonly string[] = []): KdcList {
  const each = new Map(services.map((service) => [`${service.host.toLowerCase()} ${service.port}`, service]));
  return { from, services: [...each.values()].slice(0, MAX_SERVICES), troubles };
}

/** `kdc.lab.test`, `kdc:1088`, `[::1]:88`, `tcp/kdc`; undefined: none. */
export function serviceOf(text: string): Service | undefined {
  const [, literal, name, port] = /^(?:tcp\/|udp\/)?(?:\[([^\]]+)\]|([^\s:/]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = literal ?? name ?? (/^[0-9a-fA-F:.]+$/.test(text) && text.includes("::") ? text : undefined);
  return host === undefined ? undefined : { host, port: Number(port ?? 88) };
}
