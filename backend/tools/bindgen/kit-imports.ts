/** Imports of the kit that `body` really uses. */
export function kitImports(root: string, body: string[]): string[] {
  const words = new Set(body.join('\n').match(/[A-Za-z_$][\w$]*/g) ?? []);
  const from = (file: string, names: string[]): string[] => {
    const used = names.filter((n) => words.has(n));
    return used.length > 0 ? [`import { ${used.join(', ')} } from "${root}/cdk/${file}";`] : [];
  };
  return [
    '// Generated from the .did file. Do not edit.',
    ...(words.has('reader') ? [`import * as reader from "${root}/cdk/candid/reader";`] : []),
    ...(words.has('writer') ? [`import * as writer from "${root}/cdk/candid/writer";`] : []),
    ...from('candid/message', ['openArgument', 'openBytes', 'sendReply']),
    ...from('candid/nat', ['Nat', 'Int', 'readNat', 'readInt', 'writeNat', 'writeInt']),
    ...from('candid/opt', ['Opt']),
    ...from('candid/func', ['Func', 'readFunc', 'writeFunc']),
    ...from('candid/fail', ['readEmpty', 'wrongCase']),
    ...from('principal/principal', ['Principal']),
    ...from('calls', ['Call', 'startCall']),
    ...from('entry', ['finish', 'upgraded']),
    ...from('timers', ['fireTimers', 'runTimer']),
    ...from('api', ['methodName', 'acceptMessage']),
  ];
}
