/** Where programs of the tests run: here, or on a host of a private network (faults/network.ts). */

export interface Host {
  readonly address: string;
  /** Program and arguments that run a command there, under the same process id. */
  command(program: string, args: readonly string[]): readonly [program: string, args: readonly string[]];
}

export const HERE: Host = { address: "127.0.0.1", command: (program, args) => [program, args] };
