import { trap } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { authenticated, refuse } from "../guards";
import { requestFault, userKey } from "../model/delegation";

/** The principal that the identity has at an origin. */
export function get_principal(number: u64, origin: string): Principal {
  if (authenticated(number) == null) refuse();
  const fault = requestFault(origin, new Uint8Array(1));
  if (fault != null) trap(fault);
  return Principal.selfAuthenticating(userKey(number, origin));
}
