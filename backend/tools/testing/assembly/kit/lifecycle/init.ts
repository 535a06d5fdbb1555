import { seedSoon } from "../../../../../cdk/random";
import { greetingCell } from "../state";

export function init(greeting: string): void {
  greetingCell.set(greeting);
  seedSoon();
}
