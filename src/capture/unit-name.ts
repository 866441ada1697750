/** The unit that systemd has for a mount point (systemd.unit(5), "String escaping"): `/mnt/my share` -> `mnt-my\x20share.mount`. */
export function mountUnit(mountPoint: string): string {
  const parts = mountPoint.split("/").filter((part) => part !== "");
  if (parts.length === 0) return "-.mount";
  const bytes = Buffer.from(parts.join("/"));
  let name = "";
  for (const [index, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    if (character === "/") name += "-";
    else if (/[A-Za-z0-9:_]/.test(character) || (character === "." && index > 0)) name += character;
    else name += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${name}.mount`;
}
