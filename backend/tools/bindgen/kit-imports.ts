/** What generated files take from the kit, by file. */
const KIT: Record<string, string[]> = {
  'candid/message': ['openArgument', 'openBytes', 'sendReply'],
  'candid/nat': ['Nat', 'Int', 'readNat', 'readInt', 'writeNat', 'writeInt'],
  'candid/opt': ['Opt'],
  'candid/func': ['Func', 'readFunc', 'writeFunc'],
  'candid/fail': ['readEmpty', 'wrongCase'],
  'principal/principal': ['Principal'],
  calls: ['Call', 'startCall'],
  entry: ['finish', 'upgraded'],
  timers: ['fireTimers', 'runTimer'],
  api: ['methodName', 'acceptMessage'],
};
const MODULES = ['reader', 'writer'];

/** Names that mean something in generated files: what follows from a .did must be called otherwise. */
export const KIT_NAMES: ReadonlySet<string> = new Set([...MODULES, ...Object.values(KIT).flat(), 'memory', 'unchecked', 'changetype']);

/** Imports of the kit that `body` really uses. */
export function kitImports(root: string, body: string[]): string[] {
  const words = new Set(body.join('\n').match(/[A-Za-z_$][\w$]*/g) ?? []);
  return [
    '// Generated from the .did file. Do not edit.',
    ...MODULES.filter((name) => words.has(name)).map((name) => `import * as ${name} from "${root}/cdk/candid/${name}";`),
    ...Object.entries(KIT).flatMap(([file, names]) => {
      const used = names.filter((n) => words.has(n));
      return used.length > 0 ? [`import { ${used.join(', ')} } from "${root}/cdk/${file}";`] : [];
    }),
  ];
}
