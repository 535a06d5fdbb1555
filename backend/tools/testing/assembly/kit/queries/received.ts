import { texts } from "../state";

export function received(): Array<string> {
  const list = new Array<string>();
  for (let i: u32 = 0; i < <u32>texts.size; i++) list.push(texts.get(i));
  return list;
}
