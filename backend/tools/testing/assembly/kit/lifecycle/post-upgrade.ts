import { seedSoon } from "../../../../../cdk/random";

export function post_upgrade(): void { seedSoon(); }
