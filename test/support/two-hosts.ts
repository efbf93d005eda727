/** Two hosts of their own, in network namespaces, with a cable between them that can be bad, or be pulled. */
import { existsSync } from "node:fs";
import process, { env } from "node:process";
import { packageRoot } from "./package-root.js";
import { runCommand, type Program } from "./processes.js";
import { needsPython } from "./python.js";

type Cleanup = (undo: () => unknown) => void;

/** The addresses of the far host, and a second one, for what is swallowed on the way. */
export const FAR = { ipv4: "192.0.2.2", ipv6: "2001:db8::2" } as const;
export const FAR_TOO = { ipv4: "192.0.2.3", ipv6: "2001:db8::3" } as const;

/** How the cable is; what is not given is as in a good one. */
export interface Cable {
  /** In ms, in each direction. */
  readonly delay?: number;
  /** Fraction of the frames. */
  readonly loss?: number;
  /** Fraction of the frames. */
  readonly reorder?: number;
  /** Nothing comes through. */
  readonly pulled?: boolean;
  /** Addresses whose frames get lost on the way to them, without a word. */
  readonly swallow?: readonly string[];
}

export interface TwoHosts {
  /** Gives how many frames were lost, and came late, since the last call. */
  setCable(cable: Cable): Promise<{ readonly lost: number; readonly late: number }>;
  /** Runs a compiled file of build/ there, which asks the name server at the address `resolver`. */
  run(host: "near" | "far", file: string, args?: readonly string[], resolver?: string): Program;
  /** Sets a variable of the host's network, by its path below /proc/sys. */
  configure(host: "near" | "far", variable: string, value: string): Promise<void>;
}

/** Runs a command with a name server of its own, which is asked once and has a second to answer. */
const WITH_RESOLVER = `
  file=$(mktemp) && printf 'options timeout:1 attempts:1\\nnameserver %s\\n' "$1" > "$file" &&
  mount --bind "$file" /etc/resolv.conf && rm "$file" && shift && exec "$@"`;

/** Options for a `describe`. Without root, Linux or a tool the tests are skipped, and say so; under `CI` they fail. */
export function needsTwoHosts(): { skip: string | false } {
  const missing =
    process.platform !== "linux" || process.getuid?.() !== 0
      ? "root on Linux"
      : ["/dev/net/tun", "/usr/bin/nsenter", "/usr/sbin/ip"].find((file) => !existsSync(file));
  if (missing !== undefined && env["CI"]) throw new Error(`two hosts need ${missing}, and CI needs them`);
  return missing === undefined ? needsPython().options : { skip: `two hosts need ${missing}` };
}

export async function twoHosts(cleanup: Cleanup): Promise<TwoHosts> {
  const script = `${packageRoot}/test/support/two-hosts.py`;
  const cable = runCommand(cleanup, needsPython().command, [script]);
  const first = await cable.nextLine();
  if (first === undefined) throw new Error(`the hosts could not be made: ${(await cable.finish()).errors}`);
  const namespaces = JSON.parse(first) as { readonly near: string; readonly far: string };
  const enter = (host: "near" | "far", command: string, args: readonly string[]) =>
    runCommand(cleanup, "nsenter", [`--net=${namespaces[host]}`, command, ...args]);
  return {
    async setCable(settings) {
      cable.say(JSON.stringify(settings));
      const answer = await cable.nextLine();
      if (answer === undefined) throw new Error(`the cable is gone: ${(await cable.finish()).errors}`);
      return JSON.parse(answer) as { lost: number; late: number };
    },
    run(host, file, args = [], resolver = "") {
      const command = [process.execPath, `${packageRoot}/build/${file}`, ...args];
      return enter(host, "unshare", ["--mount", "sh", "-c", WITH_RESOLVER, "sh", resolver, ...command]);
    },
    async configure(host, variable, value) {
      const write = ["-c", 'echo "$2" > "/proc/sys/$1"', "sh", variable, value];
      const { status, errors } = await enter(host, "sh", write).finish();
      if (status !== 0) throw new Error(`${variable} could not be set: ${errors}`);
    },
  };
}
