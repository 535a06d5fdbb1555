export const held: Array<Uint8Array> = new Array<Uint8Array>();

export class Counts {
  heartbeats: u32 = 0;
  lowMemory: u32 = 0;
  failing: bool = false;
}

export const counts: Counts = new Counts();
