// Which passkey was used here last, so that coming back takes one tap and no choosing. A credential id is
// no secret; forgetting it costs a choice.

const KEY = 'parley-last-passkey';

export function rememberPasskey(credentialId: Uint8Array): void {
  localStorage.setItem(KEY, credentialId.toHex());
}

export const forgetPasskey = (): void => localStorage.removeItem(KEY);

export function rememberedPasskey(): Uint8Array | null {
  const stored = localStorage.getItem(KEY);
  if (stored === null || !/^([0-9a-f]{2}){1,1023}$/.test(stored)) return null;
  return Uint8Array.fromHex(stored);
}
