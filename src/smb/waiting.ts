export const LOCK = 10;
export const CHANGE_NOTIFY = 15;

/** Commands whose answer may take as long as it has to -> the client's functions in which a task waits for it. */
export const waitingFunctions: ReadonlyMap<number, RegExp> = new Map([
  [CHANGE_NOTIFY, /^(?:SMB2_change_notify|smb3_notify)\b/],
  [LOCK, /^(?:SMB2_lock|smb2_lockv|smb2_mand_lock|cifs_setlk|cifs_lock|cifs_flock)\b/],
]);

/** Whether a task with this kernel stack waits for one of `commands`; all of them when absent. */
export function waitsFor(stack: readonly string[], commands?: readonly number[]): boolean {
  return [...waitingFunctions].some(
    ([command, functions]) => commands?.includes(command) !== false && stack.some((frame) => functions.test(frame)),
  );
}
