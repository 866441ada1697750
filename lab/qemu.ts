import type { BootKernel } from "./cache.ts";

export type Preemption = "none" | "voluntary" | "full";

export interface MachineOptions {
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Guest time counts instructions, on one CPU: slower, but the same work takes the same time again. */
  readonly icount: boolean;
  /** With `icount`, while the processor is idle: time passes as on the host, instead of leaping to the next timer. Programs that come over 9p then meet no time-outs. */
  readonly idleWaits?: boolean;
  readonly preempt?: Preemption;
  /** PID 1; a shell when absent. */
  readonly init?: "systemd";
  /** More words for the kernel's command line. */
  readonly append: readonly string[];
}

export const defaultMachine: MachineOptions = { cpus: 2, memoryMiB: 2048, icount: false, append: [] };

export interface MachinePaths {
  /** The directory that the guest sees as /run/lab, writable. */
  readonly job: string;
  /** The log of the serial console. */
  readonly console: string;
}

/** Descriptors that QEMU inherits: a stream socket each. */
export const channelDescriptors = { ctl: 3, out: 4, err: 5 } as const;

function escapeComma(path: string): string {
  return path.replaceAll(",", ",,");
}

// Five-level page tables cost emulation a fifth of the boot and serve nobody here.
const tcgCpu = "max,la57=off,erms=off,fsrm=off";

/** Accelerator and processors. KVM cannot count instructions. */
export function acceleratorArguments(kvm: boolean, machine: MachineOptions): string[] {
  if (machine.icount) {
    const idle = machine.idleWaits === true ? "on" : "off";
    return ["-accel", "tcg,thread=single", "-icount", `shift=0,sleep=${idle}`, "-cpu", tcgCpu, "-smp", "1"];
  }
  return ["-accel", kvm ? "kvm" : "tcg,thread=multi", "-cpu", kvm ? "host" : tcgCpu, "-smp", String(machine.cpus)];
}

/** The kernel's command line. */
export function kernelCommandLine(machine: MachineOptions, more: readonly string[] = []): string {
  return [
    "console=ttyS0",
    "quiet",
    "loglevel=4",
    "panic=-1",
    "mitigations=off",
    // Debian zeroes all memory on allocation; 9p allocates two buffers of msize for every request.
    "init_on_alloc=0",
    "random.trust_cpu=on",
    "log_buf_len=4M",
    ...(machine.preempt === undefined ? [] : [`preempt=${machine.preempt}`]),
    ...(machine.init === undefined ? [] : [`lab.${machine.init}`]),
    ...machine.append,
    ...more,
  ].join(" ");
}

function commonArguments(kernel: BootKernel): string[] {
  return [
    ...["-machine", "q35", "-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none"],
    ...["-kernel", kernel.image, "-initrd", kernel.initramfs],
  ];
}

/** QEMU for a job; with `interactive` the console is this terminal instead of the channels. */
export function machineArguments(
  kernel: BootKernel,
  machine: MachineOptions,
  paths: MachinePaths,
  options: { readonly kvm: boolean; readonly interactive: boolean },
): string[] {
  const log = escapeComma(paths.console);
  const channels = Object.entries(channelDescriptors).flatMap(([name, descriptor]) => [
    ...["-chardev", `socket,id=${name},fd=${descriptor}`],
    ...["-device", `virtserialport,chardev=${name},name=lab.${name}`],
  ]);
  return [
    ...commonArguments(kernel),
    ...acceleratorArguments(options.kvm, machine),
    ...["-m", String(machine.memoryMiB)],
    ...["-append", kernelCommandLine(machine)],
    ...["-chardev", options.interactive ? `stdio,id=console,signal=off,logfile=${log}` : `file,id=console,path=${log}`],
    ...["-serial", "chardev:console"],
    // Entropy for keys and session ids.
    ...["-device", "virtio-rng-pci"],
    ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    // Not as root on the host: what the guest's root may not own there is owned by who runs the lab.
    ...["-virtfs", `local,path=${escapeComma(paths.job)},mount_tag=job,security_model=none,multidevs=remap`],
    ...(options.interactive ? [] : ["-device", "virtio-serial-pci", ...channels]),
  ];
}

/** QEMU for the trial boot that shows whether an accelerator works. */
export function trialArguments(kernel: BootKernel): string[] {
  return [
    ...commonArguments(kernel),
    ...["-accel", "kvm", "-cpu", "host", "-smp", "2", "-m", "512"],
    ...["-append", kernelCommandLine(defaultMachine, ["lab.trial"])],
    ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
  ];
}
